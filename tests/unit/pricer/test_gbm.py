"""Factors of covariances, order of coordinates, baskets and watched barriers under GBM."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pricer.brownian import principal_directions
from pricer.estimate import Sampling, estimate, mean_and_error
from pricer.factors import common_direction, factors, path_factors
from pricer.gbm import GbmPaths
from pricer.measures import PlainMeasure, ValueMeasure
from tests.unit.pricer.cases import note, note_of, paths_of, some

CORRELATION = np.array([[1.0, 0.6, 0.5], [0.6, 1.0, 0.4], [0.5, 0.4, 1.0]])
VOLATILITIES = np.array([0.2, 0.25, 0.3])
COVARIANCE = np.outer(VOLATILITIES, VOLATILITIES) * CORRELATION
CONTRARY = np.array([[1.0, -0.8], [-0.8, 1.0]])
TIMES = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize("variances", [np.ones(5), np.array([0.1, 1.0, 0.3]), np.array([2.0]), np.array([0.0, 1.0])])
def test_principal_directions_turn_the_normals_and_move_the_path_one_way(variances: np.ndarray[Any, Any]) -> None:
    basis = principal_directions(variances)
    assert basis @ basis.T == pytest.approx(np.eye(len(variances)), abs=1e-6)
    path = np.cumsum(np.sqrt(variances)[:, None] * basis, axis=0)
    assert (path[variances > 0, 0] > 0).all()


def test_the_first_coordinates_carry_most_of_the_path() -> None:
    path = np.cumsum(principal_directions(np.ones(12)), axis=0)
    share = (path**2 / np.arange(1, 13)[:, None]).mean(axis=0)
    assert share.sum() == pytest.approx(1)
    assert (np.diff(share) <= 1e-12).all()
    assert share[0] > 0.6


@pytest.mark.parametrize("covariance", [COVARIANCE, CONTRARY, np.array([[0.04]]), np.ones((2, 2)), np.eye(4)])
def test_factors_rebuild_the_covariance_and_the_first_moves_all_assets_up(covariance: np.ndarray[Any, Any]) -> None:
    parts = factors(covariance[None])[:, 0]
    assert parts.T @ parts == pytest.approx(covariance, abs=1e-9)
    assert (parts[0] > 0).all()
    assert (common_direction(covariance) > 0).all()


def test_factors_along_paths_rebuild_each_path_s_covariance() -> None:
    random = np.random.default_rng(3)
    roots = random.normal(size=(4, 4, 50)) + 2 * np.eye(4)[:, :, None]
    covariances = np.einsum("ikp,jkp->ijp", roots, roots)
    target = random.uniform(0.5, 1.5, (4, 50))
    loadings = path_factors(covariances, target)
    assert np.einsum("cip,cjp->ijp", loadings, loadings) == pytest.approx(covariances, rel=1e-9)
    assert (loadings[0] > 0).all()
    assert loadings[0] / target == pytest.approx(np.broadcast_to(loadings[0, 0] / target[0], (4, 50)))


def test_paths_have_the_covariance_of_the_market() -> None:
    periods = np.stack([COVARIANCE, 2 * COVARIANCE])
    paths = GbmPaths.of(log_growth=np.zeros((3, 2)), covariances=periods)
    covariance = np.einsum("ijc,kjc->jik", paths.loadings, paths.loadings)
    assert covariance == pytest.approx(np.cumsum(periods, axis=0))
    assert (paths.loadings[:, :, 0] > 0).all()
    shares = np.sum(paths.loadings**2, axis=(0, 1))
    assert shares[1] > shares[-1]


def test_a_spot_s_move_is_a_move_of_the_normals() -> None:
    paths = GbmPaths.of(log_growth=np.zeros((3, 2)), covariances=np.stack([COVARIANCE, 2 * COVARIANCE]))
    assert paths.spot_shifts is not None
    moved = np.einsum("ijc,kc->kij", paths.loadings, paths.spot_shifts)
    assert moved == pytest.approx(np.broadcast_to(np.eye(3)[:, :, None], (3, 3, 2)), abs=1e-9)


def test_identical_indices_are_one_index() -> None:
    """A correlation of one, which has no inverse."""
    single = GbmPaths.of(log_growth=np.zeros((1, 3)), covariances=np.full((3, 1, 1), 0.04))
    twins = GbmPaths.of(log_growth=np.zeros((2, 3)), covariances=np.full((3, 2, 2), 0.04))
    sampling = Sampling(seed=1, log2_points=8)
    (one,), (two,) = (
        estimate([ValueMeasure(note=note(strikes=np.ones(size)))], [paths], "twins", sampling)
        for size, paths in ((1, single), (2, twins))
    )
    (value, error), (other, other_error) = mean_and_error(one[0]), mean_and_error(two[0])
    assert abs(value - other) <= 1e-9 + 4 * math.hypot(error, other_error)


def test_contrary_indices_are_priced_too() -> None:
    """No common direction carries much; the plain payoff must agree all the same."""
    paths = GbmPaths.of(log_growth=np.zeros((2, 3)), covariances=np.tile(0.04 * CONTRARY, (3, 1, 1)))
    a_note = note(strikes=np.ones(2))
    smooth, plain = estimate(
        [ValueMeasure(note=a_note), PlainMeasure(note=a_note)], [paths], "contrary", Sampling(seed=1, log2_points=9)
    )
    difference, error = mean_and_error(smooth[0] - plain[0])
    assert abs(difference) <= 4 * error


def watched(every: int = 1) -> tuple[Any, GbmPaths]:
    """A continuously watched note of two dates, with more times in between that mean nothing to it."""
    times = np.linspace(0, 2, 2 * every + 1)[1:]
    barriers = np.full(len(times), math.inf)
    coupon = barriers.copy()
    coupon[[every - 1, -1]] = 0.8
    autocall = barriers.copy()
    autocall[every - 1] = 1.0
    a_note = note(
        autocall=autocall, coupon_barrier=coupon, continuous=True, protection=0.7, discounts=np.ones(len(times))
    )
    periods = np.diff(times, prepend=0.0)
    return a_note, GbmPaths.of(log_growth=0.02 * times[None], covariances=0.09 * periods[:, None, None])


def test_looking_at_a_watched_barrier_more_often_changes_nothing() -> None:
    values = []
    for every in (1, 4):
        a_note, paths = watched(every)
        (rows,) = estimate([ValueMeasure(note=a_note)], [paths], "watched", Sampling(seed=2, log2_points=10))
        values.append((mean_and_error(rows[0]), mean_and_error(rows[1])))
    for (value, error), (other, other_error) in zip(*values, strict=True):
        assert abs(value - other) <= 4 * math.hypot(error, other_error)


def test_a_watched_barrier_lies_between_one_watched_at_maturity_and_one_touched() -> None:
    a_note, paths = watched()
    notes = [replace(a_note, continuous=False), a_note, replace(a_note, continuous=False, protection=math.inf)]
    rows = estimate([ValueMeasure(note=each) for each in notes], [paths], "order", Sampling(seed=2, log2_points=8))
    at_maturity, watched_, touched = (float(each[0].mean()) for each in rows)
    assert touched + 1e-3 < watched_ < at_maturity - 1e-3


def test_a_spot_on_the_watched_barrier_has_touched_it() -> None:
    a_note, paths = watched()
    on = replace(a_note, strikes=np.array([1 / 0.7]))
    touched = replace(on, continuous=False, protection=math.inf)
    rows = estimate([ValueMeasure(note=each) for each in (on, touched)], [paths], "on", Sampling(seed=2, log2_points=6))
    assert rows[0][0] == pytest.approx(rows[1][0], abs=1e-12)


@pytest.mark.parametrize("case", some("gbm", monitoring="continuous"), ids=lambda case: case["id"])
def test_a_watched_note_with_a_barrier_far_below_is_an_unwatched_one(case: Any) -> None:
    far = replace(note_of(case), protection=1e-6)
    notes = [far, replace(far, continuous=False)]
    rows = estimate(
        [ValueMeasure(note=each) for each in notes], [paths_of(case)], "far", Sampling(seed=2, log2_points=6)
    )
    assert rows[0][0] == pytest.approx(rows[1][0], abs=1e-12)
