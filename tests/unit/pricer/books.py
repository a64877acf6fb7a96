"""Positions and markets as a user writes them."""

import json
from typing import Any

from fanout.book import Position, parse_position
from fanout.market import Market, parse_market

HESTON: dict[str, Any] = {
    "type": "heston",
    "v0": 0.0122,
    "kappa": 1.445,
    "theta": 0.0326,
    "sigma": 0.354,
    "rho": -0.599,
}
TERMS: dict[str, Any] = {"type": "termStructure", "expiries": ["2020-11-20", "2021-11-22"], "values": [0.18, 0.19]}
SX5E: dict[str, Any] = {"currency": "EUR", "spot": 3550.0, "model": "heston", "volatility": HESTON}
SMI: dict[str, Any] = {"currency": "EUR", "spot": 100.0, "dividendYield": 0.02, "model": "gbm", "volatility": TERMS}
# STILL does not move in its second year, with which nothing can be done.
STILL: dict[str, Any] = SMI | {"volatility": TERMS | {"values": [0.2, 0.2 * (366 / 733) ** 0.5 * (1 - 1e-13)]}}
DATES = ["2020-11-20", "2021-11-22", "2022-11-21"]


def market(**changes: Any) -> Market:
    document = {
        "schema": "stepbatch/market/1",
        "valuationDate": "2019-11-20",
        "dayCount": "ACT/360",
        "calendar": "TARGET",
        "curves": {"EUR": {"zeroRates": [["2020-11-20", 0.01], ["2022-11-21", 0.02]]}},
        "underlyings": {"SX5E": SX5E, "SMI": SMI, "STILL": STILL},
    }
    return parse_market(json.dumps(document | changes))


def position(index: int = 0, **changes: Any) -> Position:
    """Ten million of a three-year note on SMI, struck at the spot."""
    document = {
        "id": f"N{index}",
        "notional": 10_000_000,
        "currency": "EUR",
        "underlyings": [{"name": "SMI", "strike": 100.0}],
        "schedule": [{"date": day, "autocallBarrier": 1.0, "couponBarrier": 0.8} for day in DATES],
        "coupon": 0.05,
        "memory": True,
        "protectionBarrier": 0.6,
    }
    return parse_position(document | changes, index)


def schedule(*dates: str, autocall: float = 1.0, coupon: float = 0.8) -> list[dict[str, Any]]:
    return [{"date": day, "autocallBarrier": autocall, "couponBarrier": coupon} for day in dates]
