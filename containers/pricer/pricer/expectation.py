r"""The payoff's expectation over the last normal of each path, in closed form.

Given a path's :class:`~pricer.lines.Lines`, the level on each date rises with one normal x. So the note is called on
date j exactly when x reaches that date's threshold and no earlier one, a coupon is paid on an interval of x, and
capital is lost below a threshold. With Φ monotone, ``Φ(min(a, b)) = min(Φ(a), Φ(b))``: two Φ a date give all
probabilities. What is left to the simulation is a continuous function of the other normals, which quasi-random points
integrate well. Method: preintegration (Griewank, Kuo, Leövey, Sloan, "High dimensional integration of kinks and
jumps - smoothing by preintegration", J. Comput. Appl. Math. 344, 2018).
"""

import math
from dataclasses import dataclass

import numpy as np

from pricer.lines import Lines
from pricer.normals import FloatArray, cumulative
from pricer.note import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """On each path, given all normals but x; on unit notional."""

    value: FloatArray  # (paths,) discounted cash flows
    alive: FloatArray  # (dates - 1, paths) probability that the note lives on after each date but the last
    loss: FloatArray  # (paths,) probability that less than the notional is redeemed


def expected_payoff(note: Note, lines: Lines) -> Expectation:
    """See the module; protection is watched at maturity."""
    kind = lines.intercepts.dtype.type
    dates = lines.intercepts.shape[1]
    alive = np.empty((dates, lines.intercepts.shape[2]), kind)  # before each date
    alive[0] = 1
    alive_until = np.full(lines.intercepts.shape[2], np.inf, kind)  # x below which no call came
    for date in range(dates - 1):
        if math.isinf(note.autocall[date]):
            alive[date + 1] = alive[date]
            continue
        np.minimum(alive_until, threshold(note, lines, date, note.autocall[date]), out=alive_until)
        alive[date + 1] = cumulative(alive_until)
    discounts = note.discounts.astype(kind)
    value = (discounts[:-1] - discounts[1:]) @ (1 - alive[1:])
    value += discounts[-1]
    value += _coupons(note, lines, alive)
    loss, shortfall = _shortfall(note, lines, alive_until)
    value -= discounts[-1] * shortfall
    return Expectation(value=value, alive=alive[1:], loss=loss)


def threshold(note: Note, lines: Lines, date: int, level: float) -> FloatArray:
    """(paths,) the x from which every asset stands at ``level`` or above."""
    kind = lines.intercepts.dtype.type
    logarithms = np.log(level * note.strikes).astype(kind)
    x: FloatArray = (logarithms[:, None] - lines.intercepts[:, date]) / lines.slopes[:, date]
    return x.max(axis=0)


def _coupons(note: Note, lines: Lines, alive: FloatArray) -> FloatArray:
    """(paths,) discounted coupons.

    ``open_[i]`` is the probability that coupon i fell due and was not paid yet: below an x. A date's barrier cuts it
    down, what is cut off is paid. ``open_[0]`` stands for those missed before the first date.
    """
    kind = alive.dtype.type
    dates, paths = alive.shape
    value = np.zeros(paths, kind)
    open_ = np.empty((dates + 1, paths), kind)
    weights = np.ones(dates + 1, kind)
    count = 0
    if note.memory and note.unpaid:
        open_[0], weights[0], count = alive[0], note.unpaid, 1
    for date in range(dates):
        barrier = note.coupon_barrier[date] if note.due[date] else note.autocall[date]
        if note.due[date]:
            first = count if note.memory else 0
            open_[first], weights[first], count = alive[date], 1, first + 1
        if math.isinf(barrier) or not count:
            continue
        still = open_[:count]
        before = weights[:count] @ still
        np.minimum(still, cumulative(threshold(note, lines, date, barrier)), out=still)
        before -= weights[:count] @ still
        before *= kind(note.coupon * note.discounts[date])
        value += before
        if not note.memory:
            count = 0
    return value


def _shortfall(note: Note, lines: Lines, alive_until: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(paths,) probability of redemption below par, and the expected amount missing at maturity."""
    kind = alive_until.dtype.type
    last = lines.intercepts.shape[1] - 1
    lowest = min(1.0, note.protection, note.coupon_barrier[last])  # a level: below all of them capital is lost
    bound = np.minimum(alive_until, threshold(note, lines, last, lowest))
    loss = cumulative(bound)
    slope = lines.slopes[0, last]
    mean = lines.intercepts[0, last] - kind(math.log(note.strikes[0]))
    mean += kind(0.5) * slope * slope
    shortfall = np.exp(mean, out=mean)
    bound -= slope
    shortfall *= cumulative(bound)
    np.subtract(loss, shortfall, out=shortfall)
    return loss, shortfall
