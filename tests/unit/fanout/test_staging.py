"""A staged book: lines in the order of their groups, an index of their places, and nothing when it is refused."""

import json
import struct
import tracemalloc
from datetime import date
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fanout import jsonstream, staging
from fanout.book import decode_position, path_group
from fanout.errors import PortfolioError
from fanout.market import Market, bundled_market
from fanout.staging import stage_book

WORKSHOP = Path(__file__).parents[3] / "examples/montecarlo/workshop_portfolio.json"


@pytest.fixture
def market() -> Market:
    return bundled_market()


def test_the_workshops_book_is_48_positions_of_8_trades_in_one_group(market: Market, tmp_path: Path) -> None:
    with WORKSHOP.open("rb") as stream:
        book = stage_book(stream, market, tmp_path)
    assert (book.name, book.count) == ("autocallable", 48)
    assert [(group.size, group.distinct, group.model) for group in book.groups] == [(48, 8, "heston")]
    assert book.sha256 == sha256(WORKSHOP.read_bytes()).hexdigest()


def test_each_offset_is_where_its_line_begins(market: Market, tmp_path: Path) -> None:
    with WORKSHOP.open("rb") as stream:
        book = stage_book(stream, market, tmp_path)
    lines = book.lines.read_bytes()
    offsets = struct.unpack("<49Q", book.offsets.read_bytes())
    indices = [decode_position(lines[start:stop]).index for start, stop in pairwise(offsets)]
    assert sorted(indices) == list(range(48))
    assert offsets[-1] == len(lines)


def test_a_refused_book_leaves_nothing_behind(market: Market, tmp_path: Path) -> None:
    raw: dict[str, Any] = json.loads(WORKSHOP.read_bytes())
    raw["positions"][47]["barrier"] = -0.2
    with pytest.raises(PortfolioError, match=r"^positions\[47\]\.barrier: -0\.2 is not above 0$"):
        stage_book(BytesIO(json.dumps(raw).encode()), market, tmp_path)
    assert list(tmp_path.iterdir()) == []


def book_of(*positions: dict[str, Any]) -> BytesIO:
    return BytesIO(json.dumps({"positions": list(positions)}).encode())


def full(name: str, dates: list[str], **terms: Any) -> dict[str, Any]:
    return {
        "id": name,
        "notional": 1_000_000,
        "currency": "EUR",
        "underlyings": [{"name": "SX5E", "strike": 3500.0}],
        "schedule": [{"date": day, "couponBarrier": 0.8} for day in dates],
        "coupon": 0.05,
        "memory": True,
        "protectionBarrier": 0.6,
    } | terms


LONG, SHORT = ["2020-11-20", "2021-11-22"], ["2020-11-20"]


def test_lines_are_sorted_by_group_and_keep_the_books_order_within(market: Market, tmp_path: Path) -> None:
    stream = book_of(full("a", LONG), full("b", SHORT), full("c", LONG), full("d", SHORT), full("e", LONG))
    book = stage_book(stream, market, tmp_path)
    staged = [decode_position(line) for line in book.lines.read_bytes().splitlines()]
    assert [(position.index, position.id) for position in staged] == [(1, "b"), (3, "d"), (0, "a"), (2, "c"), (4, "e")]
    assert [(group.size, [f"{day}" for day in group.dates]) for group in book.groups] == [(2, SHORT), (3, LONG)]
    assert [group.key for group in book.groups] == [path_group(staged[0], market), path_group(staged[2], market)]


def test_the_positions_of_a_trade_are_neighbours_in_the_order_in_which_the_book_begins_them(
    market: Market, tmp_path: Path
) -> None:
    dearer = {"coupon": 0.06}
    held = [full("a", LONG), full("b", LONG, **dearer), full("c", SHORT), full("d", LONG, side="short")]
    held += [full("e", LONG, coupon=0.01), full("f", LONG, **dearer), full("g", LONG, notional=7)]
    book = stage_book(book_of(*held), market, tmp_path)
    lines, offsets = book.lines.read_bytes(), struct.unpack("<8Q", book.offsets.read_bytes())
    assert [decode_position(lines[start:stop]).id for start, stop in pairwise(offsets)] == list("cadgbfe")
    assert [(group.size, group.distinct) for group in book.groups] == [(1, 1), (6, 3)]


def test_positions_that_differ_in_id_side_and_notional_are_one_trade(market: Market, tmp_path: Path) -> None:
    held = [full("a", LONG), full("b", LONG, side="short", notional=7), full("c", LONG, coupon=0.06)]
    assert [group.distinct for group in stage_book(book_of(*held), market, tmp_path).groups] == [2]


def test_a_trade_is_known_by_its_terms_though_its_id_looks_like_them(market: Market, tmp_path: Path) -> None:
    held = [full('x","currency":"EUR', LONG), full("b", LONG)]
    assert [group.distinct for group in stage_book(book_of(*held), market, tmp_path).groups] == [1]


def test_a_seasoned_note_shares_the_paths_of_a_new_one_with_its_remaining_dates(tmp_path: Path) -> None:
    later = msgspec.structs.replace(bundled_market(), valuation_date=date(2020, 11, 20))
    fixings = {"2020-11-20": {"SX5E": 3000.0}}
    stream = book_of(
        full("seasoned", LONG, fixings=fixings), full("new", LONG[1:]), full("over", SHORT, fixings=fixings)
    )
    groups = stage_book(stream, later, tmp_path).groups
    assert [(group.size, [f"{day}" for day in group.dates]) for group in groups] == [(1, []), (2, LONG[1:])]


def test_a_disk_that_fails_leaves_nothing_under_any_name(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(staging, "copy", full_disk)
    with pytest.raises(OSError, match="no space left"):
        stage_book(book_of(full("a", LONG)), market, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_id_used_twice_names_both_places_and_leaves_nothing(market: Market, tmp_path: Path) -> None:
    with pytest.raises(PortfolioError) as refusal:
        stage_book(book_of(full("a", LONG), full("b", SHORT), full("a", SHORT)), market, tmp_path)
    assert str(refusal.value) == "positions[2].id: 'a' is the id of positions[0] already"
    assert list(tmp_path.iterdir()) == []


def test_ids_whose_hashes_agree_are_compared_themselves(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "hash", lambda _: 7, raising=False)
    assert stage_book(book_of(full("a", LONG), full("b", LONG)), market, tmp_path).count == 2
    with pytest.raises(PortfolioError, match=r"^positions\[2\]\.id: 'b' is the id of positions\[1\] already$"):
        stage_book(book_of(full("a", LONG), full("b", LONG), full("b", SHORT)), market, tmp_path)


def test_a_book_that_does_not_fit_its_market_is_refused_and_leaves_nothing(market: Market, tmp_path: Path) -> None:
    with pytest.raises(PortfolioError, match=r"^positions\[1\]\.currency: the market has no curve for 'USD'"):
        stage_book(book_of(full("a", LONG), full("b", LONG, currency="USD")), market, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_text(market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "PIECE", 1 << 14)
    monkeypatch.setattr(staging, "BUFFER", 1 << 14)

    def peak(count: int) -> int:
        stream = book_of(*(full(f"{number}", LONG) for number in range(count)))
        tracemalloc.start()
        stage_book(stream, market, tmp_path)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    few, many = peak(500), peak(3_500)
    assert (many - few) / 3_000 < 150  # bytes a position, whose text is 270
