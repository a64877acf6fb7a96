"""Markets with another volatility or another rate."""

import math
from collections.abc import Mapping
from datetime import date

import msgspec

from fanout.errors import MarketError
from fanout.market import Flat, HestonParameters, Market, Surface, TermStructure

LEAST_VOLATILITY = 1e-3


def with_volatilities(market: Market, changes: Mapping[str, float]) -> Market:
    """``changes``: by underlying, an amount added to every volatility (0.01 is one point)."""
    underlyings = dict(market.underlyings)
    for name, change in changes.items():
        if change:
            old = underlyings[name]
            raised = _raised(old.volatility, change, name, market.valuation_date)
            underlyings[name] = msgspec.structs.replace(old, volatility=raised)
    return msgspec.structs.replace(market, underlyings=underlyings)


def _raised(
    volatility: Flat | TermStructure | Surface | HestonParameters, change: float, name: str, today: date
) -> Flat | TermStructure | HestonParameters:
    """Under Heston's model √v0 and √θ change: to first order the implied volatilities of all expiries."""
    if isinstance(volatility, Flat):
        return Flat(value=_at_least(volatility.value + change))
    if isinstance(volatility, TermStructure):
        return _structure(volatility, change, today)
    if isinstance(volatility, HestonParameters):
        v0, theta = (_at_least(math.sqrt(variance) + change) ** 2 for variance in (volatility.v0, volatility.theta))
        return msgspec.structs.replace(volatility, v0=v0, theta=theta)
    raise MarketError(f"underlyings.{name}.volatility", "a surface is bumped before it is calibrated")


def _structure(volatility: TermStructure, change: float, today: date) -> TermStructure:
    """What lowers a steeply falling structure may make its total variance fall: there the least volatility goes on."""
    values = []
    before, total = 0, 0.0  # days, and volatility² times days
    for expiry, value in zip(volatility.expiries, volatility.values, strict=True):
        days, moved = (expiry - today).days, _at_least(value + change)
        least = total + LEAST_VOLATILITY**2 * (days - before)
        if moved**2 * days < least:
            moved = math.sqrt(least / days)
        values.append(moved)
        before, total = days, moved**2 * days
    return msgspec.structs.replace(volatility, values=tuple(values))


def _at_least(volatility: float) -> float:
    return max(volatility, LEAST_VOLATILITY)
