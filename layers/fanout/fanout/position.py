"""A note as the full format writes it, and what makes it whole by itself, before any market is looked at."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from fanout import fields
from fanout.calendar import add_business_days, is_business_day, why_closed
from fanout.errors import PortfolioError
from fanout.refusals import fit

LAST_YEAR = 2200  # the calendar's rules are not promised beyond, and a note's dates are not there


class Observation(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True
):
    """One date on which the note is observed; already adjusted to a business day."""

    date: fields.BusinessDay
    autocall_barrier: fields.Barrier | None = None  # None: cannot be called on this date
    coupon_barrier: fields.Barrier | None = None  # None: no coupon is due on this date


class NoteUnderlying(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An index and the level that the note measures it against."""

    name: fields.Name
    strike: fields.Level


class Position(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True
):
    """A holding of one note."""

    id: fields.Id
    index: int = -1  # place in the user's book, from 0; filled in when the book is read
    side: fields.Side = "long"
    notional: fields.Amount
    currency: fields.Currency
    underlyings: Annotated[
        tuple[NoteUnderlying, ...], Meta(min_length=1, description="more than one: a worst-of basket")
    ]
    schedule: Annotated[tuple[Observation, ...], Meta(min_length=1, description="dates strictly increasing")]
    coupon: fields.Coupon
    memory: fields.Memory
    protection_barrier: fields.Barrier
    protection_monitoring: fields.Monitoring = "maturity"
    knocked_in: fields.KnockedIn | None = None
    settlement_days: fields.BusinessDays = 0
    fixings: fields.Fixings = {}


def full_position(raw: dict[str, Any], index: int, where: str) -> Position:
    """A full format's position, underlyings and fixings in order. Raises PortfolioError at a place in ``where``."""
    if "index" in raw:
        raise PortfolioError(f"{where}.index", "unknown key: a position's index is its place in the book")
    position = fit({**raw, "index": index}, Position, where, PortfolioError)
    check_schedule(position.schedule, f"{where}.schedule")
    if position.knocked_in and position.protection_monitoring != "continuous":
        raise PortfolioError(
            f"{where}.knockedIn",
            "true, but the protection barrier is not watched before the last date: give protectionMonitoring"
            " 'continuous', or leave knockedIn out",
        )
    if len(position.underlyings) > 1:
        position = msgspec.structs.replace(position, underlyings=in_order(position, where))
    if position.fixings:
        position = msgspec.structs.replace(position, fixings=checked_fixings(position, where))
    return position


def check_schedule(schedule: tuple[Observation, ...], where: str) -> None:
    """Dates are business days in order; a note that could be called and yet owe no coupon is no note."""
    earlier = date.min
    for number, observation in enumerate(schedule):
        day, autocall, coupon = observation.date, observation.autocall_barrier, observation.coupon_barrier
        if day <= earlier:
            raise PortfolioError(f"{where}[{number}].date", f"{day} is not after {earlier}, the one before it")
        if day.year > LAST_YEAR:
            raise PortfolioError(f"{where}[{number}].date", f"{day} is after the year {LAST_YEAR}")
        if not is_business_day(day):
            raise PortfolioError(f"{where}[{number}].date", closed(day))
        if autocall is not None and coupon is not None and autocall < coupon:
            raise PortfolioError(
                f"{where}[{number}].autocallBarrier", f"{autocall:g} is below the coupon barrier {coupon:g} of its date"
            )
        earlier = day


def closed(day: date) -> str:
    return (
        f"{day} is not a business day of TARGET ({why_closed(day)}): schedule dates are given already adjusted,"
        f" the next business day is {add_business_days(day, 1)}"
    )


def in_order(position: Position, where: str) -> tuple[NoteUnderlying, ...]:
    """A basket's underlyings by name, each of them once and monitored at maturity."""
    ordered = tuple(sorted(position.underlyings, key=lambda each: each.name))
    for one, other in pairwise(ordered):
        if one.name == other.name:
            raise PortfolioError(f"{where}.underlyings", f"{one.name!r} is given twice")
    if position.protection_monitoring == "continuous":
        names = ", ".join(each.name for each in ordered)
        raise PortfolioError(
            f"{where}.protectionMonitoring",
            f"'continuous' is not priced for a basket ({names}): only single underlyings are monitored continuously",
        )
    return ordered


def checked_fixings(position: Position, where: str) -> dict[date, dict[str, float]]:
    """The fixings by date and name, each of an observation date and an underlying of the note."""
    dates = {observation.date for observation in position.schedule}
    names = [each.name for each in position.underlyings]
    ordered = {}
    for day, levels in sorted(position.fixings.items()):
        if day not in dates:
            raise PortfolioError(f"{where}.fixings.{day}", "is not an observation date of the note's schedule")
        for name in levels:
            if name not in names:
                raise PortfolioError(
                    f"{where}.fixings.{day}.{name}",
                    f"{name!r} is not an underlying of the note, which has {', '.join(names)}",
                )
        ordered[day] = {name: levels[name] for name in names if name in levels}
    return ordered
