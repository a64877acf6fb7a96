"""TARGET, the euro's settlement calendar, and the ACT/360 day count.

Closing days from the European Central Bank's press releases: https://www.ecb.europa.eu/press/pr/date/ for 1999
(1998/html/pr980903.en.html, 1999/html/pr990331.en.html), for 2000 (1999/html/pr990715_1.en.html) and from 2002 on
(2000/html/pr001214_4.en.html).
"""

from datetime import date, timedelta
from functools import lru_cache

DAYS_PER_YEAR = 360  # ACT/360
SATURDAY = 5  # date.weekday()
TARGET2_RULES = 2000  # from this year on the long-term closing days hold
YEAR_END_CLOSINGS = {1998, 1999, 2001}  # 31 December, for the euro's changeovers and the year 2000


def easter_sunday(year: int) -> date:
    """Easter of the Gregorian calendar by the anonymous computus."""
    a = year % 19
    b, c = divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=512)
def holidays(year: int) -> dict[date, str]:
    """TARGET's closing days of a year beside its weekends, with their names."""
    closed = {date(year, 1, 1): "New Year's Day", date(year, 12, 25): "Christmas Day"}
    if year >= TARGET2_RULES:
        easter = easter_sunday(year)
        closed[easter - timedelta(days=2)] = "Good Friday"
        closed[easter + timedelta(days=1)] = "Easter Monday"
        closed[date(year, 5, 1)] = "Labour Day"
        closed[date(year, 12, 26)] = "the day after Christmas"
    if year in YEAR_END_CLOSINGS:
        closed[date(year, 12, 31)] = "the year's last day"
    return closed


@lru_cache(maxsize=65_536)
def is_business_day(day: date) -> bool:
    """Whether TARGET is open on ``day``."""
    return day.weekday() < SATURDAY and day not in holidays(day.year)


def why_closed(day: date) -> str:
    """What keeps TARGET closed on ``day``, for an error's reader; empty on a business day."""
    if day.weekday() >= SATURDAY:
        return f"a {day:%A}"
    return holidays(day.year).get(day, "")


def add_business_days(day: date, count: int) -> date:
    """The ``count``-th business day after ``day`` (before it if negative); ``day`` itself for 0, open or closed.

    Raises
    ------
    OverflowError   beyond the years 1 to 9999
    """
    step = timedelta(days=1 if count > 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not is_business_day(day):
            day += step
    return day


def year_fraction(start: date, end: date) -> float:
    """Years from ``start`` to ``end``, ACT/360; negative if ``end`` is earlier."""
    return (end - start).days / DAYS_PER_YEAR
