"""Where a note stands on the valuation date: what its fixings have decided, and what is still open.

Fixings meet barriers in decimals, as the term sheet would (3350 × 0.55 in floats decides wrongly).
"""

from dataclasses import dataclass
from datetime import date

from fanout.book import Observation, Position
from fanout.calendar import add_business_days
from fanout.seasoning import worst_reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """An amount that is fixed but not paid yet."""

    payment: date
    amount: float  # on unit notional


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A note on the valuation date."""

    flows: tuple[Flow, ...]  # fixed, payment after the valuation date
    remaining: tuple[Observation, ...]  # observations to come; none once the note was called or has ended
    payments: tuple[date, ...]  # of the remaining observations
    unpaid: int  # coupons missed since the last one was paid
    touched: bool  # whether a continuously watched protection barrier has been touched


def standing(position: Position, valuation_date: date) -> Standing:
    """Replays the fixings up to and on the valuation date, of a note that fits its market (``check_position``)."""
    past = [each for each in position.schedule if each.date <= valuation_date]
    remaining = tuple(each for each in position.schedule if each.date > valuation_date)
    touched = bool(position.knocked_in)  # said of a continuously watched barrier only
    flows, unpaid, ended = [], 0, False
    for observation in past:
        paid = _coupons(position, observation, unpaid)
        unpaid = 0 if paid.clears else unpaid + paid.due
        amount, ended = _redemption(position, observation, touched)
        payment = add_business_days(observation.date, position.settlement_days)
        if payment > valuation_date and (total := position.coupon * paid.count + amount):
            flows.append(Flow(payment=payment, amount=total))
        if ended:
            break
    open_ = () if ended else remaining
    return Standing(
        flows=tuple(flows),
        remaining=open_,
        payments=tuple(add_business_days(each.date, position.settlement_days) for each in open_),
        unpaid=unpaid,
        touched=touched,
    )


@dataclass(frozen=True, slots=True)
class _Paid:
    count: int  # coupons paid on a date
    due: bool
    clears: bool  # what was unpaid before


def _coupons(position: Position, observation: Observation, unpaid: int) -> _Paid:
    owed = unpaid if position.memory else 0
    if observation.coupon_barrier is not None:
        reached = worst_reaches(position, observation.date, observation.coupon_barrier)
        return _Paid(owed + 1 if reached else 0, due=True, clears=reached)
    called = _called(position, observation)
    return _Paid(owed if called else 0, due=False, clears=called)


def _called(position: Position, observation: Observation) -> bool:
    barrier = observation.autocall_barrier
    if barrier is None or observation is position.schedule[-1]:
        return False
    return worst_reaches(position, observation.date, barrier)


def _redemption(position: Position, observation: Observation, touched: bool) -> tuple[float, bool]:
    """What is redeemed on a past date, and whether the note ended with it."""
    if observation is not position.schedule[-1]:
        called = _called(position, observation)
        return float(called), called
    day, coupon = observation.date, observation.coupon_barrier
    if coupon is not None and worst_reaches(position, day, coupon):
        return 1.0, True
    if not touched and worst_reaches(position, day, position.protection_barrier):
        return 1.0, True
    return min(1.0, *(position.fixings[day][each.name] / each.strike for each in position.underlyings)), True
