"""What has already happened to a note: fixings against barriers, decided in decimals as the term sheet would.

In binary floating point 3350 × 0.55 is 1842.5000000000002, and a fixing of 1842.5 on that barrier would be below it.
"""

from datetime import date
from decimal import Context, Decimal

from fanout.position import Position

EXACT = Context(prec=60)  # a product of two doubles' shortest decimals has at most 34 digits


def reaches(level: float, strike: float, barrier: float) -> bool:
    """Whether ``level`` is at or above ``barrier`` (a fraction) of ``strike``, all three as they were written."""
    return Decimal(repr(level)) >= EXACT.multiply(Decimal(repr(strike)), Decimal(repr(barrier)))


def worst_reaches(position: Position, day: date, barrier: float) -> bool:
    """Whether every underlying's fixing of ``day`` is at or above ``barrier``; KeyError if one is missing."""
    levels = position.fixings[day]
    return all(reaches(levels[each.name], each.strike, barrier) for each in position.underlyings)


def touches(position: Position, day: date) -> bool:
    """Whether the fixing of ``day`` touches a continuously watched barrier, of a single underlying: at it or below."""
    underlying = position.underlyings[0]
    barrier = EXACT.multiply(Decimal(repr(underlying.strike)), Decimal(repr(position.protection_barrier)))
    return Decimal(repr(position.fixings[day][underlying.name])) <= barrier


def called_on(position: Position, valuation_date: date) -> date | None:
    """The date up to ``valuation_date`` on which the fixings called the note; KeyError for a fixing it would need.

    At the last date the note ends anyway, with its final redemption: no call.
    """
    for observation in position.schedule[:-1]:
        if observation.date > valuation_date:
            return None
        barrier = observation.autocall_barrier
        if barrier is not None and worst_reaches(position, observation.date, barrier):
            return observation.date
    return None


def remaining_dates(position: Position, valuation_date: date) -> tuple[date, ...]:
    """The observation dates after ``valuation_date``; none for a note that was called."""
    schedule = position.schedule
    if schedule[0].date > valuation_date:
        return tuple([observation.date for observation in schedule])
    if called_on(position, valuation_date):
        return ()
    return tuple([observation.date for observation in schedule if observation.date > valuation_date])
