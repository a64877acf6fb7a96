"""The closed-form expectation over the last normal against the plain payoff, summed over that normal."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pricer.estimate import Sampling, estimate, mean_and_error
from pricer.expectation import expected_payoff, touched_value
from pricer.lines import Lines
from pricer.measures import PlainMeasure, ValueMeasure
from pricer.normals import quantile
from pricer.payoff import outcome
from tests.unit.pricer.cases import Case, note, note_of, paths_of, some

PATHS = 40
SLICES = 20_000  # of the last normal, by equal probability


def lines(kind: Any = np.float64) -> Lines:
    random = np.random.default_rng(5)
    intercepts = random.normal(-0.1, 0.25, (1, 3, PATHS))
    slopes = np.cumsum(random.uniform(0.05, 0.2, (1, 3, PATHS)), axis=1)
    return Lines.of(intercepts.astype(kind), slopes.astype(kind), np.zeros(PATHS, kind))


NOTES: dict[str, dict[str, Any]] = {
    "plain": {},
    "no memory": {"memory": False},
    "coupons carried in": {"unpaid": 3},
    "carried in and no memory": {"unpaid": 3, "memory": False},
    "touched": {"protection": math.inf},
    "strike off spot": {"strikes": np.array([1.2])},
    "step-down": {"autocall": np.array([1.1, 0.9, math.inf])},
    "no call at first": {"autocall": np.array([math.inf, 0.9, math.inf])},
    "coupon barriers by date": {"coupon_barrier": np.array([0.9, 0.7, 0.8])},
    "a date without coupon": {"coupon_barrier": np.array([0.8, math.inf, 0.8])},
    "without memory, a date without coupon": {"coupon_barrier": np.array([0.8, math.inf, 0.8]), "memory": False},
    "no coupon at the end": {"coupon_barrier": np.array([0.8, 0.8, math.inf])},
    "coupons only at the end": {"coupon_barrier": np.array([math.inf, math.inf, 0.8])},
    "discounts": {"discounts": np.array([0.97, 0.93, 0.88])},
    "protection above the coupon barrier": {"protection": 0.9},
    "barriers above par": {"protection": 1.3, "coupon_barrier": np.full(3, 1.4), "autocall": np.full(3, math.inf)},
}


@pytest.mark.parametrize("terms", NOTES.values(), ids=NOTES.keys())
def test_the_expectation_is_the_payoff_integrated_over_the_last_normal(terms: dict[str, Any]) -> None:
    a_note, known = note(**terms), lines()
    expected = expected_payoff(a_note, known)
    x = quantile((np.arange(SLICES) + 0.5) / SLICES)
    for path in range(PATHS):
        levels = np.exp(known.intercepts[0, :, path, None] + known.slopes[0, :, path, None] * x) / a_note.strikes[0]
        assert expected.value[path] == pytest.approx(outcome(a_note, levels).value.mean(), abs=4 / SLICES)


def test_probabilities_are_those_of_the_events() -> None:
    a_note, known = note(), lines()
    expected = expected_payoff(a_note, known)
    x = quantile((np.arange(SLICES) + 0.5) / SLICES)
    levels = np.exp(known.intercepts[0, :, :, None] + known.slopes[0, :, :, None] * x)
    alive = np.logical_and.accumulate(levels[:2] < 1.0, axis=0)
    assert expected.alive == pytest.approx(alive.mean(axis=2), abs=2 / SLICES)
    assert expected.loss == pytest.approx((alive[1] & (levels[2] < 0.6)).mean(axis=1), abs=2 / SLICES)


@pytest.mark.parametrize("terms", NOTES.values(), ids=NOTES.keys())
def test_what_touches_add_is_all_of_the_value_that_the_start_of_a_watched_path_moves(terms: dict[str, Any]) -> None:
    a_note = note(**terms, continuous=True)
    near, far = (replace(lines(), variances=np.full(3, 0.04), start=start) for start in (-0.2, 0.2))
    moved = expected_payoff(a_note, far).value - expected_payoff(a_note, near).value
    assert touched_value(a_note, far) - touched_value(a_note, near) == pytest.approx(moved, abs=1e-15)
    assert (touched_value(a_note, near) <= 0).all()
    assert bool(moved.any()) == (a_note.protection < min(1.0, a_note.coupon_barrier[-1]))


def test_single_precision_costs_less_than_a_hundredth_of_a_basis_point() -> None:
    exact, single = (expected_payoff(note(), lines(kind)).value for kind in (np.float64, np.float32))
    assert single.dtype == np.float32
    assert single == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(
    "case", some("gbm_worst_of", "heston") + some("gbm", monitoring="continuous"), ids=lambda case: case["id"]
)
def test_the_plain_payoff_on_drawn_levels_has_the_same_expectation(case: Case) -> None:
    """Also of the probabilities; baskets, stochastic variance and watched barriers included."""
    measures = [kind(note=note_of(case)) for kind in (ValueMeasure, PlainMeasure)]
    smooth, plain = estimate(measures, [paths_of(case)], case["id"], Sampling(seed=2, log2_points=9))
    assert len(smooth) == len(plain)
    for one, other in zip(smooth, plain, strict=True):
        difference, error = mean_and_error(one - other)
        assert abs(difference) <= 4 * error
        assert one.std() < other.std()
