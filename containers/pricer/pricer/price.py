"""Positions and markets in, prices out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from fanout.book import Position, path_group
from fanout.errors import FanoutError, Interrupted
from fanout.market import Market
from fanout.prices import Price, Unpriced
from pricer.estimate import Measure, Sampling, estimate
from pricer.measures import PlainMeasure, RiskMeasure, ScenarioMeasure, ValueMeasure
from pricer.models import Models
from pricer.paths import Grid
from pricer.result import Estimates, UnitPrice, certain, uncertain
from pricer.trades import Trade, note_of, on_grid, trades_of

SPOT_FACTORS = (0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2)
VOLATILITY_CHANGES = (-0.05, -0.02, 0.0, 0.02, 0.05)
AXES = SPOT_FACTORS, VOLATILITY_CHANGES
VEGA_CHANGE = 0.01
RISK_REFINEMENT = 1.5  # of the variance steps: gamma feels the law of the first period more than a value does


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked beside the value."""

    greeks: bool = False
    scenarios: bool = False
    plain: bool = False  # values by the payoff on drawn levels, for checking

    @property
    def changes(self) -> tuple[float, ...]:
        """Of volatilities, for which a surface is calibrated anew."""
        return ((VEGA_CHANGE,) if self.greeks else ()) + (VOLATILITY_CHANGES if self.scenarios else ())


def price_positions(
    positions: Iterable[Position], models: Models, sampling_of: Callable[[str], Sampling], wanted: Wanted
) -> Iterator[tuple[list[Price], list[Unpriced]]]:
    """Group by group; positions of one path group must be adjacent to share their paths.

    ``sampling_of``: the points of a group, by its canonical text.
    """
    market = models.market
    for group, members in groupby(positions, key=lambda position: path_group(position, market)):
        trades, failed = trades_of(list(members), market)
        prices: list[Price] = []
        for trade, unit in _unit_prices(trades, models, group, sampling_of(group), wanted):
            for position in trade.positions:
                priced = unit.of(position) if isinstance(unit, UnitPrice) else _unpriced(position, unit)
                (prices if isinstance(priced, Price) else failed).append(priced)  # type: ignore[arg-type]
        yield prices, failed


def _unpriced(position: Position, error: FanoutError) -> Unpriced:
    return Unpriced(index=position.index, id=position.id, reason=str(error))


def _unit_prices(
    trades: Sequence[Trade], models: Models, group: str, sampling: Sampling, wanted: Wanted
) -> Iterator[tuple[Trade, UnitPrice | FanoutError]]:
    """Trades whose barrier is watched have paths of their own, since those also stop where volatility steps."""
    for trade in trades:
        if not trade.standing.remaining:
            axes = AXES if wanted.scenarios else None
            yield trade, certain(trade, sampling.scrambles, models.market, risk=wanted.greeks, axes=axes)
    for watched, key in ((False, group), (True, f"{group} watched")):
        some = [trade for trade in trades if trade.standing.remaining and trade.watched == watched]
        if not some:
            continue
        try:
            yield from _estimated(some, models, key, sampling, wanted)
        except Interrupted:  # no fault of the position: nothing of it is written
            raise
        except FanoutError as error:
            yield from ((trade, error) for trade in some)


def _estimated(
    trades: Sequence[Trade], models: Models, key: str, sampling: Sampling, wanted: Wanted
) -> Iterator[tuple[Trade, UnitPrice]]:
    first = trades[0]
    market = models.market
    dates = [each.date for each in first.standing.remaining]
    grid = Grid.of(first.names, dates, market, watched=first.watched, refinement=sampling.refinement)
    kind = PlainMeasure if wanted.plain else ValueMeasure
    measures: list[Measure] = [kind(note=note_of(trade, grid, market)) for trade in trades]
    values = estimate(measures, [grid.paths(market)], key, sampling)
    finer = Grid.of(first.names, dates, market, watched=first.watched, refinement=RISK_REFINEMENT * sampling.refinement)
    risks = _risks(trades, models, finer, key, sampling) if wanted.greeks else [None] * len(trades)
    scenarios = _scenarios(trades, models, grid, key, sampling) if wanted.scenarios else [None] * len(trades)
    for trade, value, risk, scenario in zip(trades, values, risks, scenarios, strict=True):
        found = Estimates(
            paths=sampling.paths, calls=2 + grid.observed[:-1], value=value, risk=risk, scenarios=scenario
        )
        yield trade, uncertain(trade, found, market, AXES)


def _risks(
    trades: Sequence[Trade], models: Models, grid: Grid, key: str, sampling: Sampling
) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    markets: list[Market] = [models.market, *(models.under({name: VEGA_CHANGE}) for name in grid.names)]
    measures: list[Measure] = [
        RiskMeasure(
            note=note_of(trade, grid, models.market),
            times=grid.times,
            payment_times=on_grid(trade.payment_times, grid),
        )
        for trade in trades
    ]
    return estimate(measures, [grid.paths(market) for market in markets], key, sampling, spot_moves=True)


def _scenarios(
    trades: Sequence[Trade], models: Models, grid: Grid, key: str, sampling: Sampling
) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    markets = [models.under(dict.fromkeys(grid.names, change)) for change in VOLATILITY_CHANGES]
    measures: list[Measure] = [
        ScenarioMeasure(note=note_of(trade, grid, models.market), spot_factors=SPOT_FACTORS) for trade in trades
    ]
    return estimate(measures, [grid.paths(market) for market in markets], key, sampling)
