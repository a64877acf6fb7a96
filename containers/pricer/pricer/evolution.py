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
        lengths: FloatArray,
        normals: FloatArray,
    ) -> None:
        """``lengths``: of a step in each period. ``normals``: (rows, paths), modes of the variances, then residuals."""
        hestons, steps = len(correlation.variance_roots), len(variance_basis)
        self._variances, self._counts, self._lengths, self._target = variances, counts, lengths, target
        self._regression = correlation.regression.astype(np.float32)
        self._beside = [
            np.sqrt(1 - each.model.rho**2) if isinstance(each, StochasticVariance) else 1.0 for each in variances
        ]
        self._own = (correlation.residual * np.outer(self._beside, self._beside)).astype(np.float32)
        self._told = np.sum(correlation.regression**2, axis=1).astype(np.float32)  # share that the variances explain
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
        shared = np.zeros((assets, assets, paths), np.float32)  # sum over steps of products of deviations
        pulled = np.zeros((assets, paths), np.float32)  # what the other indices' variances tell about an index
        for _ in range(self._counts[period]):
            before = list(self._now)
            self._step(period, sums)
            if assets > 1:
                self._share(self._deviations(period, before), shared, pulled)
            self._row += 1
        closed = self._close(period, sums)
        drift, stretch, integral = (
            np.stack([np.broadcast_to(getattr(each, name), (paths,)) for each in closed])
            for name in ("drift", "stretch", "integral")
        )
        drift += stretch * pulled
        covariance = shared * (stretch[:, None] * stretch[None, :])
        told = np.einsum("aap->ap", covariance) * self._told[:, None]
        covariance *= self._own[:, :, None]
        own = np.square(self._beside, dtype=np.float32)[:, None] * (integral - told)
        covariance[np.arange(assets), np.arange(assets)] = own
        return drift, path_factors(covariance, self._target[:, None] * np.sqrt(own))

    def _step(self, period: int, sums: list[Sums]) -> None:
        """Advances the stochastic variances by one step."""
        stochastic = [each for each in self._variances if isinstance(each, StochasticVariance)]
        for heston, each in enumerate(stochastic):
            driver = self._drivers[heston, self._row]
            self._now[heston] = each.steps[period].advance(self._now[heston], driver, sums[heston])

    def _deviations(self, period: int, before: list[FloatArray]) -> list[FloatArray]:
        """Of each index over the step: the mean of √v at its ends, times √Δ.

        Not the root of the integrated variance: covariances are integrals of products of roots, which are less.
        """
        ends = iter(zip(before, self._now, strict=True))
        root = np.float32(0.5 * np.sqrt(self._lengths[period]))
        deviations = []
        for each in self._variances:
            if isinstance(each, StochasticVariance):
                start, end = next(ends)
                deviations.append(root * (np.sqrt(start) + np.sqrt(end)))
            else:
                deviations.append(np.sqrt(each.step(period, int(self._counts[period]))))
        return deviations

    def _share(self, deviations: list[FloatArray], shared: FloatArray, pulled: FloatArray) -> None:
        for i, deviation in enumerate(deviations):
            pull = np.float32(self._beside[i]) * (self._regression[i] @ self._independent[:, self._row])
            pulled[i] += pull * deviation
            for j in range(i + 1):
                shared[i, j] += deviation * deviations[j]
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
