"""The market snapshot: curves, underlyings, correlations and exchange rates on the valuation date."""

from datetime import date
from typing import Literal

import msgspec


class Flat(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", tag_field="type", tag="flat"
):
    """One volatility for every time and strike."""

    value: float  # per square root of a year


class TermStructure(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag_field="type",
    tag="termStructure",
):
    """Volatility by expiry: total variance is linear in time, the volatility flat outside."""

    expiries: tuple[date, ...]
    values: tuple[float, ...]


class Surface(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag_field="type",
    tag="surface",
):
    """Implied volatility by expiry and strike, for calibration."""

    expiries: tuple[date, ...]
    strikes: tuple[float, ...]  # index points
    values: tuple[tuple[float, ...], ...]  # (expiries, strikes)


class HestonParameters(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag_field="type",
    tag="heston",
):
    """Heston's model: dv = kappa (theta - v) dt + sigma sqrt(v) dZ, correlation rho with the index."""

    v0: float
    kappa: float
    theta: float
    sigma: float
    rho: float


class MarketUnderlying(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An index: where it stands and how it moves."""

    currency: str
    spot: float
    dividend_yield: float = 0.0  # continuous
    model: Literal["gbm", "heston"]
    volatility: Flat | TermStructure | Surface | HestonParameters


class Curve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Continuous zero rates; r*t is linear between pillars, r flat outside."""

    zero_rates: tuple[tuple[date, float], ...]


class Correlation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Of the Brownian motions that drive two underlyings."""

    pair: tuple[str, str]
    value: float


class Fx(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Spot exchange rates: units of ``base`` for one unit of the currency."""

    base: str
    rates: dict[str, float]


class Market(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Everything a book is priced with, as of one day; times are days/360 from ``valuation_date``."""

    schema: Literal["stepbatch/market/1"]
    valuation_date: date
    day_count: Literal["ACT/360"] = "ACT/360"
    calendar: Literal["TARGET"] = "TARGET"
    curves: dict[str, Curve]
    underlyings: dict[str, MarketUnderlying]
    correlations: tuple[Correlation, ...] = ()
    fx: Fx | None = None
