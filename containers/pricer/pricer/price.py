"""Positions and a market in, prices out."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec
import numpy as np
from numpy.typing import NDArray

from fanout.book import Position, path_group
from fanout.errors import FanoutError
from fanout.market import HestonParameters, Market, Surface
from fanout.prices import Price, Unpriced
from pricer.curves import accumulated_rate, discount_factors, forward_variances, times_of
from pricer.estimate import Estimate, Paths, Sampling, estimate, mean_and_error
from pricer.gbm import GbmPaths
from pricer.heston import HestonPaths
from pricer.lifecycle import Standing, standing
from pricer.note import Note
from pricer.support import check_supported

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """Positions that differ in id, side and notional only: priced once, on unit notional."""

    standing: Standing
    note: Note | None  # None: nothing is open any more
    positions: list[Position]
    known: float  # present value of the flows that are fixed


def price_positions(
    positions: Iterable[Position], market: Market, sampling: Sampling
) -> Iterator[tuple[list[Price], list[Unpriced]]]:
    """Group by group; positions of one path group must be adjacent to share their paths."""
    for group, members in groupby(positions, key=lambda position: path_group(position, market)):
        trades, failed = trades_of(list(members), market)
        prices: list[Price] = []
        for trade, result in zip(trades, _estimates(trades, market, group, sampling), strict=True):
            for position in trade.positions:
                priced = _price(position, trade, result, sampling)
                (prices if isinstance(priced, Price) else failed).append(priced)  # type: ignore[arg-type]
        yield prices, failed


def trades_of(positions: Sequence[Position], market: Market) -> tuple[list[Trade], list[Unpriced]]:
    """Identical trades together, in order; what cannot be priced is named with its reason."""
    trades: dict[bytes, Trade] = {}
    failed = []
    for position in positions:
        terms = _terms(position)
        if terms in trades:
            trades[terms].positions.append(position)
            continue
        try:
            check_supported(position, market)
            trades[terms] = _trade(position, market)
        except FanoutError as error:
            failed.append(Unpriced(index=position.index, id=position.id, reason=str(error)))
    return list(trades.values()), failed


def _terms(position: Position) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(position, id="", index=-1, side="long", notional=1.0))


def _trade(position: Position, market: Market) -> Trade:
    now = standing(position, market.valuation_date)
    pays = discount_factors(market, position.currency, times_of(market, [flow.payment for flow in now.flows]))
    return Trade(
        standing=now,
        note=note_of(position, now, market) if now.remaining else None,
        positions=[position],
        known=math.fsum(flow.amount * factor for flow, factor in zip(now.flows, pays, strict=True)),
    )


def note_of(position: Position, now: Standing, market: Market) -> Note:
    """The open part of a position on unit notional."""
    last = len(now.remaining) - 1
    continuous = position.protection_monitoring == "continuous"
    autocall = [
        math.inf if each.autocall_barrier is None or date == last else each.autocall_barrier
        for date, each in enumerate(now.remaining)
    ]
    coupon = [math.inf if each.coupon_barrier is None else each.coupon_barrier for each in now.remaining]
    return Note(
        strikes=np.array([each.strike / market.underlyings[each.name].spot for each in position.underlyings]),
        autocall=np.array(autocall),
        coupon_barrier=np.array(coupon),
        coupon=position.coupon,
        memory=position.memory,
        unpaid=now.unpaid,
        protection=math.inf if now.touched else position.protection_barrier,
        continuous=continuous and not now.touched,
        discounts=discount_factors(market, position.currency, times_of(market, now.payments)),
    )


def paths_of(position: Position, now: Standing, market: Market) -> Paths:
    """The model of a position's underlying on its remaining dates."""
    name = position.underlyings[0].name
    underlying = market.underlyings[name]
    times = times_of(market, [each.date for each in now.remaining])
    growth = accumulated_rate(market, market.curves[underlying.currency], times) - underlying.dividend_yield * times
    volatility = underlying.volatility
    assert not isinstance(volatility, Surface), "a surface is calibrated before paths are made"
    if isinstance(volatility, HestonParameters):
        return HestonPaths.of(volatility, log_growth=growth, times=times)
    return GbmPaths.of(log_growth=growth, variances=forward_variances(market, name, volatility, times))


def _estimates(trades: Sequence[Trade], market: Market, group: str, sampling: Sampling) -> Iterator[Estimate | None]:
    """In the order of ``trades``; None where nothing is open."""
    open_ = [trade for trade in trades if trade.note is not None]
    if not open_:
        return iter([None] * len(trades))
    paths = paths_of(open_[0].positions[0], open_[0].standing, market)
    found = iter(estimate([trade.note for trade in open_ if trade.note], paths, group, sampling))
    return iter([next(found) if trade.note is not None else None for trade in trades])


def _price(position: Position, trade: Trade, result: Estimate | None, sampling: Sampling) -> Price | Unpriced:
    amount = position.notional if position.side == "long" else -position.notional
    value = np.zeros(sampling.scrambles) if result is None else result.value
    by_scramble = amount * (trade.known + value)
    pv, standard_error = mean_and_error(by_scramble)
    if not (math.isfinite(pv) and math.isfinite(standard_error)):
        reason = f"the estimate is not a number (PV {pv}, standard error {standard_error})"
        return Unpriced(index=position.index, id=position.id, reason=reason)
    return Price(
        index=position.index,
        id=position.id,
        currency=position.currency,
        pv=pv,
        standard_error=standard_error,
        scrambles=tuple(by_scramble.tolist()),
        paths=0 if result is None else sampling.paths,
    )
