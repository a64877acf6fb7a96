r"""Continuous monitoring of the protection barrier, by the Brownian bridge between observation dates.

Given the levels on two dates and the barrier H, an index under GBM did not touch H in between with probability

.. math:: 1 - \exp\left(-\frac{2 \ln(S_{j-1}/H)^+ \ln(S_j/H)^+}{w_j - w_{j-1}}\right)

with w the total variance, whatever the drift, as long as drift and variance run in step over the period. Glasserman,
*Monte Carlo Methods in Financial Engineering*, section 6.4.
"""

import math

import numpy as np

from pricer.lines import Lines
from pricer.normals import FloatArray, cumulative, quantile
from pricer.note import Note

SMALLEST = 1e-16  # keeps a quantile finite


def touched_shortfall(
    note: Note, lines: Lines, floor: FloatArray, ceiling: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(paths,) probability of a loss and expected amount missing where x lies between ``floor`` and ``ceiling``.

    There the last level is above the protection barrier and below par: it matters whether the barrier was touched
    before. Up to the x at which some date's level is on the barrier it surely was; beyond, x is drawn from the rest.
    """
    floor = np.minimum(floor, ceiling)
    sure = np.clip(_surely_touched(note, lines), floor, ceiling)
    slope = lines.slopes[0, -1]
    forward = np.exp(lines.intercepts[0, -1] + 0.5 * slope * slope) / note.strikes[0]
    low, high = cumulative(sure), cumulative(ceiling)
    loss = low - cumulative(floor)
    shortfall = loss - forward * (cumulative(sure - slope) - cumulative(floor - slope))
    width = high - low
    x = quantile(np.clip(low + width * cumulative(lines.normals), SMALLEST, 1 - SMALLEST))
    touched = width * touch_probability(note, lines, x)
    loss += touched
    shortfall += touched * (1 - np.exp(lines.intercepts[0, -1] + slope * x) / note.strikes[0])
    return loss, shortfall


def _surely_touched(note: Note, lines: Lines) -> FloatArray:
    """(paths,) the x up to which some date's level is at or below the barrier."""
    barrier = _log_barrier(note)
    if barrier >= 0:  # the spot is there already
        return np.full(lines.paths, np.inf)
    highest: FloatArray = np.max(barrier * lines.inverse_slopes[0] + lines.zeros[0], axis=0)
    return highest


def touch_probability(note: Note, lines: Lines, x: FloatArray) -> FloatArray:
    """(paths,) that the barrier is touched between the dates, given the levels on them."""
    assert lines.variances is not None, "paths that are watched continuously know the variance of each period"
    barrier = _log_barrier(note)
    untouched = np.ones_like(x)
    before = np.full_like(x, max(lines.start - barrier, 0.0))
    for date, variance in enumerate(lines.variances):
        after = lines.intercepts[0, date] + lines.slopes[0, date] * x
        after -= barrier
        np.maximum(after, 0.0, out=after)
        before *= after
        before *= -2 / variance
        untouched *= -np.expm1(before)
        before = after
    return 1 - untouched


def _log_barrier(note: Note) -> float:
    """Logarithm of the protection barrier over the spot."""
    return math.log(note.protection * note.strikes[0])
