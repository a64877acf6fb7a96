"""A book priced at once, from a document or as a Lambda function."""

import json
from math import nan
from typing import Any

import msgspec
import pytest

from fanout.errors import MarketError, PortfolioError, RequestError
from fanout.market import parse_market
from pricer.budget import Budget
from pricer.instant import handler, price_book
from pricer.price import Wanted
from tests.unit.conventions.template import ROOT
from tests.unit.pricer.books import SMI
from tests.unit.pricer.test_calibration import bundled_surface

NOTE = {
    "id": "A",
    "notional": 1_000_000,
    "currency": "EUR",
    "underlyings": [{"name": "SMI", "strike": 100.0}],
    "schedule": [
        {"date": "2020-11-20", "autocallBarrier": 1.0, "couponBarrier": 0.8},
        {"date": "2021-11-22", "couponBarrier": 0.8},
    ],
    "coupon": 0.05,
    "memory": True,
    "protectionBarrier": 0.6,
}
MARKET = {
    "schema": "stepbatch/market/1",
    "valuationDate": "2019-11-20",
    "curves": {"EUR": {"zeroRates": [["2020-11-20", 0.01]]}},
    "underlyings": {"SMI": SMI},
}


def ask(*notes: Any, **more: Any) -> dict[str, Any]:
    return handler({"book": {"positions": list(notes)}, "market": MARKET, "targetStandardErrorBp": 5} | more, None)


def test_prices_come_with_errors_probabilities_and_distances() -> None:
    report = ask(NOTE)
    (price,) = report["prices"]
    assert price["percentStandardError"] <= 0.05
    assert price["percent"] == pytest.approx(price["pv"] / 10_000)
    assert 0 < price["autocallProbabilities"][0]["value"] < 1
    assert price["distances"] == pytest.approx({"autocall": 0.0, "coupon": -0.2, "protection": -0.4})
    called = price["autocallProbabilities"][0]["value"]
    assert price["expectedLife"]["value"] == pytest.approx(366 / 360 * called + 733 / 360 * (1 - called))
    assert report["missedTarget"] == []
    assert "risk" not in price


def test_a_note_that_has_ended_has_every_number_too() -> None:
    past = {"schedule": [{"date": "2019-11-18", "couponBarrier": 0.8}], "fixings": {"2019-11-18": {"SMI": 70.0}}}
    open_, ended = (ask(NOTE | terms)["prices"][0] for terms in ({}, past))
    assert open_.keys() == ended.keys() | {"distances"}
    assert (ended["pv"], ended["percent"], ended["percentStandardError"]) == (0.0, 0.0, 0.0)
    assert ended["autocallProbabilities"] == []


def test_a_capped_budget_says_that_it_missed_the_target() -> None:
    report = ask(NOTE, targetStandardErrorBp=1e-4, maxPaths=4096)
    assert report["missedTarget"] == ["A"]


def test_a_tighter_target_is_met() -> None:
    loose, tight = (ask(NOTE, targetStandardErrorBp=target)["prices"][0] for target in (2.0, 0.1))
    assert tight["paths"] > loose["paths"]
    assert tight["percentStandardError"] <= 1.25 * 0.001


def test_totals_have_errors_across_scrambles_of_the_sum() -> None:
    one, other = NOTE, NOTE | {"id": "B", "side": "short"}
    report = ask(one, other)
    assert report["totals"]["EUR"] == {"pv": 0.0, "standardError": 0.0}


def test_greeks_and_scenarios_come_when_asked() -> None:
    (price,) = ask(NOTE, greeks=True, scenarios=True)["prices"]
    risk = price["risk"]["underlyings"]["SMI"]
    assert risk["deltaPoint"]["value"] == pytest.approx(risk["deltaPercent"]["value"])  # 1 % of 100 is a point
    assert risk["vega"]["value"] < 0 < risk["deltaPercent"]["value"]
    assert price["risk"]["rho"]["value"] < 0
    grid = price["scenarios"]
    base = grid["pv"][grid["volatilityChanges"].index(0.0)][grid["spotFactors"].index(1.0)]
    assert base == pytest.approx(price["pv"], abs=4 * price["standardError"])


def test_scenarios_agree_with_repricing_in_the_moved_market() -> None:
    (price,) = ask(NOTE, scenarios=True)["prices"]
    grid = price["scenarios"]
    values = [value + 0.02 for value in SMI["volatility"]["values"]]
    moved = SMI | {"spot": 90.0, "volatility": SMI["volatility"] | {"values": values}}
    (again,) = ask(NOTE, market=MARKET | {"underlyings": {"SMI": moved}})["prices"]
    found = grid["pv"][grid["volatilityChanges"].index(0.02)][grid["spotFactors"].index(0.9)]
    assert found == pytest.approx(again["pv"], rel=1e-12)


def test_the_sample_event_prices_its_positions_with_greeks() -> None:
    report = handler(json.loads((ROOT / "events/price_position.json").read_text()), None)
    assert report["priced"] == len(report["prices"]) == 2
    assert report["missedTarget"] == []
    assert report["prices"][1]["id"] == "SX5E-3Y-STEPDOWN"
    assert report["prices"][1]["pv"] < 0
    assert report["prices"][1]["risk"]["underlyings"]["SX5E"]["deltaPercent"]["value"] < 0
    json.dumps(report, allow_nan=False)


def test_a_budget_that_cannot_be_is_refused_wherever_it_comes_from() -> None:
    with pytest.raises(RequestError, match="targetStandardErrorBp: nan"):
        price_book("book", [], parse_market(json.dumps(MARKET)), Budget(seed=1, target_bp=nan, max_paths=64), Wanted())


def test_a_surface_is_calibrated_on_the_way() -> None:
    note = NOTE | {"underlyings": [{"name": "SX5E", "strike": 3550.0}]}
    surface = bundled_surface().underlyings["SX5E"].volatility
    document = MARKET | {
        "underlyings": {
            "SX5E": {"currency": "EUR", "spot": 3550.0, "model": "heston", "volatility": msgspec.to_builtins(surface)}
        }
    }
    report = ask(note, market=document)
    assert report["calibrations"]["SX5E"]["quality"] == "good"
    assert report["calibrations"]["SX5E"]["parameters"]["rho"] < 0


@pytest.mark.parametrize(
    ("event", "error", "place"),
    [
        ({"book": {"positions": [NOTE | {"notional": -1}]}}, PortfolioError, r"positions\[0\]\.notional"),
        ({"book": {"positions": [NOTE]}, "market": {"schema": "x"}}, MarketError, "schema"),
        ({"book": {"positions": [NOTE]}}, PortfolioError, "SMI"),  # not in the bundled market
        ({"bok": 1}, RequestError, "event.bok: unknown key"),
        ({"book": {"positions": [NOTE]}, "maxPaths": 3}, RequestError, "event.maxPaths: 3 is below 32"),
        (
            {"book": {"positions": [NOTE]}, "targetStandardErrorBp": 0},
            RequestError,
            "targetStandardErrorBp: 0 is below",
        ),
        ({"book": {"positions": [NOTE]}, "targetStandardErrorBp": nan}, RequestError, "nan is not a finite number"),
        (
            {"book": {"positions": [NOTE]}, "seed": 2**60},
            RequestError,
            "1152921504606846976 is above 9,007,199,254,740,992",
        ),
    ],
)
def test_wrong_input_is_refused_by_place(event: Any, error: type[Exception], place: str) -> None:
    with pytest.raises(error, match=place):
        handler(event, None)
