"""The document of ``python -m pricer local``."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from fanout.market import Market
from fanout.prices import Price, Unpriced
from pricer.estimate import mean_and_error


def local_report(
    name: str, market: Market, prices: Sequence[Price], failed: Sequence[Unpriced], *, seconds: float
) -> dict[str, Any]:
    """Prices, what has none, and totals by currency with errors across scrambles of the sum."""
    by_currency: defaultdict[str, list[Price]] = defaultdict(list)
    for price in prices:
        by_currency[price.currency].append(price)
    return {
        "book": name,
        "valuationDate": market.valuation_date,
        "positions": len(prices) + len(failed),
        "priced": len(prices),
        "totals": {currency: _total(some) for currency, some in sorted(by_currency.items())},
        "prices": [_without_scrambles(price) for price in prices],
        "failed": failed,
        "seconds": round(seconds, 3),
    }


def _total(prices: Sequence[Price]) -> dict[str, float]:
    pv, standard_error = mean_and_error(np.sum([price.scrambles for price in prices], axis=0))
    return {"pv": pv, "standardError": standard_error}


def _without_scrambles(price: Price) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(price)
    document.pop("scrambles")
    return document
