"""What is measured on the paths of a position: value and probabilities, sensitivities, scenarios.

Each measure says what its rows are and in which order.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pricer.expectation import expected_payoff, touched_value
from pricer.knockin import touch_probability
from pricer.lines import Lines
from pricer.normals import FloatArray
from pricer.note import Note
from pricer.payoff import outcome

Array = NDArray[np.float64]
SPOT_STEP = 1e-4  # of a logarithm; differences have an error of its square
NORMAL_STEP = 1e-4
BUMP = 1e-2  # of a logarithm
BASIS_POINT = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueMeasure:
    """Value, probability of a loss, probabilities to live on after each date but the last."""

    note: Note

    def __call__(self, lines: Sequence[Lines]) -> list[FloatArray]:
        expected = expected_payoff(self.note, lines[0])
        return [expected.value, expected.loss, *expected.alive]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainMeasure:
    """The rows of ``ValueMeasure`` from the payoff on levels drawn for each path: nothing is integrated in closed form.

    For checking; a watched barrier enters by the probability that it was touched between the dates.
    """

    note: Note

    def __call__(self, lines: Sequence[Lines]) -> list[FloatArray]:
        some = lines[0].doubled()
        levels = np.exp(some.intercepts + some.slopes * some.normals)
        worst: FloatArray = np.min(levels / self.note.strikes[:, None, None], axis=0)
        found = outcome(self.note, worst)
        rows = [found.value, found.lost.astype(float), *found.alive.astype(float)]
        if self.note.continuous:
            unprotected = outcome(replace(self.note, protection=math.inf), worst)
            touched = touch_probability(self.note, some, some.normals)
            rows[0] = rows[0] + touched * (unprotected.value - found.value)
            rows[1] = rows[1] + touched * (unprotected.lost ^ found.lost)
        return rows


def _value(note: Note, lines: Lines) -> FloatArray:
    return expected_payoff(note, lines).value


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMeasure:
    r"""Derivatives by the logarithm of each spot, first and second; then the changes of value for bumps.

    The spot moves every level by the same factor, which is a move of the strikes. First derivatives are differences
    on the same paths: their expectation is the difference of the values, and the expectation over x has no jumps.
    It has kinks where two dates' thresholds meet, so the second derivative is not that of each path. Moving a spot
    by h is moving x by ``along·h`` and tilting the other normals, hence

    .. math:: \frac{\partial^2 V}{\partial \ell^2}
              = \mathrm{E}\left[\text{along}\;\frac{\partial^2 g}{\partial x\,\partial \ell}
                + \text{score}\;\frac{\partial g}{\partial \ell}\right]

    where a move of x shifts all thresholds alike and g is smooth in it. Where no tilt moves one spot alone, since it is
    perfectly correlated with others or with its variance, differences of values serve for both derivatives. A watched
    barrier sees the spot itself too, on the way to the first date: to what a move of the dates' levels does comes the
    derivative of ∂g/∂ℓ by the start alone. ``lines``: of the market, and of the market with each volatility one point
    higher. Rows: both derivatives for each asset, the rate's, each volatility's.
    """

    note: Note
    times: Array  # years, (dates,): of the observations
    payment_times: Array  # years, (dates,)

    def __call__(self, lines: Sequence[Lines]) -> list[FloatArray]:
        base = expected_payoff(self.note, lines[0]).value
        exact = lines[0].doubled()
        rows = [row for asset in range(exact.assets) for row in self._spot(exact, asset)]
        dearer = replace(self.note, discounts=self.note.discounts * np.exp(-BASIS_POINT * self.payment_times))
        drifted = lines[0].moved((BASIS_POINT * self.times[:, None]).astype(base.dtype))
        rows.append(expected_payoff(dearer, drifted).value - base)
        rows += [expected_payoff(self.note, bumped).value - base for bumped in lines[1:]]
        return rows

    def _spot(self, lines: Lines, asset: int) -> tuple[FloatArray, FloatArray]:
        moves = lines.spot_moves
        if moves is None:
            return self._bumped(lines, asset)
        up, down = (lines.moved(sign * NORMAL_STEP * lines.slopes) for sign in (1, -1))
        first, mixed = self._differences(_value, asset, up, down, NORMAL_STEP)
        second = moves.along[asset] * mixed + moves.score[asset] * first
        if self.note.continuous:
            above, below = (replace(lines, start=sign * SPOT_STEP) for sign in (1, -1))
            second += self._differences(touched_value, asset, above, below, SPOT_STEP)[1]
        return first, second

    def _differences(
        self, value: Callable[[Note, Lines], FloatArray], asset: int, up: Lines, down: Lines, step: float
    ) -> tuple[FloatArray, FloatArray]:
        """By the logarithm of the spot, the mean of ``up`` and ``down``; and that by the ``step`` to either of them."""
        (a, b), (c, d) = (
            [value(self._with_spot(asset, move), moved) for moved in (up, down)] for move in (SPOT_STEP, -SPOT_STEP)
        )
        return (a + b - c - d) / (4 * SPOT_STEP), (a - b - c + d) / (4 * SPOT_STEP * step)

    def _bumped(self, lines: Lines, asset: int) -> tuple[FloatArray, FloatArray]:
        up, same, down = (expected_payoff(self._with_spot(asset, sign * BUMP), lines).value for sign in (1, 0, -1))
        return (up - down) / (2 * BUMP), (up - 2 * same + down) / BUMP**2

    def _with_spot(self, asset: int, log_move: float) -> Note:
        strikes = self.note.strikes.copy()
        strikes[asset] *= math.exp(-log_move)
        return replace(self.note, strikes=strikes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioMeasure:
    """Values for all spots moved by each factor, under the lines of each market: market by market."""

    note: Note
    spot_factors: tuple[float, ...]

    def __call__(self, lines: Sequence[Lines]) -> list[FloatArray]:
        moved = [replace(self.note, strikes=self.note.strikes / factor) for factor in self.spot_factors]
        return [expected_payoff(note, some).value for some in lines for note in moved]
