"""A stop is no fault of a position."""

import json

import pytest

from fanout.book import parse_position
from fanout.errors import Interrupted
from fanout.market import bundled_market
from pricer import price
from pricer.budget import Budget
from pricer.models import Models
from pricer.price import Wanted, price_positions


def test_a_stop_in_the_middle_of_pricing_is_not_taken_for_a_position_without_a_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*arguments: object, **named: object) -> None:
        raise Interrupted("told to stop")

    monkeypatch.setattr(price, "_estimated", stop)
    position = parse_position(json.loads('{"notional": 1, "strike": 3500, "barrier": 1.0}'), 0)
    market = bundled_market()
    budget = Budget(seed=1, target_bp=10.0, max_paths=2**12)
    with pytest.raises(Interrupted):
        list(price_positions([position], Models.of(market, {}), budget.sampling, Wanted()))
