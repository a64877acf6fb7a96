"""The variances of a block of paths, period by period, and the covariances that they leave to the indices."""

import numpy as np
from numpy.typing import NDArray

from pricer.cir import Sums
from pricer.correlation import Correlation
from pricer.factors import path_factors
from pricer.normals import FloatArray
from pricer.variance import CertainVariance, PeriodVariance, StochasticVariance


class Evolution:
    """Walks through the periods in order; of each it tells how the indices move, given their variances."""

    def __init__(
        self,
        variances: tuple[StochasticVariance | CertainVariance, ...],
        correlation: Correlation,
        target: FloatArray,
        variance_basis: FloatArray,
        counts: NDArray[np.int64],
        normals: FloatArray,
    ) -> None:
        """``normals``: (rows, paths), those of the variances' modes in time, then those of the periods' residuals."""
        hestons, steps = len(correlation.variance_roots), len(variance_basis)
        self._variances, self._counts, self._target = variances, counts, target
        self._regression = correlation.regression.astype(np.float32)
        self._beside = [
            np.sqrt(1 - each.model.rho**2) if isinstance(each, StochasticVariance) else 1.0 for each in variances
        ]
        self._own = (correlation.residual * np.outer(self._beside, self._beside)).astype(np.float32)
        self._independent = variance_basis @ normals[: hestons * steps].reshape(hestons, steps, -1)
        roots = correlation.variance_roots.astype(np.float32)
        self._drivers = self._independent if hestons == 1 else np.einsum("hg,gsp->hsp", roots, self._independent)
        self._residuals = normals[hestons * steps :].reshape(hestons, len(counts), -1)
        self._now = [each.start(normals.shape[1]) for each in variances if isinstance(each, StochasticVariance)]
        self._row = 0  # of the steps

    def period(self, period: int) -> tuple[FloatArray, FloatArray]:
        """(assets, paths) drift and (components, assets, paths) loadings of the logarithms over a period."""
        assets, paths = len(self._variances), self._drivers.shape[2]
        sums = [Sums(paths) for _ in self._now]
        shared = np.zeros((assets, assets, paths), np.float32)  # sum over steps of the product of deviations
        pulled = np.zeros((assets, paths), np.float32)  # what the other indices' variances tell about an index
        for _ in range(self._counts[period]):
            integrals = self._step(period, sums)
            if assets > 1:
                self._share(integrals, shared, pulled)
            self._row += 1
        closed = self._close(period, sums)
        drift, stretch, integral = (
            np.stack([np.broadcast_to(getattr(each, name), (paths,)) for each in closed])
            for name in ("drift", "stretch", "integral")
        )
        drift += stretch * pulled
        shared *= stretch[:, None] * stretch[None, :]
        shared[np.arange(assets), np.arange(assets)] = integral
        shared *= self._own[:, :, None]
        deviations = np.sqrt(shared[np.arange(assets), np.arange(assets)])
        return drift, path_factors(shared, self._target[:, None] * deviations)

    def _step(self, period: int, sums: list[Sums]) -> list[FloatArray]:
        """Advances the variances by one step; the integral of each index's variance over it."""
        integrals = []
        heston = 0
        for each in self._variances:
            if isinstance(each, StochasticVariance):
                self._now[heston], integral = each.steps[period].advance(
                    self._now[heston], self._drivers[heston, self._row], sums[heston]
                )
                heston += 1
            else:
                integral = each.step(period, int(self._counts[period]))
            integrals.append(integral)
        return integrals

    def _share(self, integrals: list[FloatArray], shared: FloatArray, pulled: FloatArray) -> None:
        roots = [np.sqrt(np.maximum(integral, np.float32(0))) for integral in integrals]
        for i, root in enumerate(roots):
            pull = np.float32(self._beside[i]) * (self._regression[i] @ self._independent[:, self._row])
            pulled[i] += pull * root
            for j in range(i):
                shared[i, j] += root * roots[j]
                shared[j, i] = shared[i, j]

    def _close(self, period: int, sums: list[Sums]) -> list[PeriodVariance]:
        closed = []
        heston = 0
        for each in self._variances:
            if isinstance(each, StochasticVariance):
                closed.append(each.close(sums[heston], self._residuals[heston, period]))
                heston += 1
            else:
                closed.append(each.close(period))
        return closed
