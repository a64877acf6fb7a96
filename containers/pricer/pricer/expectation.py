r"""The payoff's expectation over the last normal of each path, in closed form.

Given a path's :class:`~pricer.lines.Lines`, the level on each date rises with one normal x. So the note is called on
date j exactly when x reaches that date's threshold and no earlier one, a coupon is paid on an interval of x, and
capital is lost below a threshold. With Φ monotone, ``Φ(min(a, b)) = min(Φ(a), Φ(b))``: two Φ a date give all
probabilities. What is left to the simulation is a continuous function of the other normals, which quasi-random points
integrate well. Method: preintegration (Griewank, Kuo, Leövey, Sloan, "High dimensional integration of kinks and
jumps - smoothing by preintegration", J. Comput. Appl. Math. 344, 2018).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pricer.knockin import touched_shortfall
from pricer.lines import Lines
from pricer.normals import FloatArray, cumulative
from pricer.note import Note
from pricer.worst import expected_worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """On each path, given all normals but x; on unit notional."""

    value: FloatArray  # (paths,) discounted cash flows
    alive: FloatArray  # (dates - 1, paths) probability that the note lives on after each date but the last
    loss: FloatArray  # (paths,) probability that less than the notional is redeemed


def expected_payoff(note: Note, lines: Lines) -> Expectation:
    """See the module."""
    kind = lines.zeros.dtype.type
    dates = lines.dates
    alive = np.empty((dates, lines.paths), kind)  # before each date
    alive[0] = 1
    bound: FloatArray | None = None
    for date, bound in enumerate(_called_from(note, lines)):
        alive[date + 1] = alive[date] if bound is None or math.isinf(note.autocall[date]) else cumulative(bound)
    loss, shortfall = _shortfall(note, lines, bound)
    discounts = note.discounts.astype(kind)
    value: FloatArray = (discounts[1:] - discounts[:-1]) @ alive[1:]  # of the redemption at par, but for a constant
    value += discounts[0]
    value += _coupons(note, lines, alive)
    value -= discounts[-1] * shortfall
    return Expectation(value=value, alive=alive[1:], loss=loss)


def touched_value(note: Note, lines: Lines) -> FloatArray:
    """(paths,) what touches of a watched barrier add to the value: the part that depends on ``lines.start``."""
    value = np.zeros(lines.paths, lines.zeros.dtype)
    if _watched(note):
        *_, bound = None, *_called_from(note, lines)
        floor, ceiling = (_ends_below(note, lines, level, bound) for level in (note.protection, _safe(note)))
        value -= note.discounts[-1] * touched_shortfall(note, lines, floor, ceiling)[1]
    return value


def _called_from(note: Note, lines: Lines) -> Iterator[FloatArray | None]:
    """For each date but the last the x from which the note was called by then: one array, lowered date by date."""
    bound: FloatArray | None = None
    for date in range(lines.dates - 1):
        if not math.isinf(note.autocall[date]):
            reached = threshold(note, lines, date, note.autocall[date])
            bound = reached if bound is None else np.minimum(bound, reached, out=bound)
        yield bound


def threshold(note: Note, lines: Lines, date: int, level: float) -> FloatArray:
    """(paths,) the x from which every asset stands at ``level`` or above."""
    kind = lines.zeros.dtype.type
    highest: FloatArray | None = None
    for asset, strike in enumerate(note.strikes):
        x: FloatArray = kind(math.log(level * strike)) * lines.inverse_slopes[asset, date] + lines.zeros[asset, date]
        highest = x if highest is None else np.maximum(highest, x, out=highest)
    assert highest is not None, "a note has underlyings"
    return highest


def _coupons(note: Note, lines: Lines, alive: FloatArray) -> FloatArray:
    """(paths,) discounted coupons.

    ``open_[i]`` is the probability that coupon i fell due and was not paid yet: that x lies below a bound. A date's
    barrier lowers the bound; what is cut off is paid. ``open_[0]`` stands for those missed before the first date.
    """
    kind = alive.dtype.type
    dates, paths = alive.shape
    value = np.zeros(paths, kind)
    open_ = np.empty((dates + 1, paths), kind)
    weights = np.ones(dates + 1, kind)
    count = 0
    if note.memory and note.unpaid:
        open_[0], weights[0], count = alive[0], note.unpaid, 1
    owed: FloatArray = weights[:count] @ open_[:count]
    for date in range(dates):
        barrier = note.coupon_barrier[date] if note.due[date] else note.autocall[date]
        if note.due[date]:
            count = count + 1 if note.memory else 1
            open_[count - 1], weights[count - 1] = alive[date], 1
            owed = owed + alive[date] if note.memory else alive[date]
        if math.isinf(barrier) or not count:
            continue
        still = open_[:count]
        np.minimum(still, cumulative(threshold(note, lines, date, barrier)), out=still)
        missed = weights[:count] @ still
        value += kind(note.coupon * note.discounts[date]) * (owed - missed)
        owed = missed
        count = count if note.memory else 0
    return value


def _shortfall(note: Note, lines: Lines, called_from: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """(paths,) probability of redemption below par, and the expected amount missing at maturity."""
    bound = _ends_below(note, lines, min(_safe(note), note.protection), called_from)
    loss = cumulative(bound)
    shortfall = loss - expected_worst(note, lines, bound)
    if _watched(note):
        ceiling = _ends_below(note, lines, _safe(note), called_from)
        more_loss, more_shortfall = touched_shortfall(note, lines, bound, ceiling)
        loss += more_loss
        shortfall += more_shortfall
    return loss, shortfall


def _safe(note: Note) -> float:
    """The last date's level from which nothing is lost, whether or not the barrier was touched."""
    return float(min(1.0, note.coupon_barrier[-1]))


def _watched(note: Note) -> bool:
    """Whether a touch of the barrier before the last date can matter."""
    return note.continuous and _safe(note) > note.protection


def _ends_below(note: Note, lines: Lines, level: float, called_from: FloatArray | None) -> FloatArray:
    """(paths,) the x up to which the note is not called and ends below ``level``."""
    bound = threshold(note, lines, lines.dates - 1, level)
    return bound if called_from is None else np.minimum(bound, called_from, out=bound)
