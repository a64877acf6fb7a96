"""Geometric Brownian motions on observation dates, exact in law."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricer.brownian import principal_directions
from pricer.factors import factors, moves_alone
from pricer.lines import Lines, SpotMoves
from pricer.normals import BitArray, normals_from_bits

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GbmPaths:
    r"""Correlated indices whose volatilities are functions of time.

    .. math:: \ln \frac{S_{i,j}}{S_{i,0}} = \ln \frac{F_{i,j}}{S_{i,0}} - \tfrac12 w_{i,j} + \sum_c A_{ijc}\,z_c

    with w the total variance; A is ordered by how much of the paths a coordinate moves, the first one moves all
    assets up on all dates.
    """

    centre: Array  # (assets, dates): mean of the log level
    loadings: Array  # (assets, dates, coordinates)
    spot_shifts: Array | None  # (assets, coordinates): the shift of z that moves one log spot by one, if any does
    variances: Array  # (dates,): of the first asset's logarithm over each period

    @classmethod
    def of(cls, *, log_growth: Array, covariances: Array) -> "GbmPaths":
        """From ln of forward over spot, (assets, dates), and the covariance of each period, (dates, assets, assets)."""
        assets, dates = log_growth.shape
        parts = factors(covariances)  # (components, periods, assets)
        bases = np.stack([principal_directions(np.sum(part**2, axis=1)) for part in parts])  # (component, period, mode)
        steps = parts[:, :, :, None] * bases[:, :, None, :]  # (component, period, asset, mode)
        loadings = np.cumsum(steps, axis=1).transpose(2, 1, 0, 3).reshape(assets, dates, -1)
        order = _by_size(loadings)
        shifts = None
        deviations = np.sqrt(np.diag(covariances[0]))
        if moves_alone(covariances[0] / np.outer(deviations, deviations)):
            first = np.linalg.inv(parts[:, 0].T)  # (component, asset): normals of the first period for a unit move
            shifts = (first[:, :, None] * bases[:, :1, :]).transpose(1, 0, 2).reshape(assets, -1)[:, order]
        variances = np.cumsum(np.diagonal(covariances, axis1=1, axis2=2), axis=0).T
        return cls(
            centre=log_growth - 0.5 * variances,
            loadings=loadings[:, :, order],
            spot_shifts=shifts,
            variances=covariances[:, 0, 0],
        )

    @property
    def dimensions(self) -> int:
        return int(self.loadings.shape[2])

    def lines(self, bits: BitArray, *, spot_moves: bool = False) -> Lines:
        """(dimensions, paths) bits of the points -> lines in the first coordinate."""
        normals = np.empty(bits.shape)
        normals_from_bits(bits, normals)
        intercepts = self.loadings[:, :, 1:] @ normals[1:]
        intercepts += self.centre[:, :, None]
        moves = None
        if spot_moves and self.spot_shifts is not None:
            moves = SpotMoves(along=self.spot_shifts[:, :1], score=self.spot_shifts[:, 1:] @ normals[1:])
        slopes = self.loadings[:, :, :1]
        return Lines.of(intercepts, slopes, normals[0], variances=self.variances, spot_moves=moves)


def _by_size(loadings: Array) -> NDArray[np.intp]:
    """Coordinates by the share of each date's variance that they carry; the common one stays first."""
    total = np.sum(loadings**2, axis=2, keepdims=True)
    share = np.sum(loadings**2 / total, axis=(0, 1))
    return np.concatenate([[0], 1 + np.argsort(-share[1:], kind="stable")])
