"""Statistics of a stream of records, CSV or one JSON object a line; memory grows with columns and numbers only."""

import csv
import gzip
import io
import math
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import msgspec
import zstandard

from fanout.itemresults import Column
from worker.objectformat import Format, UnreadableError

MOST_COLUMNS = 2_000
LONGEST_LINE = 16 << 20  # bytes
ZSTD_READ = 1 << 10  # bytes: the library hands out all that they hold, up to 32 MiB of zeros

JSON_PROBLEMS = {"Input data was truncated": "it ends in the middle, or holds half of a surrogate pair"}


@dataclass(slots=True)
class Tally:
    """One column so far."""

    name: str
    values: int = 0
    numbers: array[float] = field(default_factory=lambda: array("d"))

    def add(self, value: object) -> None:
        if value is None or value == "":
            return
        self.values += 1
        number = number_of(value)
        if number is not None:
            self.numbers.append(number)

    def column(self, records: int) -> Column:
        count = len(self.numbers)
        mean, deviation = moments(self.numbers) if count else (None, None)
        return Column(
            name=self.name,
            values=self.values,
            missing=records - self.values,
            numbers=count,
            minimum=min(self.numbers, default=None),
            maximum=max(self.numbers, default=None),
            mean=mean,
            deviation=deviation,
        )


@dataclass(slots=True)
class Table:
    """What was read of an object."""

    records: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)

    def tally(self, name: str) -> Tally:
        found = self.tallies.get(name)
        if found is None:
            if len(self.tallies) >= MOST_COLUMNS:
                raise UnreadableError(f"record {self.records + 1}: more than {MOST_COLUMNS} columns")
            found = self.tallies[name] = Tally(name)
        return found

    def columns(self) -> tuple[Column, ...]:
        return tuple(tally.column(self.records) for tally in self.tallies.values())


def moments(numbers: "array[float]") -> tuple[float, float]:
    """Mean and standard deviation; of numbers so large that their sum or squares are none, scaled."""
    count = len(numbers)
    try:
        mean = math.fsum(numbers) / count
        return mean, math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / count)
    except OverflowError:
        largest = max(map(abs, numbers))
        mean, deviation = moments(array("d", (number / largest for number in numbers)))
        return mean * largest, deviation * largest


def number_of(value: object) -> float | None:
    """The value as a finite number, or None if it is none; text is read as CSV has it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not value.strip("0123456789+-.eE "):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, str):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def read_table(stream: BinaryIO, form: Format) -> Table:
    """Reads an object to its end. Raises UnreadableError with the line that is wrong."""
    table = Table()
    try:
        _read(decompressed(stream, form), form, table)
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise UnreadableError(
            f"after record {table.records}: its {form.compression} data are damaged: {error}"
        ) from error
    if table.records == 0:
        raise UnreadableError("it holds no record")
    return table


def check_beginning(head: bytes, form: Format) -> None:
    """Reads the lines that lie whole in the decompressed beginning of an object. Raises UnreadableError."""
    lines = head[: head.rfind(b"\n") + 1]
    if lines:
        _read(io.BytesIO(lines), form, Table(), cut=True)


def _read(plain: BinaryIO, form: Format, table: Table, *, cut: bool = False) -> None:
    text = io.TextIOWrapper(plain, encoding="utf-8-sig", newline="")
    try:
        if form.content == "csv":
            _read_csv(_lines(text), table, cut=cut)
        else:
            _read_jsonl(_lines(text), table)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"after record {table.records}: it is not UTF-8: {error.reason}") from error


def decompressed(stream: BinaryIO, form: Format) -> BinaryIO:
    if form.compression == "gzip":
        return cast("BinaryIO", gzip.GzipFile(fileobj=stream))
    if form.compression == "zstd":
        return io.BufferedReader(_WholeZstd(stream))
    return stream


class _WholeZstd(io.RawIOBase):
    """A zstd stream of any number of frames that, unlike the library's reader, notices when the last one is cut."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = memoryview(b"")
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        while not self._ready:
            chunk = self._frame.unused_data if self._frame.eof else self._stream.read(ZSTD_READ)
            if self._frame.eof:
                chunk = chunk or self._stream.read(ZSTD_READ)
                self._frame, self._begun = zstandard.ZstdDecompressor().decompressobj(), False
            if not chunk:
                if self._begun:
                    raise EOFError("it ends before its end-of-frame marker")
                return 0
            self._begun = True
            self._ready = memoryview(self._frame.decompress(chunk))
        taken, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE and not line.endswith("\n"):
            raise UnreadableError(f"line {number}: longer than {LONGEST_LINE >> 20} MiB")
        yield line


def _read_csv(lines: Iterator[str], table: Table, *, cut: bool) -> None:
    """``cut``: the last record may go on beyond what is there, in a quoted field with line breaks."""
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, None)
        if not header or "" in header or len(set(header)) < len(header):
            raise UnreadableError(f"line 1: the header {header} does not name every column once")
        tallies = [table.tally(name) for name in header]
        for row in reader:
            if not row:
                continue
            if len(row) != len(tallies):
                raise UnreadableError(f"line {reader.line_num}: {len(row)} fields under {len(tallies)} columns")
            for tally, value in zip(tallies, row, strict=True):
                tally.add(value)
            table.records += 1
    except csv.Error as error:
        if cut and "unexpected end of data" in str(error):
            return
        raise UnreadableError(f"line {reader.line_num}: {error}") from error


def _read_jsonl(lines: Iterator[str], table: Table) -> None:
    decode = msgspec.json.Decoder(dict[str, object]).decode
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = decode(line)
        except msgspec.DecodeError as error:
            raise UnreadableError(f"line {number}: {JSON_PROBLEMS.get(str(error), error)}") from error
        except RecursionError:
            raise UnreadableError(f"line {number}: it is nested too deeply") from None
        for name, value in record.items():
            table.tally(name).add(value)
        table.records += 1
