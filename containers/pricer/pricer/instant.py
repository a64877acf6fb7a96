"""A whole book at once, without any cloud: positions and market in, one document out.

Behind ``python -m pricer local``, and as a Lambda function for a few positions of a desk's user.
"""

import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from fanout.book import Position, check_position, path_group, read_book
from fanout.errors import RequestError
from fanout.market import Market, bundled_market, parse_market
from fanout.prices import Price, Unpriced
from fanout.pricing import Pricing
from fanout.refusals import fit
from pricer.budget import Budget, kind_of
from pricer.estimate import mean_and_error
from pricer.models import Models
from pricer.price import Wanted, price_positions

MOST_POSITIONS = 1_000  # of a Lambda event: more than a user waits for
TOLERANCE = 1.25  # times the target: beyond it an error is told as missed


class Request(Pricing, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The function's event; what it leaves out is as on the command line."""

    book: Any  # {"positions": […]}
    market: Any = None  # None: the bundled snapshot


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Lambda: a :class:`Request` -> the document of ``price_book``."""
    request = fit(event, Request, "event", RequestError)
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
    """Calibrates and prices; totals by currency have errors across scrambles of the sum.

    Raises PortfolioError for the first position that the market does not cover, RequestError for an impossible budget.
    """
    asked = {"targetStandardErrorBp": budget.target_bp, "maxPaths": budget.max_paths, "seed": budget.seed}
    fit(asked, Pricing, "", RequestError)
    for position in positions:
        check_position(position, market)
    used = {each.name for position in positions for each in position.underlyings}
    models = Models.calibrated(market, used, wanted.changes)
    prices, failed = _within_target(positions, models, budget, wanted)
    most = TOLERANCE * budget.target_bp
    return {
        "book": name,
        "valuationDate": market.valuation_date,
        "positions": len(positions),
        "priced": len(prices),
        "totals": _totals(prices),
        "prices": [_without_scrambles(price) for price in prices],
        "failed": failed,
        "targetStandardErrorBp": budget.target_bp,
        "missedTarget": [price.id for price in prices if _error_bp(price) > most],
        "calibrations": {name: fit.calibration for name, fit in models.fits.items()},
    }


def _within_target(
    positions: Sequence[Position], models: Models, budget: Budget, wanted: Wanted
) -> tuple[list[Price], list[Unpriced]]:
    """By index. Kinds of groups whose errors miss the target are priced again with more points, as far as allowed."""
    groups: defaultdict[str, list[Position]] = defaultdict(list)
    for position in positions:
        groups[path_group(position, models.market)].append(position)
    prices: dict[int, Price] = {}
    failed: dict[int, Unpriced] = {}
    todo = set(groups)
    while todo:
        errors: defaultdict[str, float] = defaultdict(float)
        ordered = [position for group in sorted(todo) for position in groups[group]]
        for priced, unpriced in price_positions(ordered, models, budget.sampling, wanted):
            prices |= {price.index: price for price in priced}
            failed |= {each.index: each for each in unpriced}
            if priced:
                kind = kind_of(path_group(positions[priced[0].index], models.market))
                errors[kind] = max(errors[kind], *map(_error_bp, priced))
        budget, missed = budget.raised(errors)
        todo = {group for group in todo if kind_of(group) in missed}
    return [prices[index] for index in sorted(prices)], [failed[index] for index in sorted(failed)]


def _error_bp(price: Price) -> float:
    return 100 * price.percent_standard_error


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
    """For a reader, with what a result leaves out: a note that has ended is worth nothing, in % too."""
    document: dict[str, Any] = msgspec.to_builtins(price)
    document.pop("scrambles")
    return {"percent": 0.0, "percentStandardError": 0.0, "autocallProbabilities": [], **document}
