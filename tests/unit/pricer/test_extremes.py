"""Markets at the edges of what the format admits: models meet their limits, and nothing breaks down."""

import math
from typing import Any

import pytest

from fanout.market import Flat, HestonParameters, Market, TermStructure
from fanout.prices import Measured, Price
from pricer.bumps import with_volatilities
from pricer.estimate import Sampling
from pricer.models import Models
from pricer.price import Wanted, price_positions
from tests.unit.pricer.books import SMI, TERMS, market, position

SAMPLING = Sampling(seed=5, log2_points=9)


def flat(volatility: float) -> dict[str, Any]:
    return {"currency": "EUR", "spot": 100.0, "model": "gbm", "volatility": {"type": "flat", "value": volatility}}


def heston(**changes: float) -> dict[str, Any]:
    parameters = {"v0": 0.04, "kappa": 1.5, "theta": 0.04, "sigma": 0.5, "rho": -0.7} | changes
    return {"currency": "EUR", "spot": 100.0, "model": "heston", "volatility": {"type": "heston", **parameters}}


def priced(correlation: float = 0.5, greeks: bool = True, strikes: Any = None, **underlyings: Any) -> Price:
    """The three-year note on all of ``underlyings``, each struck at 100 if ``strikes`` does not say otherwise."""
    names = sorted(underlyings)
    pairs = [{"pair": [one, other], "value": correlation} for one in names for other in names if one < other]
    snapshot = market(underlyings=underlyings, correlations=pairs)
    note = position(underlyings=[{"name": name, "strike": (strikes or {}).get(name, 100.0)} for name in names])
    found = price_positions([note], Models.of(snapshot, {}), lambda _: SAMPLING, Wanted(greeks=greeks))
    ((prices, failed),) = found
    assert not failed
    return prices[0]


def agree(one: Measured, other: Measured, tolerance: float) -> bool:
    error = math.hypot(one.standard_error, other.standard_error)
    return abs(one.value - other.value) <= tolerance + 4 * error


def pv(price: Price) -> Measured:
    return Measured(value=price.pv, standard_error=price.standard_error)


@pytest.mark.parametrize("sigma", [1e-6, 1e-5, 1e-4])
@pytest.mark.parametrize("variance", [0.04, 0.4])
def test_heston_with_a_certain_variance_is_gbm(sigma: float, variance: float) -> None:
    stochastic = priced(A=heston(v0=variance, theta=variance, sigma=sigma), greeks=False)
    certain = priced(A=flat(math.sqrt(variance)), greeks=False)
    assert agree(pv(stochastic), pv(certain), 200.0)  # 0.2 bp
    assert stochastic.standard_error < 5_000


def test_a_variance_that_hardly_reverts_is_one_that_does_not() -> None:
    slow, slower = (priced(A=heston(kappa=kappa), greeks=False).pv for kappa in (1e-6, 1e-9))
    assert slower == pytest.approx(slow, rel=1e-5)


@pytest.mark.parametrize("model", [flat, heston])
def test_an_index_that_moves_in_lockstep_with_another_has_the_sensitivities_of_one(model: Any) -> None:
    """The other one's level is twice as high on every path, so it never is the worst."""
    terms = {"rho": 0.0} if model is heston else {"volatility": 0.2}
    alone = priced(A=model(**terms))
    both = priced(correlation=1.0, A=model(**terms), B=flat(0.2), strikes={"B": 20.0})
    assert alone.risk is not None
    assert both.risk is not None
    assert agree(pv(both), pv(alone), 0.0)
    for name in ("delta_percent", "gamma_percent", "vega"):
        its, other = (getattr(both.risk.underlyings[each], name) for each in "AB")
        single = getattr(alone.risk.underlyings["A"], name)
        assert agree(its, single, 2e-3 * abs(single.value))
        assert agree(other, Measured(value=0.0, standard_error=0.0), 1e-3 * abs(single.value))


def test_twins_in_lockstep_share_what_one_index_has() -> None:
    alone, twins = priced(A=flat(0.2)), priced(correlation=1.0, A=flat(0.2), B=flat(0.2))
    assert alone.risk is not None
    assert twins.risk is not None
    one, other = (twins.risk.underlyings[name].delta_percent.value for name in "AB")
    assert one == other
    assert one + other == pytest.approx(alone.risk.underlyings["A"].delta_percent.value, rel=0.05)
    assert twins.risk.underlyings["A"].gamma_percent.value < -0.9 * one  # the kink: only the fall counts


@pytest.mark.parametrize("correlation", [-1.0, 1.0])
def test_opposed_and_parallel_indices_of_other_volatilities_are_priced(correlation: float) -> None:
    perfect, nearly = (
        priced(correlation=each, A=flat(0.2), B=flat(0.3)) for each in (correlation, 0.99999 * correlation)
    )
    assert agree(pv(perfect), pv(nearly), 5_000.0)
    assert perfect.risk is not None
    assert all(math.isfinite(each.gamma_percent.value) for each in perfect.risk.underlyings.values())


@pytest.mark.parametrize("rho", [-1.0, 1.0])
def test_an_index_that_its_variance_drives_alone_is_priced(rho: float) -> None:
    whole, nearly = (priced(A=heston(rho=each)) for each in (rho, 0.9999 * rho))
    assert agree(pv(whole), pv(nearly), 5_000.0)
    assert whole.risk is not None
    assert math.isfinite(whole.risk.underlyings["A"].gamma_percent.value)


def test_no_change_of_volatility_changes_nothing_however_small_it_is() -> None:
    snapshot = market(underlyings={"A": flat(1e-5), "B": heston(v0=1e-8)})
    assert with_volatilities(snapshot, {"A": 0.0, "B": 0.0}) == snapshot


def structure(*values: float, change: float) -> TermStructure:
    """Volatilities to 2020-11-20 and 2021-11-22 after a change."""
    snapshot: Market = market(underlyings={"A": SMI | {"volatility": TERMS | {"values": values}}})
    moved = with_volatilities(snapshot, {"A": change}).underlyings["A"].volatility
    assert isinstance(moved, TermStructure)
    return moved


def test_a_lowered_structure_that_would_fall_too_steeply_goes_on_with_the_least_volatility() -> None:
    assert structure(0.4, 0.3, change=-0.05).values == pytest.approx((0.35, 0.25))
    first, second = structure(0.4, 0.29, change=-0.05).values
    assert first == pytest.approx(0.35)
    assert second**2 * 733 == pytest.approx(0.35**2 * 366 + 1e-6 * 367)


def test_scenarios_of_a_steeply_falling_structure_have_prices() -> None:
    snapshot = market(underlyings={"A": SMI | {"volatility": TERMS | {"values": [0.4, 0.284]}}})
    note = position(underlyings=[{"name": "A", "strike": 100.0}])
    wanted = Wanted(scenarios=True)
    ((prices, failed),) = price_positions([note], Models.of(snapshot, {}), lambda _: SAMPLING, wanted)
    assert not failed
    assert prices[0].scenarios is not None


def test_lowered_volatilities_stay_above_the_least() -> None:
    lowered = with_volatilities(market(underlyings={"A": flat(0.02), "B": heston()}), {"A": -0.05, "B": -0.5})
    assert lowered.underlyings["A"].volatility == Flat(value=1e-3)
    model = lowered.underlyings["B"].volatility
    assert isinstance(model, HestonParameters)
    assert (model.v0, model.theta) == pytest.approx((1e-6, 1e-6))
