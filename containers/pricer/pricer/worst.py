r"""The expectation of the worst final level below a bound of x, in closed form.

On a path the final levels are :math:`e^{l_i(x)}` with lines :math:`l_i`. The lowest of them is line i on one interval
of x, so

.. math:: \mathrm{E}\left[\min_i e^{l_i(x)};\, x < \beta\right]
          = \sum_i e^{\alpha_i + \beta_i^2/2}\left(\Phi(h_i - \beta_i) - \Phi(g_i - \beta_i)\right)
"""

import math

import numpy as np

from pricer.lines import Lines
from pricer.normals import FloatArray, cumulative
from pricer.note import Note


def expected_worst(note: Note, lines: Lines, bound: FloatArray) -> FloatArray:
    """(paths,) expectation of the lowest S / strike on the last date where x lies below ``bound``."""
    kind = lines.intercepts.dtype.type
    heights = [
        lines.intercepts[asset, -1] - kind(math.log(strike)) for asset, strike in enumerate(note.strikes)
    ]  # at x = 0
    slopes = [lines.slopes[asset, -1] for asset in range(lines.assets)]
    total: FloatArray | None = None
    for asset, (height, slope) in enumerate(zip(heights, slopes, strict=True)):
        start, stop = _reign(asset, heights, slopes, bound)
        share = cumulative(stop - slope)
        if start is not None:
            share -= cumulative(np.minimum(start, stop) - slope)
        share *= np.exp(height + kind(0.5) * slope * slope)
        total = share if total is None else np.add(total, share, out=total)
    assert total is not None, "a note has underlyings"
    return total


def _reign(
    asset: int, heights: list[FloatArray], slopes: list[FloatArray], bound: FloatArray
) -> tuple[FloatArray | None, FloatArray]:
    """The interval of x below ``bound`` on which a line is the lowest; of equal lines the first one is."""
    start: FloatArray | None = None
    stop = bound
    for other, (height, slope) in enumerate(zip(heights, slopes, strict=True)):
        if other == asset:
            continue
        steeper = slope - slopes[asset]
        gap = heights[asset] - height  # this line lies below the other where gap <= steeper·x
        parallel = steeper == 0
        lies_below = gap < 0 if other < asset else gap <= 0
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = gap / steeper
        everywhere = np.where(lies_below, -np.inf, np.inf).astype(gap.dtype)
        floor = np.where(parallel, everywhere, np.where(steeper > 0, crossing, -np.inf)).astype(gap.dtype)
        ceiling = np.where(steeper < 0, crossing, np.inf).astype(gap.dtype)
        start = floor if start is None else np.maximum(start, floor)
        stop = np.minimum(stop, ceiling)
    return start, stop
