"""Whole notes, as users write them, against other methods: see benchmarks/pricer_cases.py."""

import json
from typing import Any

import pytest

from fanout.book import parse_position
from fanout.market import bundled_market, parse_market
from pricer.budget import Budget
from pricer.instant import price_book
from pricer.price import Wanted
from tests.unit.pricer.cases import DATA, HESTON_VALUES

NOTES: list[dict[str, Any]] = json.loads((DATA / "whole_notes.json").read_text())["cases"]
BUDGET = Budget(seed=3, target_bp=1.0, max_paths=2**18)
HESTON_BIAS = 0.3e-4  # of the notional
ROUNDING = 1e-8


@pytest.mark.parametrize("case", NOTES, ids=lambda case: case["id"])
def test_a_whole_note_is_worth_what_another_method_finds(case: dict[str, Any]) -> None:
    snapshot = parse_market(json.dumps(case["market"]))
    report = price_book("", [parse_position(case["position"], 0)], snapshot, BUDGET, Wanted())
    assert not report["failed"]
    (price,) = report["prices"]
    value, error = price["percent"] / 100, price["percentStandardError"] / 100
    models = {each.model for each in snapshot.underlyings.values()}
    bias = HESTON_BIAS if "heston" in models else 0.0
    assert error <= 3e-4
    assert abs(value - case["value"]) <= case["tolerance"] + bias + 4 * error


@pytest.mark.parametrize("case", [each for each in NOTES if "sensitivities" in each], ids=lambda case: case["id"])
def test_a_whole_note_moves_as_another_method_finds(case: dict[str, Any]) -> None:
    """Delta, gamma, vega and rho on unit notional, each with an error within 1 % of it or 1 bp."""
    snapshot = parse_market(json.dumps(case["market"]))
    position = parse_position(case["position"], 0)
    (price,) = price_book("", [position], snapshot, BUDGET, Wanted(greeks=True))["prices"]
    (moves,) = price["risk"]["underlyings"].values()
    for name, expected in case["sensitivities"].items():
        found = (price["risk"] if name == "rho" else moves)[name]
        value, error = found["value"] / position.notional, found["standardError"] / position.notional
        assert error <= max(0.01 * abs(expected), 1e-4)
        assert abs(value - expected) <= 4 * error + ROUNDING


def test_a_note_under_heston_moves_as_cosine_series_find() -> None:
    """The workshop's first trade on the bundled market; see benchmarks/pricer_reference.py."""
    (known,) = [case for case in HESTON_VALUES if case["id"] == "workshop"]
    position = parse_position({"notional": 1.0, "strike": 3500.0, "barrier": 1.0}, 0)
    budget = Budget(seed=3, target_bp=1.0, max_paths=2**18)
    (price,) = price_book("", [position], bundled_market(), budget, Wanted(greeks=True))["prices"]
    moves = price["risk"]["underlyings"]["SX5E"] | {"rho": price["risk"]["rho"]}
    assert abs(price["pv"] - known["value"]) <= HESTON_BIAS + 4 * price["standardError"]
    for name, key in {"deltaPoint": "delta", "gammaPoint": "gamma", "vega": "vega", "rho": "rho"}.items():
        found, error = moves[name]["value"], moves[name]["standardError"]
        assert error <= max(0.01 * abs(known[key]), 1e-4 * {"delta": 3550 / 100, "gamma": 3550**2 / 1e4}.get(key, 1.0))
        assert abs(found - known[key]) <= 4 * error
