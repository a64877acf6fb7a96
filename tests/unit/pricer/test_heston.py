"""Heston's paths: exact moments, the values and sensitivities of another method, and baskets."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from fanout.market import HestonParameters
from pricer.cir import Moments, Sums, VarianceStep
from pricer.estimate import Sampling, estimate, mean_and_error
from pricer.gbm import GbmPaths
from pricer.heston import HestonPaths, step_counts
from pricer.measures import RiskMeasure, ValueMeasure
from pricer.normals import quantile
from pricer.paths import Paths
from tests.unit.pricer.cases import HESTON_VALUES, Case, note, note_of

TYPICAL = HestonParameters(v0=0.04, kappa=1.5, theta=0.05, sigma=0.5, rho=-0.7)
OTHER = HestonParameters(v0=0.03, kappa=0.9, theta=0.04, sigma=0.4, rho=-0.5)
TIMES = np.array([1.0, 2.0, 3.0])
CORRELATIONS = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, 0.4], [0.3, 0.4, 1.0]])


def heston(*models: HestonParameters | np.ndarray[Any, Any], **changes: Any) -> HestonPaths:
    size = len(models)
    terms: dict[str, Any] = {
        "log_growth": 0.01 * np.tile(TIMES, (size, 1)),
        "times": TIMES,
        "correlations": CORRELATIONS[:size, :size],
    }
    return HestonPaths.of(models, **terms | changes)


@pytest.mark.parametrize("case", HESTON_VALUES, ids=lambda case: case["id"])
def test_values_and_sensitivities_of_another_method_are_met(case: Case) -> None:
    """See benchmarks/pricer_reference.py; each within 4 standard errors, and 0.3 bp of bias for the value."""
    times = np.array(case["times"])
    growth = ((case["rate"] - case["div"]) * times)[None]
    model = HestonParameters(**case["heston"])
    moved = {name: (math.sqrt(case["heston"][name]) + 0.01) ** 2 for name in ("v0", "theta")}
    markets: list[Paths] = [
        HestonPaths.of(
            [HestonParameters(**case["heston"] | change)],
            log_growth=growth,
            times=times,
            correlations=np.eye(1),
            counts=step_counts(times, [model], 1.5),
        )
        for change in ({}, moved)
    ]
    value = ValueMeasure(note=note_of(case))
    risk = RiskMeasure(note=note_of(case), times=times, payment_times=times)
    values, risks = estimate(
        [lambda lines: value(lines[:1]), risk], markets, case["id"], Sampling(seed=11, log2_points=11), spot_moves=True
    )
    found, error = mean_and_error(values[0])
    assert abs(found - case["value"]) <= 0.3e-4 + 4 * error
    spot = case["spot"]
    rows = {"delta": risks[0] / spot, "gamma": (risks[1] - risks[0]) / spot**2, "rho": risks[2], "vega": risks[3]}
    scale = {"delta": spot / 100, "gamma": spot**2 / 1e4, "rho": 1.0, "vega": 1.0}  # a unit of notional for 1 %
    for name, row in rows.items():
        found, error = mean_and_error(row)
        assert error <= max(0.01 * abs(case[name]), 1e-4 / scale[name])
        assert abs(found - case[name]) <= 4 * error


def linear(pair: tuple[float, float], v: float) -> float:
    return pair[0] * v + pair[1]


def test_the_moments_of_a_step_are_those_of_two_half_steps() -> None:
    """Mean and variance of v', its covariance with the integral and the integral's variance, by the law of totals."""
    whole, half = (Moments.of(TYPICAL, step) for step in (0.5, 0.25))
    for v in (0.0, 0.01, 0.2):
        at = partial(linear, v=v)
        middle = at(half.mean)
        assert at(whole.mean) == pytest.approx(linear(half.mean, middle))
        spread = at(half.variance)
        assert at(whole.variance) == pytest.approx(linear(half.variance, middle) + half.mean[0] ** 2 * spread)
        assert at(whole.integral_mean) == pytest.approx(at(half.integral_mean) + linear(half.integral_mean, middle))
        carried = at(half.covariance) + half.integral_mean[0] * spread
        assert at(whole.covariance) == pytest.approx(linear(half.covariance, middle) + half.mean[0] * carried)
        later = linear(half.integral_variance, middle) + half.integral_mean[0] ** 2 * spread
        both = at(half.integral_variance) + later + 2 * half.integral_mean[0] * at(half.covariance)
        assert at(whole.integral_variance) == pytest.approx(both)


@pytest.mark.parametrize("start", [1e-4, 0.01, 0.05, 0.3])
def test_a_drawn_step_has_the_exact_mean_and_variance(start: float) -> None:
    step, moments = VarianceStep.of(TYPICAL, 0.1), Moments.of(TYPICAL, 0.1)
    size = 1 << 16
    normals = quantile((np.arange(size) + 0.5) / size).astype(np.float32)
    sums = Sums(size)
    drawn = step.advance(np.full(size, start, np.float32), normals, sums).astype(np.float64)
    mean = moments.mean[0] * start + moments.mean[1]
    assert drawn.mean() == pytest.approx(mean, rel=1e-3)
    assert drawn.var() == pytest.approx(moments.variance[0] * start + moments.variance[1], rel=3e-3)
    assert sums.integral.mean() == pytest.approx(moments.integral_mean[0] * start + moments.integral_mean[1], rel=1e-3)
    assert (drawn >= 0).all()


@pytest.mark.parametrize("model", [TYPICAL, OTHER, HestonParameters(v0=0.04, kappa=2, theta=0.05, sigma=0.6, rho=0.4)])
def test_the_index_is_a_martingale(model: HestonParameters) -> None:
    paths = heston(model, log_growth=np.zeros((1, 3)))
    forwards = lambda lines: [  # noqa: E731 - a measure
        np.exp(lines[0].intercepts[0, date] + 0.5 * lines[0].slopes[0, date] ** 2) for date in range(3)
    ]
    (rows,) = estimate([forwards], [paths], "martingale", Sampling(seed=1, log2_points=10))
    for row in rows:
        mean, error = mean_and_error(row)
        assert abs(mean - 1) <= 4 * error
        assert error < 5e-4


def test_a_nearly_certain_variance_is_a_basket_under_gbm() -> None:
    """Correlations pass through variances and indices; together they must be those of the market."""
    still = [HestonParameters(v0=v, kappa=1.0, theta=v, sigma=0.003, rho=rho) for v, rho in ((0.04, -0.7), (0.09, 0.5))]
    certain = np.full(3, 0.0625)
    growth = 0.01 * np.tile(TIMES, (3, 1))
    mixed = heston(*still, certain, log_growth=growth)
    volatilities = np.array([0.2, 0.3, 0.25])
    covariance = np.outer(volatilities, volatilities) * CORRELATIONS
    plain = GbmPaths.of(log_growth=growth, covariances=np.tile(covariance, (3, 1, 1)))
    measure = ValueMeasure(note=note(strikes=np.array([1.0, 1.05, 0.95])))
    sampling = Sampling(seed=5, log2_points=11)
    (one,), (other,) = (estimate([measure], [paths], "basket", sampling) for paths in (mixed, plain))
    for row, expected in zip(one, other, strict=True):
        (mean, error), (exact, exact_error) = mean_and_error(row), mean_and_error(expected)
        assert abs(mean - exact) <= 2e-4 + 4 * math.hypot(error, exact_error)


def test_more_steps_leave_a_basket_as_it_is() -> None:
    """The correlation of two stochastic variances' indices must not hang on the steps."""
    measure = ValueMeasure(note=note(strikes=np.array([1.0, 1.05])))
    sampling = Sampling(seed=5, log2_points=11)
    coarse, fine = (
        estimate([measure], [heston(TYPICAL, OTHER, counts=np.full(3, steps))], "steps", sampling)[0]
        for steps in (12, 48)
    )
    for row, expected in zip(coarse, fine, strict=True):
        (mean, error), (exact, exact_error) = mean_and_error(row), mean_and_error(expected)
        assert abs(mean - exact) <= 3e-4 + 4 * math.hypot(error, exact_error)


def test_a_basket_s_indices_have_their_own_laws() -> None:
    """The worst of two where one can hardly be the worst is the note on the other alone."""
    one = ValueMeasure(note=note())
    both = ValueMeasure(note=note(strikes=np.array([1.0, 0.01])))
    sampling = Sampling(seed=5, log2_points=11)
    (alone,), (basket,) = (
        estimate([measure], [paths], "alone", sampling)
        for measure, paths in ((one, heston(TYPICAL)), (both, heston(TYPICAL, OTHER)))
    )
    for row, expected in zip(basket, alone, strict=True):
        (mean, error), (exact, exact_error) = mean_and_error(row), mean_and_error(expected)
        assert abs(mean - exact) <= 4 * math.hypot(error, exact_error)


def test_steps_grow_with_speed_and_with_the_time_at_zero() -> None:
    def a_year(**changes: float) -> int:
        parameters = {"v0": 0.04, "kappa": 1.0, "theta": 0.05, "sigma": 0.3, "rho": -0.5} | changes
        return int(step_counts(np.array([1.0, 2.0]), [HestonParameters(**parameters)])[1])

    assert a_year() == 12
    assert a_year(kappa=5.0) == 30
    assert a_year(sigma=0.9) > 24
    assert a_year(sigma=50.0) == 72
    assert step_counts(np.array([0.01, 0.02]), [TYPICAL]).tolist() == [8, 4]
    assert step_counts(np.array([1.0]), [TYPICAL], 2.0)[0] == 2 * step_counts(np.array([1.0]), [TYPICAL])[0]


def test_the_first_period_takes_twice_the_steps_because_nothing_averages_their_errors() -> None:
    first, second = step_counts(np.array([1.0, 2.0]), [TYPICAL])
    assert first == 2 * second
