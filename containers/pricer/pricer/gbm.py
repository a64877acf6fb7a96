"""Geometric Brownian motion on observation dates, exact in law."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricer.brownian import principal_directions
from pricer.lines import Lines
from pricer.normals import BitArray, normals_from_bits

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GbmPaths:
    r"""One index whose volatility is a function of time.

    .. math:: \ln\frac{S_{t_j}}{S_0} = \ln\frac{F_{t_j}}{S_0} - \tfrac12 w_j + \sum_{k\le j} \sqrt{w_k-w_{k-1}}\,(Qz)_k

    with :math:`w` the total variance and Q the principal directions of the path, so that the first normal carries
    most of it.
    """

    centre: Array  # (dates,): mean of the log level
    loadings: Array  # (dates, dates): of the log level on each coordinate

    @classmethod
    def of(cls, *, log_growth: Array, variances: Array) -> "GbmPaths":
        """From ln of forward over spot, and the variance of the logarithm over each period; (dates,) both."""
        increments = principal_directions(variances) * np.sqrt(variances)[:, None]
        return cls(centre=log_growth - 0.5 * np.cumsum(variances), loadings=np.cumsum(increments, axis=0))

    @property
    def dimensions(self) -> int:
        return len(self.centre)

    def lines(self, bits: BitArray) -> Lines:
        """(dimensions, paths) bits of the points -> lines in the first coordinate."""
        normals = np.empty(bits.shape)
        normals_from_bits(bits, normals)
        intercepts = self.loadings[:, 1:] @ normals[1:]
        intercepts += self.centre[:, None]
        return Lines(intercepts=intercepts[None], slopes=self.loadings[None, :, :1], normals=normals[0])
