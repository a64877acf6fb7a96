"""Positions: what is read from them in both formats, and what each kind of wrong one is told."""

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from fanout.book import parse_position
from fanout.errors import PortfolioError

Raw = dict[str, Any]
Change = Callable[[Raw], object]

NOTE: Raw = {
    "id": "N1",
    "side": "long",
    "notional": 10000000,
    "currency": "EUR",
    "underlyings": [{"name": "SX5E", "strike": 3500.0}, {"name": "SMI", "strike": 100.0}],
    "schedule": [
        {"date": "2019-11-18", "autocallBarrier": 1.0, "couponBarrier": 0.8},
        {"date": "2020-11-20", "autocallBarrier": 0.95, "couponBarrier": 0.8},
        {"date": "2021-11-22", "couponBarrier": 0.8},
    ],
    "coupon": 0.05,
    "memory": True,
    "protectionBarrier": 0.6,
    "protectionMonitoring": "maturity",
    "knockedIn": False,
    "settlementDays": 0,
    "fixings": {"2019-11-18": {"SX5E": 3400.0, "SMI": 99.0}},
}
WORKSHOP: Raw = {"notional": 10000000, "strike": 3500, "barrier": 1.0}


def changed(raw: Raw, change: Change) -> Raw:
    raw = copy.deepcopy(raw)
    change(raw)
    return raw


def setting(key: str, value: Any) -> Change:
    return lambda raw: raw.__setitem__(key, value)


def without(key: str) -> Change:
    return lambda raw: raw.pop(key)


def in_schedule(number: int, key: str, value: Any) -> Change:
    return lambda raw: raw["schedule"][number].__setitem__(key, value)


def test_a_full_position_is_read_as_written_with_its_underlyings_by_name() -> None:
    position = parse_position(NOTE, 3)
    assert (position.id, position.index, position.notional, position.memory) == ("N1", 3, 10_000_000.0, True)
    assert [(each.name, each.strike) for each in position.underlyings] == [("SMI", 100.0), ("SX5E", 3500.0)]
    assert [(row.date, row.autocall_barrier, row.coupon_barrier) for row in position.schedule] == [
        (date(2019, 11, 18), 1.0, 0.8),
        (date(2020, 11, 20), 0.95, 0.8),
        (date(2021, 11, 22), None, 0.8),
    ]
    assert list(position.fixings[date(2019, 11, 18)].items()) == [("SMI", 99.0), ("SX5E", 3400.0)]
    assert position.knocked_in is False


def test_what_a_position_leaves_out_has_the_formats_defaults() -> None:
    short = ["side", "protectionMonitoring", "knockedIn", "settlementDays", "fixings"]
    position = parse_position({key: value for key, value in NOTE.items() if key not in short}, 0)
    assert (position.side, position.protection_monitoring, position.settlement_days) == ("long", "maturity", 0)
    assert (position.knocked_in, position.fixings) == (None, {})


def test_a_workshop_position_is_the_note_of_the_workshop() -> None:
    position = parse_position({"notional": 10000000, "strike": 3650, "barrier": 0.93}, 17)
    dates = ["2020-11-20", "2021-11-22", "2022-11-21", "2023-11-20", "2024-11-20", "2025-11-20", "2026-11-20"]
    written = {
        "id": "P17",
        "notional": 10000000,
        "currency": "EUR",
        "underlyings": [{"name": "SX5E", "strike": 3650.0}],
        "schedule": [{"date": day, "autocallBarrier": 0.93, "couponBarrier": 0.8} for day in dates],
        "coupon": 0.05,
        "memory": True,
        "protectionBarrier": 0.6,
    }
    assert position == parse_position(written, 17)


def test_a_workshop_barrier_on_the_coupon_barrier_is_a_note() -> None:
    assert parse_position(WORKSHOP | {"barrier": 0.8}, 0).schedule[0].autocall_barrier == 0.8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (setting("barrier", -0.2), "positions[17].barrier: -0.2 is not above 0"),
        (setting("barrier", 0), "positions[17].barrier: 0 is not above 0"),
        (setting("barrier", "1.0"), "positions[17].barrier: '1.0' is not a number"),
        (setting("barrier", True), "positions[17].barrier: true is not a number"),
        (setting("barrier", None), "positions[17].barrier: null is not a number"),
        (setting("barrier", 80), "positions[17].barrier: 80 is above 10 (fraction of the strike: 0.8 is 80 %)"),
        (setting("barrier", 0.7), "positions[17].barrier: 0.7 is below the coupon barrier 0.8 of the workshop's notes"),
        (setting("notional", 0), "positions[17].notional: 0 is not above 0"),
        (setting("notional", [1]), "positions[17].notional: [1] is not a number"),
        (setting("strike", -3500), "positions[17].strike: -3500 is not above 0"),
        (without("notional"), "positions[17].notional: is missing"),
        (without("strike"), "positions[17].strike: is missing"),
        (without("barrier"), "positions[17].barrier: is missing"),
        (
            setting("id", "A"),
            "positions[17].id: unknown key: a position in the workshop's format has notional, strike and barrier only"
            " (id 'A')",
        ),
    ],
)
def test_a_wrong_workshop_position_is_refused_by_field_and_value(change: Change, message: str) -> None:
    with pytest.raises(PortfolioError) as refusal:
        parse_position(changed(WORKSHOP, change), 17)
    assert str(refusal.value) == message


HOLIDAY = (
    "2020-12-25 is not a business day of TARGET (Christmas Day): schedule dates are given already adjusted,"
    " the next business day is 2020-12-28"
)


@pytest.mark.parametrize(
    ("change", "place", "problem"),
    [
        (setting("notional", -5), "notional", "-5 is not above 0"),
        (setting("notional", 10**400), "notional", "1" + "0" * 58 + "… is above 1e+15 (currency units)"),
        (setting("notional", float("inf")), "notional", "inf is not a finite number: it exceeds what a double holds"),
        (setting("side", "buy"), "side", "'buy' is not 'long' or 'short'"),
        (setting("currency", "eur"), "currency", "'eur' is not allowed here (ISO 4217 code, three capital letters)"),
        (setting("currency", "EUR\n"), "currency", r"'EUR\n' is longer than 3 characters"),
        (setting("coupon", -0.01), "coupon", "-0.01 is below 0"),
        (setting("coupon", "5%"), "coupon", "'5%' is not a number"),
        (setting("memory", 1), "memory", "1 is not true or false"),
        (setting("knockedIn", "no"), "knockedIn", "'no' is not true or false"),
        (
            setting("knockedIn", True),
            "knockedIn",
            "true, but the protection barrier is not watched before the last date: give protectionMonitoring"
            " 'continuous', or leave knockedIn out",
        ),
        (setting("settlementDays", 2.5), "settlementDays", "2.5 is not a whole number"),
        (setting("settlementDays", True), "settlementDays", "true is not a whole number"),
        (setting("settlementDays", -1), "settlementDays", "-1 is below 0"),
        (setting("protectionMonitoring", "daily"), "protectionMonitoring", "'daily' is not 'continuous' or 'maturity'"),
        (setting("protectionBarrier", 60), "protectionBarrier", "60 is above 10 (fraction of the strike: 0.8 is 80 %)"),
        (without("memory"), "memory", "is missing"),
        (without("schedule"), "schedule", "is missing"),
        (setting("schedule", []), "schedule", "is empty"),
        (setting("schedule", {}), "schedule", "{} is not a list"),
        (setting("underlyings", []), "underlyings", "is empty"),
        (setting("underlyings", ["SX5E"]), "underlyings[0]", "'SX5E' is not an object"),
        (setting("underlyings", [{"name": "", "strike": 1}]), "underlyings[0].name", "is empty"),
        (setting("underlyings", [{"name": "A"}]), "underlyings[0].strike", "is missing"),
        (setting("underlyings", [{"name": "A", "strike": 1}] * 2), "underlyings", "'A' is given twice"),
        (setting("index", 3), "index", "unknown key: a position's index is its place in the book"),
        (setting("protectionbarrier", 1), "protectionbarrier", "unknown key: did you mean 'protectionBarrier'?"),
        (setting("colour", 1), "colour", "unknown key"),
        (in_schedule(1, "date", "2020-12-25"), "schedule[1].date", HOLIDAY),
        (in_schedule(1, "date", "20.11.2020"), "schedule[1].date", "'20.11.2020' is not a date (YYYY-MM-DD)"),
        (
            in_schedule(1, "date", "2020-02-30"),
            "schedule[1].date",
            "'2020-02-30' is not a date: day is out of range for month",
        ),
        (
            in_schedule(1, "date", "2019-11-18"),
            "schedule[1].date",
            "2019-11-18 is not after 2019-11-18, the one before it",
        ),
        (
            in_schedule(2, "date", "2020-11-19"),
            "schedule[2].date",
            "2020-11-19 is not after 2020-11-20, the one before it",
        ),
        (in_schedule(2, "date", "2201-01-02"), "schedule[2].date", "2201-01-02 is after the year 2200"),
        (
            in_schedule(1, "autocallBarrier", 0.79),
            "schedule[1].autocallBarrier",
            "0.79 is below the coupon barrier 0.8 of its date",
        ),
        (in_schedule(1, "couponBarrier", "80%"), "schedule[1].couponBarrier", "'80%' is not a number"),
        (in_schedule(1, "barrier", 1), "schedule[1].barrier", "unknown key: did you mean 'couponBarrier'?"),
        (
            setting("fixings", {"18.11.2019": {}}),
            "fixings.18.11.2019",
            "the key '18.11.2019' is not a date (YYYY-MM-DD)",
        ),
        (
            setting("fixings", {"2019-11-19": {"SX5E": 1.0}}),
            "fixings.2019-11-19",
            "is not an observation date of the note's schedule",
        ),
        (
            setting("fixings", {"2019-11-18": {"DAX": 1.0}}),
            "fixings.2019-11-18.DAX",
            "'DAX' is not an underlying of the note, which has SMI, SX5E",
        ),
        (setting("fixings", {"2019-11-18": {"SMI": 0}}), "fixings.2019-11-18.SMI", "0 is not above 0"),
        (
            setting("protectionMonitoring", "continuous"),
            "protectionMonitoring",
            "'continuous' is not priced for a basket (SMI, SX5E): only single underlyings are monitored continuously",
        ),
    ],
)
def test_a_wrong_full_position_is_refused_by_field_value_and_id(change: Change, place: str, problem: str) -> None:
    with pytest.raises(PortfolioError) as refusal:
        parse_position(changed(NOTE, change), 17)
    assert refusal.value.where == f"positions[17].{place}"
    assert refusal.value.problem == f"{problem} (id 'N1')"


def test_limits_themselves_are_within() -> None:
    highest = NOTE | {"notional": 1e15, "coupon": 10, "protectionBarrier": 10, "settlementDays": 366}
    assert parse_position(highest, 0).coupon == 10
    in_the_last_year = changed(NOTE, in_schedule(2, "date", "2200-12-24"))
    assert parse_position(in_the_last_year, 0).schedule[2].date == date(2200, 12, 24)
    with pytest.raises(PortfolioError, match=r"^positions\[0\]\.memory: is missing"):  # not what is on its limit
        parse_position(changed(highest, without("memory")), 0)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (12, "positions[0]: 12 is not an object"),
        (None, "positions[0]: null is not an object"),
        ([], "positions[0]: [] is not an object"),
        ({}, "positions[0].id: is missing"),
        (NOTE | {"id": ""}, "positions[0].id: is empty (id '')"),
        (
            NOTE | {"id": "N1\n"},
            "positions[0].id: 'N1\\n' is not allowed here (printable text, unique in the book) (id 'N1\\n')",
        ),
        (NOTE | {"id": 7}, "positions[0].id: 7 is not text"),
        (
            NOTE | {"id": "a\nb"},
            "positions[0].id: 'a\\nb' is not allowed here (printable text, unique in the book) (id 'a\\nb')",
        ),
    ],
)
def test_what_is_no_position_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(PortfolioError) as refusal:
        parse_position(raw, 0)
    assert str(refusal.value) == message
