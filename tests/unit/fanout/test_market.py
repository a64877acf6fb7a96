"""Market snapshots: what is read from them, and what each kind of wrong snapshot is told."""

import json
from datetime import date

import pytest

from fanout.errors import MarketError
from fanout.market import (
    EXPECTED,
    Flat,
    HestonParameters,
    Surface,
    TermStructure,
    bundled_market,
    encode_market,
    market_of,
    parse_market,
)
from tests.unit.fanout.markets import MARKET, Raw, changed


def test_a_snapshot_is_read_as_written() -> None:
    market = market_of(MARKET)
    assert market.valuation_date == date(2019, 11, 20)
    assert market.curves["EUR"].zero_rates == ((date(2020, 11, 20), -0.004), (date(2026, 11, 20), 0.01))
    kinds = {name: type(underlying.volatility) for name, underlying in market.underlyings.items()}
    assert kinds == {"SX5E": Surface, "SMI": TermStructure, "RTY": Flat, "SPX": HestonParameters}
    assert market.underlyings["RTY"].dividend_yield == 0.0
    assert market.pairs == {frozenset(("SMI", "SX5E")): 0.6}


def test_expiries_are_the_dates_themselves_though_the_market_is_closed_on_them() -> None:
    closed = changed("underlyings.SMI.volatility.expiries", ["2020-11-21", "2021-12-25"])  # a Saturday, Christmas
    volatility = market_of(closed).underlyings["SMI"].volatility
    assert isinstance(volatility, TermStructure)
    assert volatility.expiries == (date(2020, 11, 21), date(2021, 12, 25))


def test_a_snapshot_survives_being_written_and_read() -> None:
    market = market_of(MARKET)
    assert parse_market(encode_market(market)) == market


def test_the_bundled_market_is_the_workshops_day_under_heston() -> None:
    market = bundled_market()
    assert market.valuation_date == date(2019, 11, 20)
    assert market.underlyings["SX5E"].spot == 3550.0
    assert market.underlyings["SX5E"].volatility == HestonParameters(
        v0=0.0122, kappa=1.445, theta=0.0326, sigma=0.354, rho=-0.599
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", f"market: is empty: expected {EXPECTED}"),
        (b"[]", f"market: [] is not an object: expected {EXPECTED}"),
        (b'{"schema": }', "market: is not JSON at line 1, column 12: expecting value"),
        (b'{"schema": 1} 2', "market: is not JSON at line 1, column 15: extra data"),
        (b'{"a": 1, "a": 2}', "market: the key 'a' is given twice"),
        (b'{"schema": "\xff"}', "market: byte 12 is not UTF-8"),
        (b"[" * 100_000, "market: is nested too deeply"),
        (b"9" * 5000, "market: a whole number has more than 4,300 digits"),
        (b'{"schema": "\\udc00"}', "market: is not Unicode: a character is escaped as half of a surrogate pair"),
    ],
)
def test_what_is_no_snapshot_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(MarketError) as refusal:
        parse_market(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("NaN", "NaN is not a finite number"),
        ("-Infinity", "-Infinity is not a finite number"),
        ("1e999", "inf is not a finite number: it exceeds what a double holds"),
    ],
)
def test_numbers_that_are_not_finite_are_refused_where_they_stand(number: str, problem: str) -> None:
    text = json.dumps(MARKET).replace('"spot": 1600.0', f'"spot": {number}')
    with pytest.raises(MarketError) as refusal:
        parse_market(text)
    assert str(refusal.value) == f"underlyings.RTY.spot: {problem}"


def test_a_book_in_the_place_of_a_market_is_told_as_one() -> None:
    with pytest.raises(MarketError, match=r"^schema: 'stepbatch/book/1' is not 'stepbatch/market/1'$"):
        market_of({"schema": "stepbatch/book/1", "name": "desk", "positions": []})


def test_a_key_given_twice_is_refused_where_it_stands() -> None:
    text = json.dumps(MARKET).replace('"spot": 1600.0', '"spot": 1600.0, "spot": 1700.0')
    with pytest.raises(MarketError, match=r"^underlyings\.RTY: the key 'spot' is given twice$"):
        parse_market(text)


def correlated(**values: float) -> Raw:
    pairs = [{"pair": name.split("_"), "value": value} for name, value in values.items()]
    return MARKET | {"correlations": pairs}


def test_correlations_that_no_variables_can_have_are_refused() -> None:
    with pytest.raises(MarketError) as refusal:
        market_of(correlated(SX5E_SMI=0.9, SMI_RTY=0.9, SX5E_RTY=-0.9))
    assert str(refusal.value) == (
        "correlations: the matrix of RTY, SMI, SX5E is not positive semidefinite (RTY/SMI 0.9, RTY/SX5E -0.9,"
        " SMI/SX5E 0.9): no random variables have these correlations; bring them closer to zero or to each other"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"SX5E_SMI": 1.0, "SMI_RTY": 1.0, "SX5E_RTY": 0.5},  # what remains of the two others has no variance of its own
        {"SX5E_SMI": 0.6, "SMI_RTY": 0.8, "SX5E_RTY": -0.001},  # just over the edge
        {"SX5E_SMI": 0.9, "SMI_RTY": 0.9, "SX5E_RTY": 0.9, "SX5E_SPX": 0.9, "SMI_SPX": 0.9, "RTY_SPX": 0.1},
    ],
)
def test_correlations_that_contradict_each_other_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(MarketError, match="is not positive semidefinite"):
        market_of(correlated(**values))


@pytest.mark.parametrize(
    "values",
    [
        {"SX5E_SMI": 1.0, "SMI_RTY": -1.0, "SX5E_RTY": -1.0},  # singular: one variable and its opposite
        {"SX5E_SMI": 0.5, "SMI_RTY": 0.5, "SX5E_RTY": -0.5},  # singular: a sum of the two others
        {"SX5E_SMI": 0.6, "SMI_RTY": 0.8, "SX5E_RTY": 0.0},  # singular: 0.36 + 0.64 = 1
        {"SX5E_SMI": 0.9, "SMI_RTY": 0.9},  # a pair is missing: no basket can need it
        {"SX5E_SMI": 1.0, "RTY_SPX": -1.0},
    ],
)
def test_correlations_on_the_edge_of_what_is_possible_are_accepted(values: dict[str, float]) -> None:
    market_of(correlated(**values))
