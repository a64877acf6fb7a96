"""A pricer as the workshop's is built: QuantLib paths priced one by one in Python, differential evolution to calibrate.

What others write with the usual tools; what `pricer_speed.py` compares with. It needs QuantLib and scipy, which the
product does not. Unlike the workshop's script it simulates the process that it calibrated, on the right dates.
"""

import time
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import QuantLib as ql  # noqa: N813 - as everyone writes it
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from fanout.book import Position
from fanout.market import Market, Surface

BOUNDS = [(1e-4, 1.0), (0.01, 10.0), (0.01, 2.0), (-0.999, 0.999), (1e-4, 1.0)]  # theta, kappa, sigma, rho, v0
PATHS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What one position cost."""

    value: float
    deviation: float  # of one path's value
    calibration_seconds: float  # CPU
    path_seconds: float  # CPU, of one path


def price(position: Position, market: Market, seed: int = 1, paths: int = PATHS) -> Timed:
    """One position on one index with a surface: calibrated by itself, then ``paths`` paths."""
    began = time.process_time()
    process = calibrated(position.underlyings[0].name, market)
    calibration = time.process_time() - began
    began = time.process_time()
    values = simulate(process, position, market, seed, paths)
    return Timed(
        value=float(values.mean()),
        deviation=float(values.std()),
        calibration_seconds=calibration,
        path_seconds=(time.process_time() - began) / paths,
    )


def calibrated(name: str, market: Market) -> ql.HestonProcess:
    """Heston's process for an index's surface, by differential evolution over QuantLib's analytic engine."""
    underlying = market.underlyings[name]
    surface = underlying.volatility
    assert isinstance(surface, Surface)
    today = ql_date(market.valuation_date)
    ql.Settings.instance().evaluationDate = today
    rate = market.curves[underlying.currency].zero_rates[0][1]
    rates = ql.YieldTermStructureHandle(ql.FlatForward(today, rate, ql.Actual360()))
    dividends = ql.YieldTermStructureHandle(ql.FlatForward(today, underlying.dividend_yield, ql.Actual360()))
    spot = ql.QuoteHandle(ql.SimpleQuote(underlying.spot))
    process = ql.HestonProcess(rates, dividends, spot, 0.01, 0.2, 0.02, 0.5, -0.75)
    model = ql.HestonModel(process)
    engine = ql.AnalyticHestonEngine(model)
    helpers = []
    for expiry, row in zip(surface.expiries, surface.values, strict=True):
        period = ql.Period((expiry - market.valuation_date).days, ql.Days)
        for strike, volatility in zip(surface.strikes, row, strict=True):
            quote = ql.QuoteHandle(ql.SimpleQuote(volatility))
            helper = ql.HestonModelHelper(period, ql.NullCalendar(), underlying.spot, strike, quote, rates, dividends)
            helper.setPricingEngine(engine)
            helpers.append(helper)

    def loss(parameters: NDArray[np.float64]) -> float:
        model.setParams(ql.Array(list(parameters)))
        return float(np.sqrt(np.sum(np.abs([helper.calibrationError() for helper in helpers]))))

    found = differential_evolution(loss, BOUNDS, maxiter=100, seed=1)
    model.setParams(ql.Array(list(found.x)))
    theta, kappa, sigma, rho, v0 = found.x
    return ql.HestonProcess(rates, dividends, spot, v0, kappa, theta, sigma, rho)


def simulate(
    process: ql.HestonProcess, position: Position, market: Market, seed: int, paths: int
) -> NDArray[np.float64]:
    """(paths,) discounted cash flows: all paths drawn one by one, then the payoff path by path."""
    today = market.valuation_date
    times = np.array([0.0] + [(each.date - today).days / 360 for each in position.schedule])
    numbers = ql.UniformRandomSequenceGenerator(2 * (len(times) - 1), ql.UniformRandomGenerator(seed))
    sequences = ql.GaussianRandomSequenceGenerator(numbers)
    generator = ql.GaussianMultiPathGenerator(process, times, sequences, False)
    levels = np.zeros((paths, len(times)))
    for number in range(paths):
        path = generator.next().value()
        levels[number, :] = np.array(list(path[0]))
    curve = process.riskFreeRate()
    return np.array([payoff(position, path[1:], curve) for path in levels])


def payoff(position: Position, levels: NDArray[np.float64], curve: ql.YieldTermStructureHandle) -> float:
    """Discounted cash flows of a memory-coupon autocallable on one path, on unit notional."""
    strike, coupon = position.underlyings[0].strike, position.coupon
    value, unpaid, paid = 0.0, 0, False
    discount = 1.0
    for observation, level in zip(position.schedule, levels, strict=True):
        discount = curve.discount(ql_date(observation.date))
        final = observation is position.schedule[-1]
        autocall, barrier = observation.autocall_barrier, observation.coupon_barrier
        if not final and autocall is not None and level >= autocall * strike:
            return float(value + discount * (1 + coupon * (1 + unpaid)))
        paid = barrier is not None and bool(level >= barrier * strike)
        if paid:
            value += discount * coupon * (1 + unpaid)
        unpaid = 0 if paid else unpaid + 1
    protected = paid or levels[-1] >= position.protection_barrier * strike
    return float(value + discount * (1.0 if protected else min(1.0, levels[-1] / strike)))


@cache
def ql_date(day: date) -> ql.Date:
    return ql.Date(day.day, day.month, day.year)
