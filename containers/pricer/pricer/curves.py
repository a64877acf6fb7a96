"""Rates and volatilities of a market snapshot as functions of time; every time is days/360 from the valuation date."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from fanout import correlation
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


def covariances(market: Market, names: Sequence[str], times: Array) -> Array:
    r"""(periods, assets, assets) covariance of the logarithms over each period between ``times``, the first from today.

    .. math:: \Sigma_{ik} = \rho_{ik} \int \sigma_i \sigma_k\,dt

    exact for volatilities that step at their expiries: the periods are cut there.
    """
    expiries = np.concatenate([volatility_pillars(market, name) for name in names])
    cuts = np.union1d(times, expiries[expiries < times[-1]])
    rises = np.stack([_rises(market, name, cuts) for name in names])  # (assets, cuts)
    deviations = np.sqrt(rises)
    pieces = deviations[:, None] * deviations[None, :]
    starts = np.concatenate([[0], np.searchsorted(cuts, times)[:-1] + 1])
    sums = np.add.reduceat(pieces, starts, axis=2)
    return np.asarray((sums * correlation_matrix(market, names)[:, :, None]).transpose(2, 0, 1))


def correlation_matrix(market: Market, names: Sequence[str]) -> Array:
    """(assets, assets) correlations of the Brownian motions that drive the indices."""
    return np.array(correlation.matrix(names, market.pairs))


def volatility_pillars(market: Market, name: str) -> Array:
    """Years to the expiries at which the volatility of an underlying under GBM steps."""
    volatility = market.underlyings[name].volatility
    return times_of(market, volatility.expiries) if isinstance(volatility, TermStructure) else np.empty(0)


def rate_pillars(market: Market, currency: str) -> Array:
    """Years to the dates at which the forward rate of a currency steps."""
    return times_of(market, [day for day, _ in market.curves[currency].zero_rates])


def log_growth(market: Market, names: Sequence[str], times: Array) -> Array:
    """(assets, times) logarithm of the forward over the spot."""
    rows = []
    for name in names:
        underlying = market.underlyings[name]
        rate = accumulated_rate(market, market.curves[underlying.currency], times)
        rows.append(rate - underlying.dividend_yield * times)
    return np.stack(rows)


def _rises(market: Market, name: str, times: Array) -> Array:
    """Rise of the total variance between consecutive times, > 0."""
    volatility = market.underlyings[name].volatility
    assert isinstance(volatility, Flat | TermStructure), "GBM has a flat volatility or a term structure"
    rises = np.diff(total_variance(market, volatility, times), prepend=0.0)
    if np.any(rises <= 0):
        period = int(np.argmax(rises <= 0))
        start = times[period - 1] if period else 0.0
        raise MarketError(
            f"underlyings.{name}.volatility",
            f"total variance does not rise between year {start:.4f} and {times[period]:.4f}: "
            "nothing moves then, raise the later volatility",
        )
    return rises


def _piecewise_linear(times: Array, pillars: Array, averages: Array) -> Array:
    """``average·t``, linear between pillars; outside them the nearest average holds."""
    accumulated = np.interp(times, pillars, averages * pillars)
    accumulated = np.where(times < pillars[0], averages[0] * times, accumulated)
    return np.where(times > pillars[-1], averages[-1] * times, accumulated)
