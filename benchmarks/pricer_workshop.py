"""Why the workshop's published script gives other PVs: each of its effects alone, on its own eight trades.

Its process is calibrated, but the paths are drawn from the start values; its helpers count expiries in business days;
its loss is the root of the sum of absolute errors; its paths take one step from date to date. The script is
``Autocallable.Note.py`` of github.com/awslabs/ec2-spot-workshops. Run this as
``PYTHONPATH=.:containers/pricer python benchmarks/pricer_workshop.py``; it needs QuantLib and scipy.
"""

import argparse
from collections.abc import Sequence

import msgspec
import numpy as np
import QuantLib as ql  # noqa: N813 - as everyone writes it
from numpy.typing import NDArray
from pricer_baseline import calibrated
from pricer_speed import workshop

from fanout.book import Position
from fanout.calendar import add_business_days
from fanout.market import HestonParameters, Market, Surface
from pricer.budget import Budget
from pricer.calibrate import calibrate
from pricer.instant import price_book
from pricer.paths import Grid
from pricer.payoff import outcome
from pricer.price import Wanted
from pricer.trades import Trade, note_of, trades_of

NAME = "SX5E"
START = HestonParameters(v0=0.01, kappa=0.01, theta=0.01, sigma=0.01, rho=0.01)  # of the script's process
BP = 1e-4
Array = NDArray[np.float64]


def with_volatility(market: Market, volatility: HestonParameters | Surface) -> Market:
    changed = msgspec.structs.replace(market.underlyings[NAME], volatility=volatility)
    return msgspec.structs.replace(market, underlyings={NAME: changed})


def in_business_days(surface: Surface, market: Market) -> Surface:
    """Expiries as many business days ahead as they are calendar days ahead."""
    today = market.valuation_date
    late = tuple(add_business_days(today, (expiry - today).days) for expiry in surface.expiries)
    return msgspec.structs.replace(surface, expiries=late)


def values(positions: Sequence[Position], market: Market, volatility: HestonParameters) -> Array:
    """Percent of the notional as bp."""
    budget = Budget(seed=1, target_bp=0.5, max_paths=2**20)
    report = price_book("", positions, with_volatility(market, volatility), budget, Wanted())
    return np.array([price["percent"] for price in report["prices"]]) * 100


def by_their_search(market: Market) -> HestonParameters:
    theta, kappa, sigma, rho, v0 = ql.HestonModel(calibrated(NAME, market)).params()
    return HestonParameters(v0=v0, kappa=kappa, theta=theta, sigma=sigma, rho=rho)


def in_one_step(positions: Sequence[Position], market: Market, model: HestonParameters, paths: int) -> Array:
    """QuantLib's paths with one step a period, bp; the means of ten runs."""
    spot = market.underlyings[NAME].spot
    today = ql.Date(20, 11, 2019)
    ql.Settings.instance().evaluationDate = today
    rates, dividends = (
        ql.YieldTermStructureHandle(ql.FlatForward(today, rate, ql.Actual360()))
        for rate in (market.curves["EUR"].zero_rates[0][1], market.underlyings[NAME].dividend_yield)
    )
    quote = ql.QuoteHandle(ql.SimpleQuote(spot))
    parameters = (model.v0, model.kappa, model.theta, model.sigma, model.rho)
    process = ql.HestonProcess(rates, dividends, quote, *parameters)
    trades, _ = trades_of(positions, with_volatility(market, model))
    times = [0.0, *trades[0].payment_times.tolist()]
    found = []
    for seed in range(1, 11):
        numbers = ql.UniformRandomSequenceGenerator(2 * (len(times) - 1), ql.UniformRandomGenerator(seed))
        sequences = ql.GaussianRandomSequenceGenerator(numbers)
        generator = ql.GaussianMultiPathGenerator(process, times, sequences, False)
        levels = np.array([list(generator.next().value()[0]) for _ in range(paths // 10)])[:, 1:].T
        found.append([payoff_mean(trade, market, model, levels) for trade in trades])
    return np.array(found) / BP


def payoff_mean(trade: Trade, market: Market, model: HestonParameters, levels: Array) -> float:
    dates = [each.date for each in trade.standing.remaining]
    grid = Grid.of(trade.names, dates, with_volatility(market, model), watched=False, refinement=1.0)
    note = note_of(trade, grid, market)
    return float(outcome(note, levels / trade.terms.underlyings[0].strike).value.mean())


def show(name: str, effect: Array, error: float) -> None:
    print(
        f"{name:52s} {effect.min():+8.1f} to {effect.max():+8.1f} bp  (± {error:.1f}, mean {effect.mean():+.1f})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=1_000_000, help="of QuantLib, one step a period")
    options = parser.parse_args()
    book, market = workshop()
    different = {(each.underlyings[0].strike, each.schedule[0].autocall_barrier): each for each in book}
    positions = [msgspec.structs.replace(each, index=place) for place, each in enumerate(different.values())]
    surface = market.underlyings[NAME].volatility
    assert isinstance(surface, Surface)
    right = calibrate(NAME, market).parameters
    base = values(positions, market, right)
    late = calibrate(NAME, with_volatility(market, in_business_days(surface, market))).parameters
    print(f"{len(positions)} different trades; last expiry {surface.expiries[-1]} becomes "
          f"{in_business_days(surface, market).expiries[-1]}")  # fmt: skip
    show("paths from the start values, not the calibration", values(positions, market, START) - base, 0.7)
    show("expiries in business days", values(positions, market, late) - base, 0.7)
    searched = values(positions, market, by_their_search(market))
    show("root of absolute errors, differential evolution", searched - base, 0.7)
    runs = in_one_step(positions, market, right, options.paths)
    show("one step a period", runs.mean(axis=0) - base, float(runs.std(axis=0, ddof=1).max() / np.sqrt(len(runs))))
    show("noise of 10,000 paths, one standard error", runs.std(axis=0, ddof=1) * np.sqrt(options.paths / 1e5), 0.0)


if __name__ == "__main__":
    main()
