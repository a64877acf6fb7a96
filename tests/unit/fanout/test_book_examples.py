"""The books and markets in examples/, and the schemas that describe them."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it carries no type hints

import fanout
from fanout.book import check_position, read_book
from fanout.market import Market, bundled_market, parse_market
from fanout.schemas import NAMES, schema

EXAMPLES = Path(__file__).parents[3] / "examples" / "montecarlo"
BOOKS = ["sample_book.json", "workshop_portfolio.json"]
MARKETS = ["sample_market.json", "eurostoxx50_2019-11-20.json", "eurostoxx50_2019-11-20_surface.json"]


@pytest.fixture(scope="module")
def sample_market() -> Market:
    return parse_market((EXAMPLES / "sample_market.json").read_bytes())


def test_the_samples_are_what_their_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["make_sample.py", str(tmp_path)])
    runpy.run_path(str(EXAMPLES / "make_sample.py"), run_name="__main__")
    for name in ("sample_book.json", "sample_market.json"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()


def test_the_sample_book_can_be_priced_on_its_market_and_shows_each_feature(sample_market: Market) -> None:
    with (EXAMPLES / "sample_book.json").open("rb") as stream:
        positions = list(read_book(stream))
    for position in positions:
        check_position(position, sample_market)
    assert 30 <= len(positions) <= 60
    assert {position.side for position in positions} == {"long", "short"}
    assert {position.currency for position in positions} == {"EUR", "USD"}
    assert len({tuple(row.date for row in position.schedule) for position in positions}) >= 3
    assert len({position.underlyings[0].name for position in positions}) >= 2
    assert any(position.fixings for position in positions)
    assert any(position.settlement_days for position in positions)
    assert all(len(position.underlyings) == 1 for position in positions)


def test_the_workshops_book_can_be_priced_on_the_bundled_market() -> None:
    market = bundled_market()
    with (EXAMPLES / "workshop_portfolio.json").open("rb") as stream:
        positions = list(read_book(stream))
    for position in positions:
        check_position(position, market)
    assert len(positions) == 48
    assert {position.underlyings[0].strike for position in positions} == {3350.0, 3500.0, 3550.0, 3650.0, 3750.0}


def test_the_bundled_market_is_the_example_of_its_name() -> None:
    bundled = Path(fanout.__file__).parent / "data" / "eurostoxx50_2019-11-20.json"
    assert bundled.read_bytes() == (EXAMPLES / bundled.name).read_bytes()


def test_the_surface_is_of_the_same_market_as_the_bundled_parameters() -> None:
    surface = parse_market((EXAMPLES / "eurostoxx50_2019-11-20_surface.json").read_bytes())
    parameters = bundled_market()
    assert surface.curves == parameters.curves
    assert surface.valuation_date == parameters.valuation_date
    for name, underlying in parameters.underlyings.items():
        other = surface.underlyings[name]
        assert (other.spot, other.dividend_yield, other.model) == (underlying.spot, underlying.dividend_yield, "heston")


@pytest.mark.parametrize(("kind", "name"), [("book", name) for name in BOOKS] + [("market", name) for name in MARKETS])
def test_an_example_agrees_with_its_schema(kind: str, name: str) -> None:
    Draft202012Validator(schema(kind)).validate(json.loads((EXAMPLES / name).read_bytes()))


@pytest.mark.parametrize("kind", NAMES)
def test_a_schema_is_one_and_says_what_every_number_is(kind: str) -> None:
    published = schema(kind)
    Draft202012Validator.check_schema(published)
    assert {"title", "description"} <= published.keys()
    for definition in published["$defs"].values():
        assert definition["description"]
        for name, member in definition["properties"].items():
            numbers = [part for part in (member, *member.get("anyOf", ())) if part.get("type") == "number"]
            assert all("description" in number for number in numbers), name


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("notional", "1"),
        ("notional", 0),
        ("side", "buy"),
        ("schedule", []),
        ("memory", 1),
        ("index", 3),
        ("settlementDays", 0.5),
        ("protectionBarrier", 80),
        ("currency", "EURO"),
        ("colour", "red"),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(place: str, value: Any) -> None:
    book = json.loads((EXAMPLES / "sample_book.json").read_bytes())
    book["positions"][0][place] = value
    assert not Draft202012Validator(schema("book")).is_valid(book)


def test_only_published_formats_have_a_schema() -> None:
    with pytest.raises(KeyError):
        schema("plan")
