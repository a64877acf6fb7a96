"""The variance of one index over the periods between observation dates, and what it does to the index's drift."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fanout.market import HestonParameters
from pricer.cir import Sums, VarianceStep
from pricer.normals import FloatArray

Array = NDArray[np.float64]
HALF = np.float32(0.5)
LEAST_INTEGRAL = np.float32(0.1)  # share of a period's integral that its residual cannot take away


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodVariance:
    """One index over one period, (paths,) each or one number under GBM."""

    integral: FloatArray  # of the variance, residual included
    drift: FloatArray  # of the log index beside its growth, that of the normals to come included
    stretch: FloatArray  # by which the residual stretches the deviations of the period's steps


@dataclass(frozen=True, slots=True, kw_only=True)
class CertainVariance:
    """Under GBM."""

    integrals: FloatArray  # (periods,)

    @classmethod
    def of(cls, integrals: Array) -> Self:
        return cls(integrals=integrals.astype(np.float32))

    def step(self, period: int, steps: int) -> FloatArray:
        """The integral over one of ``steps`` equal steps of a period."""
        return np.asarray(self.integrals[period] / np.float32(steps))

    def close(self, period: int) -> PeriodVariance:
        integral = np.asarray(self.integrals[period])
        return PeriodVariance(integral=integral, drift=-HALF * integral, stretch=np.ones_like(integral))


@dataclass(frozen=True, slots=True, kw_only=True)
class StochasticVariance:
    """Under Heston's model."""

    model: HestonParameters
    steps: tuple[VarianceStep, ...]  # of each period

    @classmethod
    def of(cls, model: HestonParameters, lengths: Array) -> Self:
        return cls(model=model, steps=tuple(VarianceStep.of(model, float(length)) for length in lengths))

    def start(self, paths: int) -> FloatArray:
        return np.full(paths, self.model.v0, np.float32)

    def close(self, sums: Sums, normals: FloatArray) -> PeriodVariance:
        r"""The period's residual η is drawn once, by ``normals``, and enters drift and integral.

        .. math:: \ln S' - \ln S - \text{growth} = \sum_s \left(A_s v'_s - \ln \mathrm{E}[e^{A_s v'}]\right)
            - \tfrac12 (1-\rho^2) I - \tfrac12 p^2 \mathrm{Var}[\eta] + (p - \tfrac12(1-\rho^2))\,\eta
            + \sqrt{(1-\rho^2)(I + \eta)}\,E, \qquad p = \frac{\kappa\rho}{\sigma} - \tfrac12 \rho^2
        """
        model = self.model
        beside = 1 - model.rho**2
        pull = model.kappa * model.rho / model.sigma - 0.5 * model.rho**2
        variance = np.maximum(sums.residual, np.float32(0))
        residual = np.maximum(np.sqrt(variance) * normals, (LEAST_INTEGRAL - 1) * sums.integral)
        drift = sums.leverage + HALF * (sums.exponent + np.log(sums.factor))
        drift -= np.float32(0.5 * beside) * sums.integral
        drift -= np.float32(0.5 * pull**2) * variance
        drift += np.float32(pull - 0.5 * beside) * residual
        integral = sums.integral + residual
        return PeriodVariance(integral=integral, drift=drift, stretch=np.sqrt(integral / sums.integral))


def expected_integrals(model: HestonParameters, lengths: Array) -> Array:
    """(steps,) expectation of the variance's integral over each of consecutive steps."""
    ends = np.cumsum(lengths)
    beyond = (model.v0 - model.theta) * np.diff(-np.exp(-model.kappa * ends), prepend=-1.0) / model.kappa
    return np.asarray(model.theta * lengths + beyond)
