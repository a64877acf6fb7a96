r"""Square-root variance, step by step, with its integral: Andersen's quadratic-exponential scheme, extended.

.. math:: dv = \kappa(\theta - v)\,dt + \sigma\sqrt{v}\,dZ, \qquad I = \int_t^{t+\Delta} v\,ds

v' is drawn as in Andersen, "Simple and efficient simulation of the Heston stochastic volatility model", J. Comput.
Finance 11 (2008): a squared normal while :math:`\psi = \mathrm{Var}[v']/\mathrm{E}[v']^2 \le 1.5`, else zero or
exponential. Where he takes a trapezoid for I, this takes the regression on v', whose mean, variance and covariance
with v' are exact:

.. math:: I = \mathrm{E}[I] + \beta\,(v' - \mathrm{E}[v']) + \eta, \qquad
          \beta = \frac{\mathrm{Cov}[I, v']}{\mathrm{Var}[v']}, \qquad
          \mathrm{Var}[\eta] = \mathrm{Var}[I] - \beta\,\mathrm{Cov}[I, v']

With all moments linear in v, β and Var[η] are linear functions of v and of :math:`1/(v + c)`.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from fanout.market import HestonParameters
from pricer.normals import FloatArray, cumulative

SWITCH = np.float32(1.5)  # ψ above which the exponential branch is taken; Andersen: anything in [1, 2] works
ONE, TWO, HALF = np.float32(1), np.float32(2), np.float32(0.5)
TINY = np.float32(1e-30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Exact moments over one step of length Δ; ``slope·v + level`` each, v the variance at its start."""

    mean: tuple[float, float]  # E[v']
    variance: tuple[float, float]  # Var[v']
    covariance: tuple[float, float]  # Cov[I, v']
    integral_mean: tuple[float, float]  # E[I]
    integral_variance: tuple[float, float]  # Var[I]

    @classmethod
    def of(cls, model: HestonParameters, step: float) -> Self:
        """By integrals of the autocovariance ``e^{-κ(u-s)} Var[v_s]``, that of Var[I] by Gauss and Legendre."""
        k, theta, c = model.kappa, model.theta, model.sigma**2 / model.kappa
        decay = math.exp(-k * step)
        lost = -math.expm1(-k * step)
        nodes, weights = np.polynomial.legendre.leggauss(16)
        s, w = 0.5 * step * (nodes + 1), 0.5 * step * weights
        ahead = 2 * w * -np.expm1(-k * (step - s)) / k
        gone = -np.expm1(-k * s)
        return cls(
            mean=(decay, theta * lost),
            variance=(c * decay * lost, 0.5 * c * theta * lost**2),
            covariance=(
                c * decay * (step - lost / k),
                0.5 * c * theta * (lost / k * (1 + decay) - 2 * step * decay),
            ),
            integral_mean=(lost / k, theta * (step - lost / k)),
            integral_variance=(float(ahead @ (c * np.exp(-k * s) * gone)), float(ahead @ (0.5 * c * theta * gone**2))),
        )


class Sums:
    """What the steps of one period add up to, (paths,) each."""

    def __init__(self, paths: int) -> None:
        self.integral = np.zeros(paths, np.float32)  # of the variance, but for its residual
        self.residual = np.zeros(paths, np.float32)  # variance of what the integral lacks
        self.leverage = np.zeros(paths, np.float32)  # A v', see VarianceStep
        self.exponent = np.zeros(paths, np.float32)  # with ``factor`` the moments E[exp(A v')]:
        self.factor = np.ones(paths, np.float32)  #    sum of ln E = -(exponent + ln factor) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceStep:
    """One step for all paths; constants in single precision.

    With A = ρ/σ + (κρ/σ - ρ²/2) β, what v' contributes to the log index, the index is a martingale when
    ln E[exp(A v')] is taken off (Andersen's correction).
    """

    mean: tuple[np.float32, np.float32]
    offset: np.float32  # c: Var[v'] = slope (v + c)
    spread: np.float32  # that slope
    beta: tuple[np.float32, np.float32]  # β = beta[0] + beta[1] / (v + c)
    leverage: tuple[np.float32, np.float32]  # A likewise
    integral: tuple[np.float32, np.float32]  # E[I] = slope v + level
    residual: tuple[np.float32, np.float32, np.float32]  # Var[η] = level + slope v + last / (v + c)

    @classmethod
    def of(cls, model: HestonParameters, step: float) -> Self:
        exact = Moments.of(model, step)
        spread, offset = exact.variance[0], exact.variance[1] / exact.variance[0]
        slope, level = exact.covariance
        beta = slope / spread, (level - slope * offset) / spread
        pull = model.kappa * model.rho / model.sigma - 0.5 * model.rho**2
        covariance = slope * beta[0], slope * beta[1] + (level - slope * offset) * beta[0]  # of β Cov[I, v'] in 1/(v+c)
        return cls(
            mean=_single(exact.mean),
            offset=np.float32(offset),
            spread=np.float32(spread),
            beta=_single(beta),
            leverage=_single((model.rho / model.sigma + pull * beta[0], pull * beta[1])),
            integral=_single(exact.integral_mean),
            residual=(
                np.float32(exact.integral_variance[1] - slope * offset * beta[0] - covariance[1]),
                np.float32(exact.integral_variance[0] - covariance[0]),
                np.float32(-(level - slope * offset) * beta[1]),
            ),
        )

    def advance(self, variance: FloatArray, normals: FloatArray, sums: Sums) -> FloatArray:
        """(paths,) variance and normals -> variance at the step's end."""
        mean = variance * self.mean[0]
        mean += self.mean[1]
        ratio = variance + self.offset
        inverse = ONE / ratio
        ratio *= self.spread
        ratio /= mean
        ratio /= mean  # ψ
        weight = inverse * self.leverage[1]
        weight += self.leverage[0]  # A
        following = self._draw(mean, ratio, weight, normals, sums)
        weight *= following
        sums.leverage += weight
        np.multiply(inverse, self.residual[2], out=weight)
        weight += self.residual[0]
        sums.residual += weight
        np.multiply(variance, self.residual[1], out=weight)
        sums.residual += weight
        inverse *= self.beta[1]
        inverse += self.beta[0]
        np.subtract(following, mean, out=mean)
        mean *= inverse
        np.multiply(variance, self.integral[0], out=weight)
        mean += weight
        mean += self.integral[1]
        sums.integral += mean
        return following

    def _draw(
        self, mean: FloatArray, ratio: FloatArray, weight: FloatArray, normals: FloatArray, sums: Sums
    ) -> FloatArray:
        """v' by the quadratic branch, a (b + Z)², where ψ is small; its ln E[exp(A v')] goes to ``sums``."""
        rare = np.flatnonzero(ratio > SWITCH)
        following_rare, factor_rare = self._exponential(mean[rare], ratio[rare], weight[rare], normals[rare])
        np.minimum(ratio, SWITCH, out=ratio)
        twice = TWO / ratio
        less = twice - ONE
        twice *= less
        square = np.sqrt(twice, out=twice)
        square += less  # b²
        np.add(square, ONE, out=less)
        scale = mean / less  # a
        following = np.sqrt(square, out=less)
        following += normals
        following *= following
        following *= scale
        scale *= weight
        scale *= -TWO  # -2Aa
        square *= scale
        scale += ONE
        square /= scale
        following[rare] = following_rare
        scale[rare] = factor_rare
        square[rare] = 0
        sums.factor *= scale
        sums.exponent += square
        return following

    def _exponential(
        self, mean: FloatArray, ratio: FloatArray, weight: FloatArray, normals: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """v' = 0 with probability p, else exponential with mean 1/β; and E[exp(A v')] to the power -2."""
        moved = TWO / (ratio + ONE)  # 1 - p
        scale = mean / moved  # 1 / β
        above = np.maximum(cumulative(-normals), TINY)  # 1 - U
        following = np.log(np.maximum(moved / above, ONE)) * scale
        moment = moved / (ONE - weight * scale) - moved + ONE
        return following, ONE / (moment * moment)


def _single(pair: tuple[float, float]) -> tuple[np.float32, np.float32]:
    return np.float32(pair[0]), np.float32(pair[1])
