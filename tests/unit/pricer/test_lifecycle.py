"""A note's past: what its fixings have decided on the valuation date, 2019-11-20."""

from datetime import date
from typing import Any

import pytest

from pricer.lifecycle import Flow, standing
from tests.unit.pricer.books import position, schedule

TODAY = date(2019, 11, 20)
PAST = ("2017-11-20", "2018-11-20", "2019-11-20", "2020-11-20")


def past(*levels: float) -> dict[str, dict[str, float]]:
    return {day: {"SMI": level} for day, level in zip(PAST, levels, strict=False)}


def seasoned(*levels: float, dates: tuple[str, ...] = PAST, **changes: Any) -> Any:
    return position(schedule=schedule(*dates), fixings=past(*levels), **changes)


def test_a_new_note_is_all_open() -> None:
    now = standing(position(), TODAY)
    assert (now.flows, now.unpaid, now.touched) == ((), 0, False)
    assert [each.date.year for each in now.remaining] == [2020, 2021, 2022]
    assert now.payments == tuple(each.date for each in now.remaining)


@pytest.mark.parametrize(
    ("levels", "unpaid"),
    [((70, 70, 70), 3), ((70, 80, 70), 1), ((80, 80, 80), 0), ((90, 79.99, 99.99), 0), ((90, 90, 79.99), 1)],
)
def test_unpaid_coupons_are_replayed_from_fixings(levels: tuple[float, ...], unpaid: int) -> None:
    now = standing(seasoned(*levels), TODAY)
    assert now.unpaid == unpaid
    assert [each.date for each in now.remaining] == [date(2020, 11, 20)]


def test_fixings_meet_barriers_in_decimals() -> None:
    # 3350 * 0.55 is 1842.5000000000002 in binary floating point
    terms: Any = {"underlyings": [{"name": "SMI", "strike": 3350.0}], "schedule": schedule(*PAST, coupon=0.55)}
    now = standing(position(**terms, fixings=past(1842.5, 1842.5, 1842.49)), TODAY)
    assert now.unpaid == 1


def test_a_called_note_has_nothing_open() -> None:
    now = standing(seasoned(70, 100, 0.01), TODAY)
    assert (now.remaining, now.payments, now.flows) == ((), (), ())


def test_a_flow_counts_until_it_is_paid() -> None:
    dates = ("2019-11-18", "2020-11-20")
    fixing = {"2019-11-18": {"SMI": 100.0}}
    late = standing(position(schedule=schedule(*dates), fixings=fixing, settlementDays=3), TODAY)
    assert late.flows == (Flow(payment=date(2019, 11, 21), amount=1.05),)
    today = standing(position(schedule=schedule(*dates), fixings=fixing, settlementDays=2), TODAY)
    assert (today.flows, today.remaining) == ((), ())


def test_a_coupon_that_is_fixed_but_not_paid_counts_beside_what_is_open() -> None:
    dates = ("2018-11-20", "2019-11-20", "2020-11-20")
    fixing = {"2018-11-20": {"SMI": 70.0}, "2019-11-20": {"SMI": 80.0}}
    now = standing(position(schedule=schedule(*dates), fixings=fixing, settlementDays=1), TODAY)
    assert now.flows == (Flow(payment=date(2019, 11, 21), amount=0.10),)
    assert now.payments == (date(2020, 11, 23),)


@pytest.mark.parametrize(
    ("level", "terms", "amount"),
    [
        (80.0, {}, 1.05),
        (79.99, {}, 1.0),
        (60.0, {}, 1.0),
        (59.99, {}, 0.5999),
        (120.0, {}, 1.05),
        (70.0, {"protectionMonitoring": "continuous", "knockedIn": True}, 0.7),
        (85.0, {"protectionMonitoring": "continuous", "knockedIn": True}, 1.05),
        (70.0, {"protectionMonitoring": "continuous", "knockedIn": False}, 1.0),
    ],
)
def test_the_last_fixing_redeems(level: float, terms: dict[str, Any], amount: float) -> None:
    ended = position(schedule=schedule("2019-11-20"), fixings={"2019-11-20": {"SMI": level}}, settlementDays=2, **terms)
    now = standing(ended, TODAY)
    assert now.flows == (Flow(payment=date(2019, 11, 22), amount=amount),)
    assert now.remaining == ()


def test_a_basket_follows_its_worst_underlying() -> None:
    both = [{"name": "SMI", "strike": 100.0}, {"name": "SX5E", "strike": 3500.0}]
    days = schedule("2018-11-20", "2019-11-20")
    fixings = {"2018-11-20": {"SMI": 99.0, "SX5E": 3600.0}, "2019-11-20": {"SMI": 90.0, "SX5E": 1750.0}}
    now = standing(position(underlyings=both, schedule=days, fixings=fixings, settlementDays=1), TODAY)
    assert now.flows == (Flow(payment=date(2019, 11, 21), amount=0.5),)


def test_a_touched_barrier_stays_touched() -> None:
    terms: Any = {"protectionMonitoring": "continuous", "knockedIn": True}
    assert standing(seasoned(90, 90, 90, **terms), TODAY).touched
    assert not standing(seasoned(90, 90, 90, **terms | {"knockedIn": False}), TODAY).touched


def test_coupons_of_a_date_without_barrier_are_neither_paid_nor_missed() -> None:
    days: Any = schedule(*PAST)
    del days[1]["couponBarrier"]
    assert standing(position(schedule=days, fixings=past(70, 70, 70)), TODAY).unpaid == 2
    days[1]["autocallBarrier"] = 1.0
    called = standing(position(schedule=days, fixings=past(70, 100, 70)), TODAY)
    assert called.remaining == ()


def test_the_last_date_calls_nothing_and_pays_what_is_owed_only_on_its_own_coupon_barrier() -> None:
    days: Any = schedule("2018-11-20", "2019-11-20")
    del days[1]["couponBarrier"]
    fixings = {"2018-11-20": {"SMI": 70.0}, "2019-11-20": {"SMI": 120.0}}
    now = standing(position(schedule=days, fixings=fixings, settlementDays=1), TODAY)
    assert now.flows == (Flow(payment=date(2019, 11, 21), amount=1.0),)
