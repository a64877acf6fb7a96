"""TARGET and ACT/360 against published years and dates worked by hand."""

from datetime import date, timedelta

import pytest

from fanout.calendar import add_business_days, easter_sunday, holidays, is_business_day, why_closed, year_fraction
from fanout.workshop import DATES

VALUATION = date(2019, 11, 20)


@pytest.mark.parametrize(
    "easter",
    [
        date(1818, 3, 22),  # the earliest that Easter can be
        date(1943, 4, 25),  # the latest
        date(1954, 4, 18),  # years in which the simpler rules go wrong
        date(1981, 4, 19),
        date(2000, 4, 23),
        date(2008, 3, 23),
        date(2019, 4, 21),
        date(2020, 4, 12),
        date(2024, 3, 31),
        date(2038, 4, 25),
        date(2049, 4, 18),
        date(2076, 4, 19),
    ],
)
def test_easter_falls_where_the_tables_put_it(easter: date) -> None:
    assert easter_sunday(easter.year) == easter


@pytest.mark.parametrize(
    ("year", "closed"),
    [
        (1999, ["01-01", "12-25", "12-31"]),
        (2000, ["01-01", "04-21", "04-24", "05-01", "12-25", "12-26"]),
        (2001, ["01-01", "04-13", "04-16", "05-01", "12-25", "12-26", "12-31"]),
        (2019, ["01-01", "04-19", "04-22", "05-01", "12-25", "12-26"]),
        (2020, ["01-01", "04-10", "04-13", "05-01", "12-25", "12-26"]),
        (2024, ["01-01", "03-29", "04-01", "05-01", "12-25", "12-26"]),
        (2026, ["01-01", "04-03", "04-06", "05-01", "12-25", "12-26"]),
    ],
)
def test_target_closes_on_the_days_the_central_bank_published(year: int, closed: list[str]) -> None:
    assert sorted(f"{day:%m-%d}" for day in holidays(year)) == closed


def test_a_year_has_its_weekdays_less_the_holidays_that_fall_on_one() -> None:
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(366)]
    assert sum(map(is_business_day, days)) == 257  # 262 weekdays; 26 December is a Saturday


def test_a_closed_day_says_why() -> None:
    assert why_closed(date(2020, 4, 10)) == "Good Friday"
    assert why_closed(date(2019, 11, 17)) == "a Sunday"
    assert why_closed(VALUATION) == ""


def test_business_days_are_counted_over_easter_and_back() -> None:
    assert add_business_days(date(2020, 4, 9), 1) == date(2020, 4, 14)
    assert add_business_days(date(2020, 4, 14), -1) == date(2020, 4, 9)
    assert add_business_days(date(2019, 12, 24), 2) == date(2019, 12, 30)
    assert add_business_days(date(2020, 4, 10), 0) == date(2020, 4, 10)


def test_the_workshops_dates_lie_these_days_after_its_valuation() -> None:
    assert [(day - VALUATION).days for day in DATES] == [366, 733, 1097, 1461, 1827, 2192, 2557]
    assert all(map(is_business_day, DATES))


def test_each_workshop_date_is_the_anniversary_or_the_next_business_day() -> None:
    for years, day in enumerate(DATES, 1):
        anniversary = VALUATION.replace(year=VALUATION.year + years)
        assert day == (anniversary if is_business_day(anniversary) else add_business_days(anniversary, 1))


def test_a_year_fraction_is_days_over_360() -> None:
    assert year_fraction(VALUATION, date(2020, 11, 20)) == 366 / 360
    assert year_fraction(date(2020, 11, 20), VALUATION) == -366 / 360
