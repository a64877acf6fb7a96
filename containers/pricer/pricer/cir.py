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
        """By Gauss's and Legendre's integrals of the autocovariance ``e^{-κ(u-s)} Var[v_s]``.

        No differences of nearly equal numbers, whatever the speed: all sums are of positive terms.
        """
        k, theta, c = model.kappa, model.theta, model.sigma**2 / model.kappa
        decay, lost = math.exp(-k * step), -math.expm1(-k * step)
        nodes, weights = np.polynomial.legendre.leggauss(16)
        s, w = 0.5 * step * (nodes + 1), 0.5 * step * weights
        gone = -np.expm1(-k * s)
        variances = c * np.exp(-k * s) * gone, 0.5 * c * theta * gone**2  # of v at s: slope and level
        until, ahead = w * np.exp(-k * (step - s)), 2 * w * -np.expm1(-k * (step - s)) / k
        return cls(
            mean=(decay, theta * lost),
            variance=(c * decay * lost, 0.5 * c * theta * lost**2),
            covariance=(float(until @ variances[0]), float(until @ variances[1])),
            integral_mean=(lost / k, theta * float(w @ gone)),
            integral_variance=(float(ahead @ variances[0]), float(ahead @ variances[1])),
        )


class Sums:
    """What the steps of one period add up to, (paths,) each."""

    def __init__(self, paths: int) -> None:
        self.integral = np.zeros(paths, np.float32)  # of the variance, but for its residual
        self.residual = np.zeros(paths, np.float32)  # variance of what the integral lacks
        self.leverage = np.zeros(paths, np.float32)  # A (v' - E[v']), see VarianceStep
        self.exponent = np.zeros(paths, np.float32)  # with ``factor`` the moments E[exp(A (v' - E[v']))]:
        self.factor = np.ones(paths, np.float32)  #    sum of ln E = -(exponent + ln factor) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceStep:
    """One step for all paths; constants in single precision.

    With A = ρ/σ + (κρ/σ - ρ²/2) β, what v' contributes to the log index, the index is a martingale when
    ln E[exp(A v')] is taken off (Andersen's correction). Both are taken beside A E[v'], of which σ near zero makes a
    number too large for single precision.
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
        following, deviation = self._draw(mean, ratio, weight, normals, sums)
        weight *= deviation
        sums.leverage += weight
        np.multiply(inverse, self.residual[2], out=weight)
        weight += self.residual[0]
        sums.residual += weight
        np.multiply(variance, self.residual[1], out=weight)
        sums.residual += weight
        inverse *= self.beta[1]
        inverse += self.beta[0]
        deviation *= inverse
        np.multiply(variance, self.integral[0], out=weight)
        deviation += weight
        deviation += self.integral[1]
        sums.integral += deviation
        return following

    def _draw(
        self, mean: FloatArray, ratio: FloatArray, weight: FloatArray, normals: FloatArray, sums: Sums
    ) -> tuple[FloatArray, FloatArray]:
        """v' and v' - E[v'], by the quadratic branch, a (b + Z)², where ψ is small; the moments go to ``sums``.

        With y = -2Aa, ln E[exp(A (v' - E[v']))] is -(ln(1 + y) - y (1 + b² y / (1 + y))) / 2.
        """
        rare = np.flatnonzero(ratio > SWITCH)
        far, far_exponent, far_factor = self._exponential(mean[rare], ratio[rare], weight[rare], normals[rare])
        np.minimum(ratio, SWITCH, out=ratio)
        twice = TWO / ratio
        less = twice - ONE
        twice *= less
        square = np.sqrt(twice, out=twice)
        square += less  # b²
        np.add(square, ONE, out=less)
        scale = mean / less  # a
        deviation = np.sqrt(square, out=less)  # b
        following = deviation + normals
        deviation += following
        deviation *= normals
        deviation -= ONE
        deviation *= scale
        following *= following
        following *= scale
        scale *= weight
        scale *= -TWO  # y
        square *= scale
        factor = scale + ONE
        square /= factor
        square += ONE
        square *= scale
        following[rare] = far
        deviation[rare] = far - mean[rare]
        factor[rare] = far_factor
        square[rare] = far_exponent
        sums.factor *= factor
        sums.exponent -= square
        return following, deviation

    def _exponential(
        self, mean: FloatArray, ratio: FloatArray, weight: FloatArray, normals: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """v' = 0 with probability p, else exponential with mean 1/β; and what its moment adds to ``sums``."""
        moved = TWO / (ratio + ONE)  # 1 - p
        scale = mean / moved  # 1 / β
        above = np.maximum(cumulative(-normals), TINY)  # 1 - U
        following = np.log(np.maximum(moved / above, ONE)) * scale
        moment = moved / (ONE - weight * scale) - moved + ONE
        return following, -TWO * weight * mean, ONE / (moment * moment)


def _single(pair: tuple[float, float]) -> tuple[np.float32, np.float32]:
    return np.float32(pair[0]), np.float32(pair[1])
