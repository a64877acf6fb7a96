"""Heston's prices against other formulas, and fits that must find their way back."""

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from fanout.market import HestonParameters, Market
from pricer.calibrate import HIGH, LOW, Problem, calibrate, fit
from pricer.characteristic import Options, black, characteristic
from pricer.least_squares import least_squares
from pricer.models import Models
from tests.unit.pricer.books import SX5E, market

TIMES = np.array([0.5, 1.0, 5.0])
FORWARDS = np.array([100.0, 102.0, 110.0])
STRIKES = np.array([70.0, 100.0, 140.0])
TYPICAL = np.array([0.04, 1.5, 0.05, 0.4, -0.7])
EXPIRIES = [date(2019, 11, 20) + timedelta(days=days) for days in (180, 360, 720, 1440)]


def options() -> Options:
    return Options.of(TIMES, FORWARDS, STRIKES, 0.2 * np.sqrt(TIMES))


def surface_of(parameters: np.ndarray[Any, np.dtype[np.float64]]) -> Market:
    """A market whose surface is Heston's own: strikes 70 % to 130 % of the spot."""
    strikes = [3550.0 * level for level in (0.7, 0.85, 1.0, 1.15, 1.3)]
    grid = {
        "type": "surface",
        "expiries": [day.isoformat() for day in EXPIRIES],
        "strikes": strikes,
        "values": [[0.2] * 5] * 4,
    }
    flat = market(underlyings={"SX5E": SX5E | {"volatility": grid}})
    values = Problem.of("SX5E", flat).model_volatilities(parameters)
    return market(underlyings={"SX5E": SX5E | {"volatility": grid | {"values": values.tolist()}}})


def test_a_vanishing_volatility_of_variance_gives_black_s_price() -> None:
    still = np.array([[0.04, 1.0, 0.04, 1e-3, 0.0]])
    exact, _ = black(0.2 * np.sqrt(TIMES)[:, None], FORWARDS[:, None], STRIKES)
    assert options().calls(still)[0] == pytest.approx(exact, abs=1e-5)


def test_the_characteristic_function_solves_heston_s_equations() -> None:
    # Riccati equations by Runge-Kutta: D' = σ²D²/2 + (ρσiz - κ)D - (z² + iz)/2, A' = κθD at z = u - i/2
    v0, kappa, theta, sigma, rho = TYPICAL
    for u in (0.0, 1.0, 7.0):
        z = complex(u, -0.5)

        def slope(d: complex, z: complex = z) -> complex:
            return complex(0.5 * sigma**2 * d * d + (rho * sigma * 1j * z - kappa) * d - 0.5 * (z * z + 1j * z))

        a, d, steps = 0j, 0j, 4000
        h = 1.0 / steps
        for _ in range(steps):
            k1 = slope(d)
            k2 = slope(d + h / 2 * k1)
            k3 = slope(d + h / 2 * k2)
            k4 = slope(d + h * k3)
            a += h * kappa * theta * (d + h / 6 * (k1 + k2 + k3))
            d += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        exact = np.exp(a + d * v0)
        found = characteristic(np.array([[u]]), np.array([1.0]), TYPICAL[None])[0, 0, 0]
        assert found == pytest.approx(exact, abs=1e-8)


def test_calls_fall_and_are_convex_in_the_strike() -> None:
    strikes = np.linspace(50, 200, 61)
    calls = Options.of(TIMES, FORWARDS, strikes, 0.2 * np.sqrt(TIMES)).calls(TYPICAL[None])[0]
    assert (np.diff(calls, axis=1) < 0).all()
    assert (np.diff(calls, n=2, axis=1) > -1e-9).all()
    assert (calls > np.maximum(FORWARDS[:, None] - strikes, 0)).all()


def test_several_sets_of_parameters_are_priced_as_each_alone() -> None:
    other = np.array([0.02, 3.0, 0.03, 0.8, -0.2])
    both = options().calls(np.vstack([TYPICAL, other]))
    assert both[1] == pytest.approx(options().calls(other[None])[0], rel=1e-14)


@pytest.mark.parametrize("parameters", [TYPICAL, np.array([0.02, 3.0, 0.03, 0.8, -0.2])])
def test_a_surface_of_the_model_s_own_gives_its_parameters_back(parameters: np.ndarray[Any, Any]) -> None:
    found = calibrate("SX5E", surface_of(parameters))
    back = [getattr(found.parameters, name) for name in ("v0", "kappa", "theta", "sigma", "rho")]
    assert back == pytest.approx(parameters.tolist(), rel=1e-4)
    assert found.quality == "good"
    assert found.worst_bp < 0.01
    assert found.feller == pytest.approx(2 * parameters[1] * parameters[2] / parameters[3] ** 2, rel=1e-3)


def quoted(expiries: list[str], strikes: list[float], values: list[list[float]], **changes: Any) -> Market:
    grid = {"type": "surface", "expiries": expiries, "strikes": strikes, "values": values}
    return market(underlyings={"SX5E": SX5E | {"spot": 100.0, "volatility": grid} | changes})


def test_a_flat_surface_is_fitted_out_to_quotes_whose_prices_know_no_volatility() -> None:
    strikes = [50.0, 70.0, 90.0, 100.0, 120.0, 150.0]
    found = calibrate("SX5E", quoted(["2019-12-20", "2020-12-18", "2022-12-16"], strikes, [[0.2] * 6] * 3))
    assert found.quality == "good"
    assert found.worst_bp < 1
    assert (found.parameters.v0, found.parameters.theta) == pytest.approx((0.04, 0.04), rel=1e-2)


def test_quotes_of_one_day_are_fitted_by_what_the_model_gives_and_not_by_its_integral_s_error() -> None:
    skew = [[0.2 - 0.1 * math.log(strike / 100) for strike in (99, 100, 101)]] * 2
    surface = quoted(["2019-11-21", "2020-12-18"], [99.0, 100.0, 101.0], skew)
    found = calibrate("SX5E", surface)
    exact = Problem.of("SX5E", surface, panels=16)
    parameters = np.array([[getattr(found.parameters, name) for name in ("v0", "kappa", "theta", "sigma", "rho")]])
    assert np.abs(exact.residuals(parameters)).max() < 1e-4
    assert found.worst_bp < 1


def test_a_fit_that_needs_more_nodes_gets_them() -> None:
    """At the money the first expiry moves a tenth as much as its wings say; the usual nodes' search ends at 0.16."""
    strikes = [80.0, 90.0, 100.0, 110.0, 120.0]
    values = [[0.9, 0.5, 0.05, 0.45, 0.8], [0.4, 0.3, 0.1, 0.25, 0.3]]
    assert calibrate("SX5E", quoted(["2019-11-21", "2020-05-20"], strikes, values)).loss < 0.02


def test_a_search_from_anywhere_ends_no_lower() -> None:
    problem = Problem.of("SX5E", bundled_surface())
    best = calibrate("SX5E", bundled_surface()).loss
    random = np.random.default_rng(4)
    ends = []
    for _ in range(12):
        start = LOW + (HIGH - LOW) * random.uniform(size=5)
        end = least_squares(problem.residuals, start, LOW, HIGH)
        assert (end.point >= LOW).all()
        assert (end.point <= HIGH).all()
        ends.append(end.loss)
    assert best <= min(ends) * (1 + 1e-6)


def bundled_surface() -> Market:
    """The workshop's market with its surface."""
    quotes = {
        "expiries": ["2020-06-19", "2020-12-18", "2021-06-18", "2022-06-17", "2023-12-15", "2026-12-18"],
        "strikes": [3075, 3350, 3550, 3775, 4050],
        "values": [
            [0.1753, 0.1493, 0.1320, 0.1160, 0.1052],
            [0.1683, 0.1470, 0.1334, 0.1212, 0.1117],
            [0.1673, 0.1517, 0.1428, 0.1346, 0.1262],
            [0.1678, 0.1588, 0.1537, 0.1493, 0.1455],
            [0.1694, 0.1638, 0.1608, 0.1584, 0.1562],
            [0.1724, 0.1697, 0.1684, 0.1675, 0.1669],
        ],
    }
    return market(underlyings={"SX5E": SX5E | {"volatility": {"type": "surface", **quotes}}})


def test_a_poor_fit_is_called_poor() -> None:
    jagged = {
        "type": "surface",
        "expiries": ["2020-06-19", "2021-06-18"],
        "strikes": [3075, 3550, 4050],
        "values": [[0.15, 0.40, 0.15], [0.30, 0.10, 0.30]],
    }
    found = calibrate("SX5E", market(underlyings={"SX5E": SX5E | {"volatility": jagged}}))
    assert found.quality == "poor"
    assert found.rms_bp > 50


def test_the_quotes_tell_where_the_fit_is_off() -> None:
    found = calibrate("SX5E", bundled_surface())
    assert len(found.quotes) == 30
    assert max(abs(quote.error_bp) for quote in found.quotes) == pytest.approx(found.worst_bp)
    for quote in found.quotes:
        assert quote.model - quote.market == pytest.approx(quote.error_bp * 1e-4, abs=1e-12)


def test_a_moved_surface_is_fitted_anew_for_vega() -> None:
    models = Models.calibrated(bundled_surface(), ["SX5E"], [0.01])
    moved, base = models.under({"SX5E": 0.01}), models.market
    before, after = (each.underlyings["SX5E"].volatility for each in (base, moved))
    assert isinstance(before, HestonParameters)
    assert isinstance(after, HestonParameters)
    problem = Problem.of("SX5E", bundled_surface(), 0.01)
    vector = np.array([after.v0, after.kappa, after.theta, after.sigma, after.rho])
    anew = fit(problem, problem.starts())
    losses = [float(np.sum(problem.residuals(each[None]) ** 2)) for each in (vector, anew)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert after.v0 > before.v0


def test_least_squares_stop_at_a_bound() -> None:
    def residuals(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.stack([points[:, 0] - 3.0, points[:, 1] - 0.5], axis=1)

    end = least_squares(residuals, np.array([0.2, 0.2]), np.zeros(2), np.ones(2))
    assert end.point == pytest.approx([1.0, 0.5], abs=1e-6)
    assert end.loss == pytest.approx(2.0)


def test_least_squares_find_rosenbrock_s_valley() -> None:
    def residuals(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = points.T
        return np.stack([10 * (y - x * x), 1 - x], axis=1)

    end = least_squares(residuals, np.array([-1.2, 1.0]), np.full(2, -2.0), np.full(2, 2.0))
    assert end.point == pytest.approx([1.0, 1.0], abs=1e-4)
    assert math.isclose(end.loss, 0.0, abs_tol=1e-8)
