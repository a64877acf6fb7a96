"""The market snapshot: curves, underlyings, correlations and exchange rates on the valuation date."""

from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from fanout import fields
from fanout.correlation import Pairs, check_correlations
from fanout.errors import MarketError
from fanout.refusals import fit, show
from fanout.strictjson import Flaw, parse_json
from fanout.volatility import (
    Flat,
    HestonParameters,
    Model,
    Surface,
    TermStructure,
    check_future_dates,
    check_volatility,
)

__all__ = [
    "Correlation",
    "Curve",
    "Flat",
    "Fx",
    "HestonParameters",
    "Market",
    "MarketUnderlying",
    "Surface",
    "TermStructure",
    "bundled_market",
    "encode_market",
    "parse_market",
]
SCHEMA = "stepbatch/market/1"
EXPECTED = '{"schema": "stepbatch/market/1", "valuationDate": ..., "curves": ..., "underlyings": ...}'
BUNDLED = "data/eurostoxx50_2019-11-20.json"  # the snapshot of books that come without one


class MarketUnderlying(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An index: where it stands and how it moves."""

    currency: fields.Currency
    spot: fields.Level
    dividend_yield: fields.Rate = 0.0
    model: Model
    volatility: Flat | TermStructure | Surface | HestonParameters


class Curve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Continuous zero rates; r*t is linear between pillars, r flat outside."""

    zero_rates: Annotated[
        tuple[tuple[date, fields.Rate], ...],
        Meta(min_length=1, description="pillars: date and rate, after the valuation date, strictly increasing"),
    ]


class Correlation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Of the Brownian motions that drive two underlyings."""

    pair: tuple[fields.Name, fields.Name]
    value: fields.Correlation


class Fx(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Spot exchange rates: units of ``base`` for one unit of the currency."""

    base: fields.Currency
    rates: dict[fields.Currency, fields.ExchangeRate]


class Market(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", dict=True):
    """Everything a book is priced with, as of one day; times are days/360 from the valuation date."""

    schema: Literal["stepbatch/market/1"]
    valuation_date: date
    day_count: Literal["ACT/360"] = "ACT/360"
    calendar: Literal["TARGET"] = "TARGET"
    curves: dict[fields.Currency, Curve]
    underlyings: Annotated[dict[fields.Name, MarketUnderlying], Meta(min_length=1)]
    correlations: tuple[Correlation, ...] = ()
    fx: Fx | None = None

    @cached_property
    def pairs(self) -> Pairs:
        """The correlations by their two underlyings, in either order."""
        return {frozenset(each.pair): each.value for each in self.correlations}

    @cached_property
    def sound_baskets(self) -> set[tuple[str, ...]]:
        """Baskets whose correlations have been found given and positive semidefinite: a memory of checks made."""
        return set()


def parse_market(data: bytes | str) -> Market:
    """A snapshot from its JSON text. Raises MarketError with the place and the value that is wrong."""
    if not data.strip():
        raise MarketError("market", f"is empty: expected {EXPECTED}")
    return market_of(parse_json(data, MarketError, "market"))


def market_of(raw: Any) -> Market:
    """A snapshot from its decoded JSON. Raises MarketError."""
    if not isinstance(raw, dict | Flaw):
        raise MarketError("market", f"{show(raw)} is not an object: expected {EXPECTED}")
    if isinstance(raw, dict) and raw.get("schema", SCHEMA) != SCHEMA:  # said first: all else follows from it
        raise MarketError("schema", f"{show(raw['schema'])} is not {SCHEMA!r}")
    market = fit(raw, Market, "", at_place)
    for currency, curve in market.curves.items():
        places = [f"curves.{currency}.zeroRates[{number}][0]" for number in range(len(curve.zero_rates))]
        check_future_dates(tuple(pillar for pillar, _ in curve.zero_rates), market.valuation_date, places)
    for name, underlying in market.underlyings.items():
        place = f"underlyings.{name}"
        check_volatility(underlying.volatility, underlying.model, market.valuation_date, place)
    check_pairs(market)
    check_correlations(market.pairs)
    if market.fx is not None and market.fx.base in market.fx.rates:
        raise MarketError(f"fx.rates.{market.fx.base}", "is the base currency: its rate is 1 and is not given")
    return market


def at_place(place: str, problem: str) -> MarketError:
    return MarketError(place or "market", problem)


def check_pairs(market: Market) -> None:
    """Each correlation is of two different underlyings of the snapshot, and given once."""
    seen: dict[frozenset[str], int] = {}
    for number, correlation in enumerate(market.correlations):
        place, pair = f"correlations[{number}].pair", frozenset(correlation.pair)
        for name in correlation.pair:
            if name not in market.underlyings:
                known = ", ".join(market.underlyings)
                raise MarketError(place, f"{name!r} is not among the underlyings: the snapshot has {known}")
        if len(pair) == 1:
            raise MarketError(place, f"{correlation.pair[0]!r} twice: a correlation is of two underlyings")
        if pair in seen:
            raise MarketError(place, f"{'/'.join(correlation.pair)} is given already by correlations[{seen[pair]}]")
        seen[pair] = number


def encode_market(market: Market) -> bytes:
    """The snapshot in its full format, as ``parse_market`` reads it."""
    return msgspec.json.format(msgspec.json.encode(market), indent=1) + b"\n"


def bundled_market() -> Market:
    """EURO STOXX 50 on 2019-11-20, for books that come without a snapshot."""
    return parse_market((files("fanout") / BUNDLED).read_bytes())
