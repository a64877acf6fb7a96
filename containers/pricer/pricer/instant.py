"""A whole book at once, without any cloud: positions and market in, one document out.

Behind ``python -m pricer local``, and as a Lambda function for a few positions of a desk's user.
"""

import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from fanout.book import Position, check_position, path_group, read_book
from fanout.errors import RequestError
from fanout.market import Market, bundled_market, parse_market
from fanout.prices import Price, Unpriced
from pricer.budget import Budget
from pricer.estimate import mean_and_error
from pricer.models import Models
from pricer.pilot import look
from pricer.price import Wanted, price_positions

MOST_POSITIONS = 1_000  # of a Lambda event: more than a user waits for
TOLERANCE = 1.25  # times the target: beyond it an error is told as missed


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The function's event; what it leaves out is as on the command line."""

    book: Any  # {"positions": […]}
    market: Any = None  # None: the bundled snapshot
    seed: int = 1
    target_standard_error_bp: float = 1.0
    max_paths: int = 2**20
    greeks: bool = False
    scenarios: bool = False


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Lambda: a :class:`Request` -> the document of ``price_book``."""
    try:
        request = msgspec.convert(event, Request)
    except msgspec.ValidationError as error:
        raise RequestError("event", str(error)) from error
    market = bundled_market() if request.market is None else parse_market(json.dumps(request.market))
    book = read_book(io.BytesIO(json.dumps(request.book).encode()))
    positions = list(book)
    if len(positions) > MOST_POSITIONS:
        raise RequestError("event.book.positions", f"{len(positions)} are more than {MOST_POSITIONS}: run the pipeline")
    budget = Budget(seed=request.seed, target_bp=request.target_standard_error_bp, max_paths=request.max_paths)
    wanted = Wanted(greeks=request.greeks, scenarios=request.scenarios)
    document: dict[str, Any] = json.loads(msgspec.json.encode(price_book(book.name, positions, market, budget, wanted)))
    return document


def price_book(
    name: str, positions: Sequence[Position], market: Market, budget: Budget, wanted: Wanted
) -> dict[str, Any]:
    """Calibrates, looks how many paths are needed, prices; totals by currency have errors across scrambles of the sum.

    Raises PortfolioError for the first position that the market does not cover.
    """
    for position in positions:
        check_position(position, market)
    used = {each.name for position in positions for each in position.underlyings}
    models = Models.calibrated(market, used, wanted.changes)
    ordered = sorted(positions, key=lambda position: path_group(position, models.market))
    pilots = look(ordered, models, budget)
    found = replace(budget, found={pilot.kind: pilot.log2_points for pilot in pilots})
    prices: list[Price] = []
    failed: list[Unpriced] = []
    for priced, unpriced in price_positions(ordered, models, found.sampling, wanted):
        prices += priced
        failed += unpriced
    prices.sort(key=lambda price: price.index)
    most = TOLERANCE * budget.target_bp
    return {
        "book": name,
        "valuationDate": market.valuation_date,
        "positions": len(positions),
        "priced": len(prices),
        "totals": _totals(prices),
        "prices": [_without_scrambles(price) for price in prices],
        "failed": sorted(failed, key=lambda each: each.index),
        "targetStandardErrorBp": budget.target_bp,
        "missedTarget": [price.id for price in prices if 100 * price.percent_standard_error > most],
        "calibrations": {name: fit.calibration for name, fit in models.fits.items()},
    }


def _totals(prices: Sequence[Price]) -> dict[str, dict[str, float]]:
    by_currency: defaultdict[str, list[Price]] = defaultdict(list)
    for price in prices:
        by_currency[price.currency].append(price)
    totals = {}
    for currency, some in sorted(by_currency.items()):
        pv, error = mean_and_error(np.sum([price.scrambles for price in some], axis=0))
        totals[currency] = {"pv": pv, "standardError": error}
    return totals


def _without_scrambles(price: Price) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(price)
    document.pop("scrambles")
    return document
