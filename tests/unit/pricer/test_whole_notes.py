"""Whole notes, as users write them, against other methods: see benchmarks/pricer_cases.py."""

import json
from typing import Any

import pytest

from fanout.book import parse_position
from fanout.market import parse_market
from pricer.budget import Budget
from pricer.instant import price_book
from pricer.price import Wanted
from tests.unit.pricer.cases import DATA

NOTES: list[dict[str, Any]] = json.loads((DATA / "whole_notes.json").read_text())["cases"]
BUDGET = Budget(seed=3, target_bp=1.0, max_paths=2**18)
HESTON_BIAS = 0.3e-4  # of the notional


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
