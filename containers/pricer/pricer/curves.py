"""Rates and volatilities of a market snapshot as functions of time; every time is days/360 from the valuation date."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from fanout.calendar import year_fraction
from fanout.errors import MarketError
from fanout.market import Curve, Flat, Market, TermStructure

Array = NDArray[np.float64]


def times_of(market: Market, dates: Sequence[date]) -> Array:
    """Years from the valuation date to each of ``dates``."""
    return np.array([year_fraction(market.valuation_date, day) for day in dates])


def accumulated_rate(market: Market, curve: Curve, times: Array) -> Array:
    """∫r dt to each time: r·t is linear between pillars, r flat outside."""
    pillars = times_of(market, [day for day, _ in curve.zero_rates])
    rates = np.array([rate for _, rate in curve.zero_rates])
    return _piecewise_linear(times, pillars, rates)


def discount_factors(market: Market, currency: str, times: Array) -> Array:
    return np.exp(-accumulated_rate(market, market.curves[currency], times))


def total_variance(market: Market, volatility: Flat | TermStructure, times: Array) -> Array:
    """∫σ² dt to each time: linear between expiries, the volatility flat outside."""
    if isinstance(volatility, Flat):
        return volatility.value**2 * times
    expiries = times_of(market, volatility.expiries)
    return _piecewise_linear(times, expiries, np.square(volatility.values))


def forward_variances(market: Market, name: str, volatility: Flat | TermStructure, times: Array) -> Array:
    """Variance of the logarithm over each period between ``times``, the first from today."""
    variances = np.diff(total_variance(market, volatility, times), prepend=0.0)
    if np.any(variances <= 0):
        period = int(np.argmax(variances <= 0))
        raise MarketError(
            f"underlyings.{name}.volatility",
            f"total variance falls between year {times[period - 1]:.4f} and {times[period]:.4f}: "
            "that admits arbitrage, raise the later volatility",
        )
    return variances


def _piecewise_linear(times: Array, pillars: Array, averages: Array) -> Array:
    """``average·t``, linear between pillars; outside them the nearest average holds."""
    accumulated = np.interp(times, pillars, averages * pillars)
    accumulated = np.where(times < pillars[0], averages[0] * times, accumulated)
    return np.where(times > pillars[-1], averages[-1] * times, accumulated)
