"""Laws of books: what is accepted survives every road it is sent down, and what is refused is refused by name."""

import json
import tempfile
from datetime import date, timedelta
from fractions import Fraction
from io import BytesIO
from itertools import groupby, pairwise
from pathlib import Path
from struct import unpack
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it carries no type hints

from fanout.book import decode_position, encode_position, parse_position, path_group, read_book
from fanout.calendar import is_business_day
from fanout.errors import PortfolioError
from fanout.jsonstream import JsonStream
from fanout.market import market_of
from fanout.position import Position
from fanout.refusals import first_misfit
from fanout.schemas import schema
from fanout.seasoning import called_on, reaches, remaining_dates
from fanout.staging import stage_book

Raw = dict[str, Any]

TODAY = date(2019, 11, 20)
DAYS = [day for day in (TODAY + timedelta(days=n) for n in range(1, 1200)) if is_business_day(day)]
NAMES = ["SX5E", "SMI", "RTY"]
MARKET = market_of(
    {
        "schema": "stepbatch/market/1",
        "valuationDate": f"{TODAY}",
        "curves": {"EUR": {"zeroRates": [["2026-11-20", 0.01]]}},
        "underlyings": {
            name: {"currency": "EUR", "spot": 100.0, "model": "gbm", "volatility": {"type": "flat", "value": 0.2}}
            for name in NAMES
        },
        "correlations": [{"pair": list(pair), "value": 0.5} for pair in pairwise([*NAMES, NAMES[0]])],
    }
)
NOTE: Raw = {
    "notional": 1,
    "currency": "EUR",
    "underlyings": [{"name": "SX5E", "strike": 1.0}],
    "schedule": [{"date": "2019-11-21"}],
    "memory": False,
    "protectionBarrier": 1.0,
}
amounts = st.one_of(st.integers(1, 10**15), st.floats(1e-6, 1e15))
barriers = st.floats(0.01, 10)
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@st.composite
def observations(draw: st.DrawFn) -> list[Raw]:
    rows = []
    for day in sorted(draw(st.sets(st.sampled_from(DAYS), min_size=1, max_size=6))):
        coupon = draw(st.none() | barriers)
        autocall = draw(st.none() | st.floats(coupon or 0.01, 10))
        row = {"date": f"{day}", "autocallBarrier": autocall, "couponBarrier": coupon}
        rows.append({key: value for key, value in row.items() if value is not None or draw(st.booleans())})
    return rows


@st.composite
def notes(draw: st.DrawFn) -> Raw:
    names = draw(st.sets(st.sampled_from(NAMES), min_size=1))
    required = {
        "id": draw(texts),
        "notional": draw(amounts),
        "currency": "EUR",
        "underlyings": [
            {"name": name, "strike": draw(st.floats(0.01, 1e9))} for name in draw(st.permutations(sorted(names)))
        ],
        "schedule": draw(observations()),
        "coupon": draw(st.floats(0, 1)),
        "memory": draw(st.booleans()),
        "protectionBarrier": draw(barriers),
    }
    monitoring = draw(st.sampled_from(["maturity", "continuous"] if len(names) == 1 else ["maturity"]))
    optional = {
        "side": st.sampled_from(["long", "short"]),
        "knockedIn": st.none() | (st.booleans() if monitoring == "continuous" else st.just(value=False)),
        "settlementDays": st.integers(0, 10),
    }
    if monitoring == "continuous" or draw(st.booleans()):
        required["protectionMonitoring"] = monitoring
    return required | draw(st.fixed_dictionaries({}, optional=optional))


workshop_notes = st.fixed_dictionaries(
    {"notional": amounts, "strike": st.floats(0.01, 1e9), "barrier": st.floats(0.8, 10)}
)


@st.composite
def books(draw: st.DrawFn, most: int = 12) -> list[Raw]:
    """Positions with ids of their own; some are copies of another, held the other way."""
    positions = draw(st.lists(notes(), min_size=1, max_size=most // 2))
    copies = draw(st.lists(st.sampled_from(positions), max_size=most // 2))
    held = draw(st.permutations([*positions, *copies]))
    return [raw | {"id": f"{number}", "notional": number + 1} for number, raw in enumerate(held)]


def document(positions: list[Raw]) -> bytes:
    return json.dumps({"name": "desk", "positions": positions}).encode()


@given(raw=notes() | workshop_notes, index=st.integers(0, 10**6))
def test_an_accepted_position_survives_its_line_and_is_accepted_again(raw: Raw, index: int) -> None:
    position = parse_position(raw, index)
    line = encode_position(position)
    assert decode_position(line) == position
    written = json.loads(line)
    assert written.pop("index", -1) == index
    assert parse_position(written, index) == position
    assert encode_position(parse_position(written, index)) == line


@given(raw=notes() | workshop_notes)
def test_what_is_accepted_agrees_with_the_published_schema(raw: Raw) -> None:
    parse_position(raw, 0)
    SCHEMA.validate({"positions": [raw]})


SCHEMA = Draft202012Validator(schema("book"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["2020-11-20", "long", 0, 1, 10, 366, 1e15]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(raw=notes(), data=st.data())
def test_the_words_of_a_refusal_are_found_exactly_when_the_compiled_check_refuses(
    raw: Raw, data: st.DataObject
) -> None:
    place: Any = raw
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(range(len(place)) if isinstance(place, list) else sorted(place)))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(values)
            break
        place = place[key]
    try:
        msgspec.convert(raw, Position)
    except msgspec.ValidationError:
        assert first_misfit(raw, Position, "") is not None
    else:
        assert first_misfit(raw, Position, "") is None


@given(raw=values)
def test_whatever_stands_in_a_book_is_a_position_or_refused_by_its_place(raw: Any) -> None:
    try:
        place = f"positions[{parse_position(raw, 7).index}]"
    except PortfolioError as error:
        place = error.where
    assert place.startswith("positions[7]")


class Pieces:
    """A stream that is read in pieces of given sizes, over and over."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes, self._reads = BytesIO(data), sizes, 0

    def read(self, size: int, /) -> bytes:
        self._reads += 1
        return self._data.read(min(size, self._sizes[self._reads % len(self._sizes)]))


@given(positions=books(), sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5))
@settings(deadline=None)  # the first example warms the caches
def test_a_book_reads_the_same_in_pieces_of_any_size(positions: list[Raw], sizes: list[int]) -> None:
    whole = [parse_position(raw, index) for index, raw in enumerate(positions)]
    assert list(read_book(Pieces(document(positions), sizes))) == whole


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    elements=st.lists(plain.map(lambda value: {"id": value, "x": value}) | plain, max_size=12),
    sizes=st.lists(st.integers(1, 2000), min_size=1, max_size=3),
    ascii_only=st.booleans(),
    indent=st.none() | st.integers(0, 2),
)
def test_any_list_streams_as_the_standard_library_reads_it(
    elements: list[Any], sizes: list[int], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(elements, ensure_ascii=ascii_only, indent=indent)
    assert list(JsonStream(Pieces(text.encode(), sizes), PortfolioError, "book").elements()) == json.loads(text)


@given(positions=books(most=20))
@example([NOTE | {"id": f"{number}", "coupon": coupon} for number, coupon in enumerate((0.1, 0.2, 0.1))])
@settings(max_examples=60, deadline=None)  # it writes files
def test_staging_sorts_the_lines_by_group_and_loses_none(positions: list[Raw]) -> None:
    given_order = [parse_position(raw, index) for index, raw in enumerate(positions)]
    first = {terms(position): position.index for position in reversed(given_order)}  # of each trade
    with tempfile.TemporaryDirectory() as directory:
        book = stage_book(BytesIO(document(positions)), MARKET, Path(directory))
        lines = book.lines.read_bytes()
        offsets = unpack(f"<{book.count + 1}Q", book.offsets.read_bytes())
    staged = [decode_position(lines[start:stop]) for start, stop in pairwise(offsets)]
    assert staged == sorted(given_order, key=lambda each: (*paths(each), first[terms(each)], each.index))
    assert all(lines[stop - 1 : stop] == b"\n" for stop in offsets[1:])
    expected = [(key, list(members)) for key, members in groupby(staged, lambda each: path_group(each, MARKET))]
    assert [(group.key, group.size, group.distinct) for group in book.groups] == [
        (key, len(members), len({terms(member) for member in members})) for key, members in expected
    ]
    for group, (_, members) in zip(book.groups, expected, strict=True):
        assert group.dates == remaining_dates(members[0], TODAY)
        assert group.underlyings == tuple(each.name for each in members[0].underlyings)


def paths(position: Position) -> tuple[list[str], tuple[date, ...]]:
    return [each.name for each in position.underlyings], remaining_dates(position, TODAY)


def terms(position: Position) -> bytes:
    return encode_position(msgspec.structs.replace(position, id="", index=0, notional=1.0, side="long"))


numbers = st.decimals(min_value="0.01", max_value="99999", places=4, allow_nan=False).map(float)


@given(strike=numbers, barrier=numbers, level=numbers, on=st.booleans())
def test_a_barrier_is_reached_as_the_written_decimals_say(
    strike: float, barrier: float, level: float, on: bool
) -> None:
    exact = Fraction(repr(strike)) * Fraction(repr(barrier))
    if on and Fraction(repr(float(exact))) == exact:
        level = float(exact)
    assert reaches(level, strike, barrier) == (Fraction(repr(level)) >= exact)


@given(levels=st.lists(st.sampled_from([70.0, 95.0, 100.0, 105.0]), min_size=4, max_size=4), today=st.integers(-1, 4))
def test_a_note_is_called_on_the_first_past_date_that_reached_its_barrier(levels: list[float], today: int) -> None:
    dates = [date(2020, 11, 20), date(2021, 11, 22), date(2022, 11, 21), date(2023, 11, 20)]
    barriers = [None, 1.0, 0.95, 0.8]
    raw = {
        "id": "N", "notional": 1, "currency": "EUR", "coupon": 0.05, "memory": True, "protectionBarrier": 0.6,
        "underlyings": [{"name": "SMI", "strike": 100}],
        "schedule": [{"date": f"{d}", "autocallBarrier": b} for d, b in zip(dates, barriers, strict=True)],
        "fixings": {f"{day}": {"SMI": level} for day, level in zip(dates, levels, strict=True)},
    }  # fmt: skip
    position = parse_position(raw, 0)
    valuation = dates[min(today, 3)] if today >= 0 else TODAY
    past = [n for n in range(3) if dates[n] <= valuation and barriers[n] and levels[n] >= 100 * (barriers[n] or 0)]
    called = dates[past[0]] if past else None
    assert called_on(position, valuation) == called
    assert remaining_dates(position, valuation) == tuple(day for day in dates if day > valuation and not called)
