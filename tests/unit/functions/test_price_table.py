"""positions.csv: a row a position, Greeks beside it when asked for, and no cell that a spreadsheet would calculate."""

import csv
import io
import re
from datetime import date

import pytest

from fanout.book import NoteUnderlying, Observation, Position
from fanout.prices import Measured, Price, Risk, UnderlyingRisk
from price_report import report_page
from price_table import COLUMNS, Table, as_text
from price_totals import Totals


def position(index: int, *underlyings: str, name: str = "", strike: float = 100.0, currency: str = "EUR") -> Position:
    return Position(
        id=name or f"N{index}",
        index=index,
        notional=1000.0,
        currency=currency,
        underlyings=tuple(NoteUnderlying(name=each, strike=strike) for each in underlyings or ("SX5E",)),
        schedule=(Observation(date=date(2020, 11, 20)),),
        coupon=0.05,
        memory=True,
        protection_barrier=0.6,
    )


def measured(value: float) -> Measured:
    return Measured(value=value, standard_error=value / 100)


def price(of: Position, *, risk: bool = False) -> Price:
    greeks = {
        each.name: UnderlyingRisk(
            delta_percent=measured(10.0 + place),
            delta_point=measured(20.0 + place),
            gamma_percent=measured(30.0 + place),
            gamma_point=measured(40.0 + place),
            vega=measured(50.0 + place),
        )
        for place, each in reversed(list(enumerate(of.underlyings)))
    }
    return Price(
        index=of.index,
        id=of.id,
        currency=of.currency,
        pv=995.0,
        standard_error=0.5,
        scrambles=(994.5, 995.5),
        paths=64,
        risk=Risk(underlyings=greeks, rho=measured(-3.0)) if risk else None,
    )


def rows(table: Table) -> list[dict[str, str]]:
    text = io.StringIO(table.csv().decode(), newline="")
    head, *lines = csv.reader(text)
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_the_table_is_in_the_books_order_and_has_no_greeks_that_nobody_asked_for() -> None:
    table = Table(greeks=False)
    for index in (2, 0, 1):
        table.add(position(index), price(position(index)))
    read = rows(table)
    assert [row["index"] for row in read] == ["0", "1", "2"]
    assert list(read[0]) == COLUMNS
    assert read[0]["pvPercent"] == "99.5"


def test_greeks_are_columns_with_their_errors_in_the_order_of_the_positions_underlyings() -> None:
    table = Table(greeks=True)
    single, basket, called = position(0), position(1, "RTY", "SPX"), position(2)
    table.add(single, price(single, risk=True))
    table.add(basket, price(basket, risk=True))
    table.add(called, price(called))
    first, second, third = rows(table)
    assert (first["deltaPercent"], first["deltaPercentError"], first["rho"]) == ("10", "0.1", "-3")
    assert (first["vega"], first["gammaPercent"], first["deltaPoint"], first["gammaPoint"]) == ("50", "30", "20", "40")
    assert first["deltaPercent2"] == ""
    assert (second["underlyings"], second["deltaPercent"], second["deltaPercent2"]) == ("RTY+SPX", "10", "11")
    assert second["gammaPointError2"] == "0.41"
    assert (third["pv"], third["rho"], third["deltaPercent"]) == ("995.0", "", "")
    assert len(first) == len(COLUMNS) + 2 + 2 * 10


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x","y")', "+1", "-1+2", "@SUM(A1)", " =1+1", "＝1", "'quoted"])
def test_a_name_that_a_spreadsheet_would_calculate_is_marked_as_text(name: str) -> None:
    table = Table(greeks=False)
    held = position(0, name, name=name)
    table.add(held, price(held))
    [row] = rows(table)
    assert row["id"] == row["underlyings"] == f"'{name}"
    assert row["id"].removeprefix("'") == name


def test_a_name_that_is_none_is_left_as_it_is() -> None:
    assert [as_text(name) for name in ("N-1", "1+1", "SX5E", "a=b")] == ["N-1", "1+1", "SX5E", "a=b"]


def page_of(*held: Position, risk: bool = False) -> str:
    totals = Totals()
    for each in held:
        totals.add(each, price(each, risk=risk))
    aggregate = {
        "book": "desk",
        "positions": len(held),
        "priced": len(held),
        "valuationDate": "2019-11-20",
        "failed": [],
        "models": {},
        "targetStandardErrorBp": 1.0,
        "largestStandardErrorBp": 1.0,
        "missedTarget": 0,
        **totals.report(None),
    }
    return report_page(aggregate, [(each, price(each, risk=risk)) for each in held]).decode()


def test_the_page_shows_what_a_move_of_all_underlyings_does_to_a_position_where_greeks_were_asked_for() -> None:
    assert "Vega" not in page_of(position(0, "RTY", "SPX"))
    page = page_of(position(0, "RTY", "SPX"), risk=True)
    assert '<th class="n">Delta, 1 %</th><th class="n">Vega, 1 point</th></tr>' in page
    assert '<td class="n">21</td><td class="n">101</td></tr>' in page  # 10 + 11, 50 + 51


def test_the_page_says_where_bars_are_not_on_one_scale() -> None:
    said = "The bars of each currency have a scale of their own."
    assert said not in page_of(position(0), position(1))
    assert said in page_of(position(0), position(1, currency="USD"))


def test_the_page_never_adds_a_strike_of_one_underlying_to_that_of_another() -> None:
    page = page_of(position(0, "SMI"), position(1, "SPX"), position(2, "SPX", currency="USD"))
    for name, currency in (("SMI", "EUR"), ("SPX", "EUR"), ("SPX", "USD")):
        assert f'<tr><td>{name}</td><td>100</td><td>{currency}</td><td class="n">1</td>' in page


def test_the_totals_by_strike_alone_stay_as_the_workshop_has_them() -> None:
    totals = Totals()
    for index, (name, strike) in enumerate([("SMI", 100.0), ("SPX", 100.0), ("SPX", 90.0)]):
        held = position(index, name, strike=strike)
        totals.add(held, price(held))
    report = totals.report(None)
    assert list(report["byStrike"]) == ["90", "100"]
    assert report["byStrike"]["100"]["EUR"]["positions"] == 2
    assert report["byUnderlyingAndStrike"]["SPX"]["90"]["EUR"] == report["byStrike"]["90"]["EUR"]
    assert totals.pv_by_strike(None) == {"90": 995.0, "100": 1990.0}


def test_the_page_fits_narrow_and_dark_screens_and_escapes_what_users_wrote() -> None:
    page = page_of(position(0, name="<script>alert(1)</script>"))
    assert "<script>" not in page
    assert 'name="viewport"' in page
    assert "prefers-color-scheme:dark" in page
    assert page.count("<table>") == page.count('<div class="wide"><table>')
    assert re.findall(r"width:([\d.]+)%\"", page) == ["100.0", "100.0"]
