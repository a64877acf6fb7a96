"""How an underlying moves: the four kinds of volatility in a market snapshot, and what makes each of them usable."""

from datetime import date
from itertools import pairwise
from math import ceil
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from fanout.calendar import year_fraction
from fanout.errors import MarketError
from fanout.fields import Correlation, Level, Speed, Variance, Volatility, VolatilityOfVariance

Model = Literal["gbm", "heston"]
Expiries = Annotated[tuple[date, ...], Meta(min_length=1, description="after the valuation date, strictly increasing")]
ROUNDING = 1e-12  # of a total variance: quotes that are flat in variance may lose a last digit


class Flat(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", tag_field="type", tag="flat"
):
    """One volatility for every time and strike."""

    value: Volatility


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

    expiries: Expiries
    values: Annotated[tuple[Volatility, ...], Meta(min_length=1, description="one per expiry")]


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

    expiries: Expiries
    strikes: Annotated[tuple[Level, ...], Meta(min_length=1, description="index points, strictly increasing")]
    values: Annotated[tuple[tuple[Volatility, ...], ...], Meta(min_length=1, description="(expiries, strikes)")]


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

    v0: Variance  # today's
    kappa: Speed
    theta: Variance  # in the long run
    sigma: VolatilityOfVariance
    rho: Correlation


VolatilityModel = Flat | TermStructure | Surface | HestonParameters
FITTING: dict[Model, tuple[type[VolatilityModel], ...]] = {
    "gbm": (Flat, TermStructure),
    "heston": (HestonParameters, Surface),
}
ADVICE = {
    Flat: "the model heston needs its parameters, or a surface to be calibrated to",
    TermStructure: "the model heston needs its parameters, or a surface to be calibrated to",
    Surface: "GBM on a surface is not priced: give a flat volatility or a term structure, or the model 'heston'",
    HestonParameters: "the model gbm needs a flat volatility or a term structure",
}


def check_volatility(volatility: VolatilityModel, model: Model, valuation_date: date, place: str) -> None:
    """Raises MarketError at ``place`` unless the volatility is whole and of a kind that the model is driven by."""
    if not isinstance(volatility, FITTING[model]):
        raise MarketError(f"{place}.model", f"{model!r} does not fit the volatility: {ADVICE[type(volatility)]}")
    place = f"{place}.volatility"
    if isinstance(volatility, TermStructure):
        check_expiries(volatility.expiries, valuation_date, place)
        check_length(len(volatility.values), len(volatility.expiries), "expiries", f"{place}.values")
        check_total_variance(volatility, valuation_date, f"{place}.values")
    elif isinstance(volatility, Surface):
        check_expiries(volatility.expiries, valuation_date, place)
        check_strikes(volatility.strikes, f"{place}.strikes")
        check_length(len(volatility.values), len(volatility.expiries), "expiries", f"{place}.values")
        for row, values in enumerate(volatility.values):
            check_length(len(values), len(volatility.strikes), "strikes", f"{place}.values[{row}]")


def check_expiries(expiries: tuple[date, ...], valuation_date: date, place: str) -> None:
    """Expiries are the listed dates themselves: never adjusted, but after today and in order."""
    check_future_dates(expiries, valuation_date, [f"{place}.expiries[{number}]" for number in range(len(expiries))])


def check_future_dates(dates: tuple[date, ...], valuation_date: date, places: list[str]) -> None:
    if dates[0] <= valuation_date:
        raise MarketError(places[0], f"{dates[0]} is not after the valuation date {valuation_date}")
    for number, (earlier, later) in enumerate(pairwise(dates), 1):
        if later <= earlier:
            raise MarketError(places[number], f"{later} is not after {earlier}, the one before it")


def check_strikes(strikes: tuple[float, ...], place: str) -> None:
    for number, (lower, higher) in enumerate(pairwise(strikes), 1):
        if higher <= lower:
            raise MarketError(f"{place}[{number}]", f"{higher} is not above {lower}, the one before it")


def check_length(length: int, expected: int, of: str, place: str) -> None:
    if length != expected:
        raise MarketError(place, f"has {length} elements, but there are {expected} {of}")


def check_total_variance(volatility: TermStructure, valuation_date: date, place: str) -> None:
    """Total variance may not fall: between two expiries the forward variance would be negative."""
    times = [year_fraction(valuation_date, expiry) for expiry in volatility.expiries]
    totals = [value * value * time for value, time in zip(volatility.values, times, strict=True)]
    for number, (earlier, later) in enumerate(pairwise(totals), 1):
        if later < earlier * (1 - ROUNDING):
            lowest = ceil((earlier / times[number]) ** 0.5 * 1e6) / 1e6  # what is told is accepted
            raise MarketError(
                f"{place}[{number}]",
                f"{volatility.values[number]} at {volatility.expiries[number]} gives a total variance of {later:.6g},"
                f" below the {earlier:.6g} at {volatility.expiries[number - 1]}: it must be at least {lowest:g}",
            )
