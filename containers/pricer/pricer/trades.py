"""Positions as trades: identical ones once, each with what its fixings have decided and what is still open."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from fanout.book import Position
from fanout.errors import FanoutError, Interrupted
from fanout.market import Market
from fanout.prices import Unpriced
from pricer.curves import discount_factors, times_of
from pricer.lifecycle import Standing, standing
from pricer.note import Note
from pricer.paths import Grid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """Positions that differ in id, side and notional only: priced once, on unit notional."""

    positions: list[Position]
    standing: Standing
    payment_times: Array  # years, of the remaining observations
    known: float  # present value of the flows that are fixed
    known_duration: float  # sum of their present values times their years: what a rate moves

    @property
    def terms(self) -> Position:
        return self.positions[0]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.terms.underlyings)

    @property
    def watched(self) -> bool:
        """Whether the protection barrier can still be touched between dates."""
        return self.terms.protection_monitoring == "continuous" and not self.standing.touched


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
            trades[terms] = _trade(position, market)
        except Interrupted:
            raise
        except FanoutError as error:
            failed.append(Unpriced(index=position.index, id=position.id, reason=str(error)))
    return list(trades.values()), failed


def _terms(position: Position) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(position, id="", index=-1, side="long", notional=1.0))


def _trade(position: Position, market: Market) -> Trade:
    now = standing(position, market.valuation_date)
    times = times_of(market, [flow.payment for flow in now.flows])
    amounts = np.array([flow.amount for flow in now.flows]) * discount_factors(market, position.currency, times)
    return Trade(
        positions=[position],
        standing=now,
        payment_times=times_of(market, now.payments),
        known=math.fsum(amounts),
        known_duration=math.fsum(amounts * times),
    )


def note_of(trade: Trade, grid: Grid, market: Market) -> Note:
    """What is open of a trade, on unit notional, on the times of a grid."""
    observations, terms = trade.standing.remaining, trade.terms
    last = len(observations) - 1
    autocall = [
        math.inf if each.autocall_barrier is None or date == last else each.autocall_barrier
        for date, each in enumerate(observations)
    ]
    coupon = [math.inf if each.coupon_barrier is None else each.coupon_barrier for each in observations]
    return Note(
        strikes=np.array([each.strike / market.underlyings[each.name].spot for each in terms.underlyings]),
        autocall=_spread(np.array(autocall), grid),
        coupon_barrier=_spread(np.array(coupon), grid),
        coupon=terms.coupon,
        memory=terms.memory,
        unpaid=trade.standing.unpaid,
        protection=math.inf if trade.standing.touched else terms.protection_barrier,
        continuous=trade.watched,
        discounts=discount_factors(market, terms.currency, on_grid(trade.payment_times, grid)),
    )


def on_grid(values: Array, grid: Grid) -> Array:
    """A value of each observation date on all times of the grid: that of the next observation."""
    return values[np.searchsorted(grid.observed, np.arange(len(grid.times)))]


def _spread(barriers: Array, grid: Grid) -> Array:
    """Barriers of the observation dates on all times of the grid: none in between."""
    spread = np.full(len(grid.times), math.inf)
    spread[grid.observed] = barriers
    return spread
