r"""Heston's model by Andersen's quadratic-exponential scheme with martingale correction.

.. math:: dS = (r-q)S\,dt + \sqrt{v}S\,dW, \quad dv = \kappa(\theta-v)\,dt + \sigma\sqrt{v}\,dZ, \quad dW\,dZ = \rho\,dt

Several variance steps a period; given the variance path, the logarithm of the index over a period is normal, so one
normal an observation date is enough. Andersen, "Simple and efficient simulation of the Heston stochastic volatility
model", J. Computational Finance 11 (2008).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fanout.market import HestonParameters
from pricer.brownian import principal_directions
from pricer.lines import Lines
from pricer.normals import BitArray, FloatArray, cumulative, normals_from_bits

Array = NDArray[np.float64]
SWITCH = np.float32(1.5)  # ψ above which the exponential branch is taken; Andersen: anything in [1, 2] works
MAX_STEP = 1 / 12  # years; docs/pricing-model.md has the bias that is left


def steps_per_period(times: Array) -> NDArray[np.int64]:
    """(dates,): variance steps in each period between observation dates."""
    periods = np.diff(times, prepend=0.0)
    return np.maximum(2, np.ceil(periods / MAX_STEP - 1e-9)).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadraticExponentialStep:
    """Constants of one step; see the module's reference, equations (17), (18), (23)-(27), (33) and (39)-(43)."""

    decay: np.float32  # exp(-κΔ)
    rise: np.float32  # θ (1 - decay)
    spread_slope: np.float32  # Var[v' | v] = spread_slope·v + spread_level
    spread_level: np.float32
    martingale: np.float32  # A = K2 + K4/2
    drift_now: np.float32  # -K3/2: what multiplies v once the martingale correction replaced K0 and K1
    drift_next: np.float32  # K2
    residual: np.float32  # K3 = K4: variance of the index's own normal, a unit of v and of v'

    @classmethod
    def of(cls, model: HestonParameters, step: float) -> "QuadraticExponentialStep":
        decay = math.exp(-model.kappa * step)
        per_variance = model.sigma**2 * (1 - decay) / model.kappa
        pull = 0.5 * step * (model.kappa * model.rho / model.sigma - 0.5)
        residual = 0.5 * step * (1 - model.rho**2)
        drift_next = pull + model.rho / model.sigma
        return cls(
            decay=np.float32(decay),
            rise=np.float32(model.theta * (1 - decay)),
            spread_slope=np.float32(per_variance * decay),
            spread_level=np.float32(0.5 * per_variance * model.theta * (1 - decay)),
            martingale=np.float32(drift_next + 0.5 * residual),
            drift_now=np.float32(-0.5 * residual),
            drift_next=np.float32(drift_next),
            residual=np.float32(residual),
        )

    def advance(self, variance: FloatArray, normals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(paths,) variance now and its normals -> variance next, and the drift of the log index over the step."""
        mean = variance * self.decay
        mean += self.rise
        ratio = variance * self.spread_slope  # ψ = variance of v' over its squared mean
        ratio += self.spread_level
        ratio /= mean * mean
        following, log_moment = self._quadratic(mean, np.minimum(ratio, SWITCH), normals)
        rare = np.flatnonzero(ratio > SWITCH)
        if rare.size:
            following[rare], log_moment[rare] = self._exponential(mean[rare], ratio[rare], normals[rare])
        drift = variance * self.drift_now
        drift += following * self.drift_next
        drift -= log_moment
        return following, drift

    def _quadratic(self, mean: FloatArray, ratio: FloatArray, normals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """v' = a (b + Z)², and ln E[exp(A v')]."""
        one = np.float32(1)
        twice = np.float32(2) / ratio
        less = twice - one
        square = np.sqrt(twice * less)
        square += less  # b²
        scale = mean / (one + square)  # a
        following = np.sqrt(square)
        following += normals
        following *= following
        following *= scale
        scale *= self.martingale
        room = one - np.float32(2) * scale
        log_moment = scale * square
        log_moment /= room
        log_moment -= np.float32(0.5) * np.log(room)
        return following, log_moment

    def _exponential(self, mean: FloatArray, ratio: FloatArray, normals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """v' = 0 with probability p, else exponential; and ln E[exp(A v')]."""
        one = np.float32(1)
        moved = np.float32(2) / (ratio + one)  # 1 - p
        mean_if_moved = mean / moved  # 1 / β
        above = np.maximum(cumulative(-normals), np.float32(1e-30))  # 1 - U
        following = mean_if_moved * np.maximum(np.log(moved / above), np.float32(0))
        log_moment = np.log(one - moved + moved / (one - self.martingale * mean_if_moved))
        return following, log_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class HestonPaths:
    """One index under Heston's model on observation dates."""

    start: np.float32  # variance today
    steps: tuple[tuple[int, QuadraticExponentialStep], ...]  # the period that each variance step lies in, and the step
    log_growth: FloatArray  # (dates,): ln of forward over spot
    basis: FloatArray  # (dates, dates): principal directions of the index's own normals
    variance_basis: FloatArray  # (steps, steps): of the variance's

    @classmethod
    def of(cls, model: HestonParameters, *, log_growth: Array, times: Array) -> "HestonPaths":
        """Steps of equal length within each period."""
        periods = np.diff(times, prepend=0.0)
        counts = steps_per_period(times)
        each = [QuadraticExponentialStep.of(model, float(step)) for step in periods / counts]
        return cls(
            start=np.float32(model.v0),
            steps=tuple((period, each[period]) for period, count in enumerate(counts) for _ in range(count)),
            log_growth=log_growth.astype(np.float32),
            basis=principal_directions(periods).astype(np.float32),
            variance_basis=principal_directions(np.repeat(periods / counts, counts)).astype(np.float32),
        )

    @property
    def dimensions(self) -> int:
        return len(self.steps) + len(self.log_growth)

    def lines(self, bits: BitArray) -> Lines:
        """(dimensions, paths) bits of the points -> lines in the first coordinate."""
        dates = len(self.log_growth)
        normals = np.empty(bits.shape, np.float32)
        normals_from_bits(bits, normals)
        drifts, deviations = self._given_variance(self.variance_basis @ normals[dates:])
        moves = self.basis[:, 1:] @ normals[1:dates]
        moves *= deviations
        moves += drifts
        deviations *= self.basis[:, :1]
        intercepts = np.cumsum(moves, axis=0)
        intercepts += self.log_growth[:, None]
        slopes = np.maximum(np.cumsum(deviations, axis=0), np.float32(1e-6))
        return Lines(intercepts=intercepts[None], slopes=slopes[None], normals=normals[0])

    def _given_variance(self, normals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(steps, paths) normals of the variance -> drift and deviation of the log index, (dates, paths) each."""
        drifts = np.zeros((len(self.log_growth), normals.shape[1]), np.float32)
        deviations = np.zeros_like(drifts)
        variance = np.full(normals.shape[1], self.start, np.float32)
        for (period, step), driver in zip(self.steps, normals, strict=True):
            following, drift = step.advance(variance, driver)
            drifts[period] += drift
            variance += following
            variance *= step.residual
            deviations[period] += variance
            variance = following
        return drifts, np.sqrt(deviations, out=deviations)
