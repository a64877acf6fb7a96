"""Records and columns of a stream, worked by hand; damage is told with its line."""

import gzip
import io
import math
import tracemalloc
from typing import Any

import pytest
import zstandard

from fanout.itemresults import Column
from worker.objectformat import Format, UnreadableError, first_bytes
from worker.tabular import Table, check_beginning, decompressed, number_of, read_table

CSV, JSONL = Format("csv", None), Format("jsonl", None)
BY_HAND = b'station,value,note\nA,1,\nB,2.5,"x, ""y"""\r\nC,-0.5,"two\nlines"\n\n'


def table_of(content: bytes, form: Format) -> Table:
    return read_table(io.BytesIO(content), form)


def column(table: Table, name: str) -> Column:
    return next(each for each in table.columns() if each.name == name)


def test_the_columns_of_a_csv_file_are_those_of_its_header() -> None:
    table = table_of(BY_HAND, CSV)
    assert table.records == 3
    assert [each.name for each in table.columns()] == ["station", "value", "note"]
    assert column(table, "value") == Column(
        name="value",
        values=3,
        missing=0,
        numbers=3,
        minimum=-0.5,
        maximum=2.5,
        mean=1.0,
        deviation=math.sqrt((0 + 2.25 + 2.25) / 3),
    )
    assert (column(table, "note").values, column(table, "note").missing) == (2, 1)
    assert column(table, "station").mean is None


def test_the_keys_of_json_records_may_differ_from_line_to_line() -> None:
    table = table_of(b'{"a": 1, "b": "x"}\n\n{"a": 3, "c": null, "d": true}\n', JSONL)
    assert table.records == 2
    assert (column(table, "a").mean, column(table, "b").missing, column(table, "c").values) == (2.0, 1, 0)
    assert (column(table, "d").values, column(table, "d").numbers) == (1, 0)


@pytest.mark.parametrize("frames", [1, 3])
def test_compressed_streams_read_as_plain_ones(frames: int) -> None:
    parts = [BY_HAND[k * len(BY_HAND) // frames : (k + 1) * len(BY_HAND) // frames] for k in range(frames)]
    plain = table_of(BY_HAND, CSV).columns()
    assert table_of(b"".join(map(gzip.compress, parts)), Format("csv", "gzip")).columns() == plain
    assert table_of(b"".join(map(zstandard.compress, parts)), Format("csv", "zstd")).columns() == plain


DAMAGED = [
    (b"", CSV, "does not name every column"),
    (b"a,b\n", CSV, "it holds no record"),
    (b"a,a\n1,2\n", CSV, "line 1: the header"),
    (b"a,\n1,2\n", CSV, "line 1: the header"),
    (b"a,b\n1,2\n1\n", CSV, "line 3: 1 fields under 2 columns"),
    (b'a,b\n1,"2\n', CSV, "unexpected end of data"),
    (b"a,b\n1,\xff\n", CSV, "it is not UTF-8"),
    (b"", JSONL, "it holds no record"),
    (b'{"a": 1}\n{"a": \n', JSONL, "line 2:"),
    (b"[1]\n", JSONL, "line 1: Expected `object`"),
    (b'{"a": 1} {"a": 2}\n', JSONL, "line 1:"),
    (gzip.compress(BY_HAND)[:-4], Format("csv", "gzip"), "gzip data are damaged"),
    (gzip.compress(BY_HAND)[:-8] + b"\0" * 8, Format("csv", "gzip"), "gzip data are damaged"),
    (gzip.compress(BY_HAND) + b"rubbish", Format("csv", "gzip"), "gzip data are damaged"),
    (zstandard.compress(BY_HAND)[:-1], Format("csv", "zstd"), "zstd data are damaged"),
    (zstandard.compress(BY_HAND * 99)[:-9], Format("csv", "zstd"), "zstd data are damaged"),
    (zstandard.compress(BY_HAND) + b"rubbish", Format("csv", "zstd"), "zstd data are damaged"),
]


@pytest.mark.parametrize(("content", "form", "reason"), DAMAGED)
def test_a_damaged_object_is_refused_with_its_place(content: bytes, form: Format, reason: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        table_of(content, form)
    assert reason in str(refused.value)


NUMBERS: list[tuple[object, float | None]] = [
    ("1", 1.0),
    (" -2.5e3 ", -2500.0),
    ("+7", 7.0),
    (3, 3.0),
    (0.5, 0.5),
    ("1_000", None),
    ("0x10", None),
    ("1,5", None),
    ("nan", None),
    ("inf", None),
    ("1e999", None),
    ("e", None),
    ("", None),
    (True, None),
    (10**400, None),
    ([1], None),
]


@pytest.mark.parametrize(("value", "number"), NUMBERS)
def test_only_finite_decimal_numbers_are_numbers(value: object, number: float | None) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize("length", range(1, len(BY_HAND)))
def test_a_beginning_that_is_cut_anywhere_is_no_damage(length: int) -> None:
    check_beginning(BY_HAND[:length], CSV)


def test_damage_in_the_beginning_is_seen() -> None:
    with pytest.raises(UnreadableError, match="line 2: 1 fields under 2 columns"):
        check_beginning(b"a,b\n1\n2,3\n4", CSV)


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert table_of(b"\xef\xbb\xbfa,b\n1,2\n", CSV).columns()[0].name == "a"


def test_a_table_with_too_many_columns_is_refused() -> None:
    header = ",".join(f"c{k}" for k in range(2_001)).encode()
    with pytest.raises(UnreadableError, match="more than 2000 columns"):
        table_of(header + b"\n", CSV)


@pytest.mark.parametrize(
    ("numbers", "mean", "deviation"),
    [("1e308\n1e308", 1e308, 0.0), ("1e200\n-1e200", 0.0, 1e200), ("1.7e308\n-1.7e308", 0.0, 1.7e308)],
)
def test_numbers_whose_sum_or_squares_are_none_have_a_mean_and_a_deviation(
    numbers: str, mean: float, deviation: float
) -> None:
    found = column(table_of(f"a\n{numbers}\n".encode(), CSV), "a")
    assert found.mean == pytest.approx(mean)
    assert found.deviation == pytest.approx(deviation)


def test_a_record_nested_too_deeply_is_told_with_its_line() -> None:
    with pytest.raises(UnreadableError, match="line 1: it is nested too deeply"):
        table_of(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", JSONL)


def test_half_of_a_surrogate_pair_is_told_as_such() -> None:
    with pytest.raises(UnreadableError, match="line 1: it ends in the middle, or holds half of a surr"):
        table_of(b'{"a":"\\ud800"}\n', JSONL)


@pytest.mark.parametrize(("form", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_however_far_an_object_expands_little_of_it_is_held_at_a_time(form: str, compress: Any) -> None:
    bomb = compress(bytes(200 << 20))
    assert len(bomb) < 1 << 20
    assert first_bytes(bomb, Format("csv", form)) == bytes(1 << 20)
    tracemalloc.start()
    try:
        stream = decompressed(io.BytesIO(bomb), Format("csv", form))
        for _ in range(20):
            assert stream.read(1 << 16)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
