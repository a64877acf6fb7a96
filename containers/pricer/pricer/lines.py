"""What a path set hands to the payoff: each path given up to one last normal."""

from dataclasses import dataclass

from pricer.normals import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    r"""Logarithms of index over spot as lines in one standard normal :math:`x` that is not drawn yet.

    .. math:: \ln \frac{S_{a,j}}{S_{a,0}} = \alpha_{a,j} + \beta_{a,j}\,x, \qquad \beta_{a,j} > 0

    All levels rise with ``x``, so every event of the payoff is an interval of ``x``; its probability is known exactly.
    ``paths`` counts all scrambles of the block, scramble by scramble.
    """

    intercepts: FloatArray  # (assets, dates, paths)
    slopes: FloatArray  # (assets, dates, paths or 1)
    normals: FloatArray  # (paths,): a draw of x, for what is not known exactly
