"""Markets with another volatility or another rate."""

import math
from collections.abc import Mapping

import msgspec

from fanout.errors import MarketError
from fanout.market import Flat, HestonParameters, Market, Surface, TermStructure

LEAST_VOLATILITY = 1e-3


def with_volatilities(market: Market, changes: Mapping[str, float]) -> Market:
    """``changes``: by underlying, an amount added to every volatility (0.01 is one point)."""
    underlyings = dict(market.underlyings)
    for name, change in changes.items():
        old = underlyings[name]
        underlyings[name] = msgspec.structs.replace(old, volatility=_raised(old.volatility, change, name))
    return msgspec.structs.replace(market, underlyings=underlyings)


def _raised(
    volatility: Flat | TermStructure | Surface | HestonParameters, change: float, name: str
) -> Flat | TermStructure | HestonParameters:
    """Under Heston's model √v0 and √θ change: to first order the implied volatilities of all expiries."""
    if isinstance(volatility, Flat):
        return Flat(value=_at_least(volatility.value + change))
    if isinstance(volatility, TermStructure):
        return msgspec.structs.replace(
            volatility, values=tuple(_at_least(value + change) for value in volatility.values)
        )
    if isinstance(volatility, HestonParameters):
        v0, theta = (_at_least(math.sqrt(variance) + change) ** 2 for variance in (volatility.v0, volatility.theta))
        return msgspec.structs.replace(volatility, v0=v0, theta=theta)
    raise MarketError(f"underlyings.{name}.volatility", "a surface is bumped before it is calibrated")


def _at_least(volatility: float) -> float:
    return max(volatility, LEAST_VOLATILITY)
