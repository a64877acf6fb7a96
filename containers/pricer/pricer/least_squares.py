"""Levenberg and Marquardt's method for least squares in a box."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEP = 1e-6  # of a derivative's difference, in box widths
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-12, 1e8


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Where the search ended."""

    point: Array
    loss: float  # half the sum of squares
    evaluations: int  # of residuals and derivatives together


def least_squares(
    residuals: Callable[[Array], Array],
    start: Array,
    low: Array,
    high: Array,
    *,
    most_steps: int = 100,
    tolerance: float = 1e-12,
) -> Solution:
    """Minimises half the sum of squares of ``residuals`` between ``low`` and ``high``.

    Coordinates on a bound that the gradient presses against rest; a step beyond a bound is cut there. Ends when a step
    improves the loss by less than ``tolerance`` of it.

    Parameters
    ----------
    residuals : (sets, n) points -> (sets, m)   several points at once: the derivatives are one-sided differences
    start, low, high : (n,)

    References
    ----------
    Moré, "The Levenberg-Marquardt algorithm: implementation and theory", Numerical Analysis, Springer (1978).
    """
    width = high - low
    point = np.clip(start, low, high)
    values, slopes = _linearised(residuals, point, low, width)
    loss, damping = 0.5 * float(values @ values), FIRST_DAMPING
    evaluations = 1
    while evaluations < most_steps and damping < MOST_DAMPING:
        step = _step(values, slopes, damping, point, low, high)
        trial = np.clip(point + step * width, low, high)
        trial_values, trial_slopes = _linearised(residuals, trial, low, width)
        trial_loss = 0.5 * float(trial_values @ trial_values)
        evaluations += 1
        if not trial_loss < loss:
            damping *= 4
            continue
        gained = loss - trial_loss
        point, values, slopes, loss = trial, trial_values, trial_slopes, trial_loss
        damping = max(damping / 8, LEAST_DAMPING)
        if gained <= tolerance * loss:
            break
    return Solution(point=point, loss=loss, evaluations=evaluations)


def _linearised(residuals: Callable[[Array], Array], point: Array, low: Array, width: Array) -> tuple[Array, Array]:
    """(m,) residuals at ``point`` and their (m, n) derivatives by its coordinates in box widths."""
    inward = np.where(point - low > 0.5 * width, -STEP, STEP)
    all_ = residuals(np.vstack([point, point + np.diag(inward * width)]))
    return all_[0], ((all_[1:] - all_[0]) / inward[:, None]).T


def _step(values: Array, slopes: Array, damping: float, point: Array, low: Array, high: Array) -> Array:
    """The damped Gauss-Newton step in box widths; zero where a bound holds the point."""
    gradient = slopes.T @ values
    free = ~(((point <= low) & (gradient > 0)) | ((point >= high) & (gradient < 0)))
    inner = slopes[:, free]
    curvature = inner.T @ inner
    scale = np.diag(curvature) + 1e-12 * np.trace(curvature) + np.finfo(float).tiny
    step = np.zeros_like(point)
    step[free] = -np.linalg.solve(curvature + damping * np.diag(scale), gradient[free])
    return step
