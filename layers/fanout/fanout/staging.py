"""A book made ready for its children: normalised lines in the order of path groups, and where each line lies.

Memory is a few tens of bytes a position, whatever the positions hold: the lines go to a file as they are read and are
copied from it, group by group, into their final order.
"""

import hashlib
import os
import sys
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise
from operator import sub
from pathlib import Path
from typing import BinaryIO

from fanout.book import decode_position, encode_position, read_book, repeated_id
from fanout.jsonstream import Readable
from fanout.market import Market
from fanout.position import Position
from fanout.positionmarket import check_position, group_text, remaining_dates
from fanout.volatility import Model

LINES = "positions.jsonl"
OFFSETS = "positions.offsets"
OFFSET_BYTES = 8  # little-endian, unsigned
BUFFER = 1 << 20  # bytes
TERMS = b',"currency":'  # what follows it in a line is the trade itself, without id, index, side and notional


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedGroup:
    """Positions that share a path set; adjacent in ``positions.jsonl``."""

    underlyings: tuple[str, ...]
    models: tuple[Model, ...]  # of the underlyings
    dates: tuple[date, ...]  # remaining observations
    size: int  # positions
    distinct: int  # trades: positions that differ in more than id, side and notional

    @property
    def key(self) -> str:
        """As ``fanout.book.path_group`` names it."""
        return group_text(zip(self.underlyings, self.models, strict=True), self.dates)

    @property
    def model(self) -> Model:
        """The costliest of the models."""
        return "heston" if "heston" in self.models else "gbm"


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedBook:
    """What staging left in its directory."""

    name: str
    lines: Path
    offsets: Path
    count: int
    sha256: str  # of the book as the user gave it
    groups: list[StagedGroup]  # in the order of the lines


def stage_book(stream: Readable, market: Market, directory: Path) -> StagedBook:
    """Reads, checks and normalises a book; writes ``positions.jsonl`` and ``positions.offsets`` into ``directory``.

    Needs room there for the lines twice. Raises PortfolioError for the first position that is wrong, by itself or
    against ``market``; then nothing is left in ``directory``.
    """
    source = HashingReader(stream)
    book = read_book(source, unique_ids=False)
    with tempfile.TemporaryFile(dir=directory) as spool:
        ledger = Ledger()
        for position in book:
            check_position(position, market)
            line = encode_position(position)
            ledger.enter(position, line, market)
            spool.write(line + b"\n")
        spool.flush()
        ledger.check_ids(spool)
        order, groups = ledger.grouped(market)
        write_sorted(spool, ledger.ends, order, directory)
    return StagedBook(
        name=book.name,
        lines=directory / LINES,
        offsets=directory / OFFSETS,
        count=len(order),
        sha256=source.hexdigest(),
        groups=groups,
    )


class HashingReader:
    """A binary stream whose bytes are digested on their way."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        return data

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


class Ledger:
    """What is remembered of each position while its line lies in the spool: 28 bytes, and each group once."""

    def __init__(self) -> None:
        self.ends = array("Q", [0])  # line i is bytes [ends[i], ends[i + 1]) of the spool
        self._ids = array("q")  # hashes
        self._trades = array("Q")  # hashes of the trades' terms
        self._numbers = array("I")  # of the groups
        self._groups: dict[tuple[tuple[str, ...], tuple[date, ...]], int] = {}  # underlyings and dates -> number
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}  # groups share equal values, and their memory
        self._days: dict[date, date] = {}

    def enter(self, position: Position, line: bytes, market: Market) -> None:
        terms = line[line.index(TERMS) :]
        self._trades.append(int.from_bytes(hashlib.blake2b(terms, digest_size=8).digest()))
        self._ids.append(hash(position.id))
        names = tuple([each.name for each in position.underlyings])
        dates = remaining_dates(position, market)
        if (number := self._groups.get((names, dates))) is None:
            number = len(self._groups)
            names = self._names.setdefault(names, names)
            self._groups[names, tuple([self._days.setdefault(day, day) for day in dates])] = number
        self._numbers.append(number)
        self.ends.append(self.ends[-1] + len(line) + 1)

    def check_ids(self, spool: BinaryIO) -> None:
        """Raises PortfolioError if an id is used twice; where hashes agree, the ids themselves are compared."""
        ordered = sorted(self._ids)
        suspects = {one for one, other in pairwise(ordered) if one == other}
        if not suspects:
            return
        seen: dict[str, int] = {}
        for index, hashed in enumerate(self._ids):
            if hashed in suspects:
                start, end = self.ends[index], self.ends[index + 1]
                name = decode_position(os.pread(spool.fileno(), end - start, start)).id
                if (other := seen.setdefault(name, index)) != index:
                    raise repeated_id(index, other, name)

    def grouped(self, market: Market) -> tuple[array[int], list[StagedGroup]]:
        """The positions' places in the order of their groups, and the groups.

        Within a group trades follow in the book's order, each with all its positions: a slice prices a trade once, and
        few slices share one.
        """
        keys = list(self._groups)  # by number: a dictionary keeps the order in which it was filled
        ranked = sorted(range(len(keys)), key=keys.__getitem__)
        sizes, ends = array("I", bytes(4 * len(keys))), array("I", bytes(4 * len(keys)))
        for number in self._numbers:
            sizes[number] += 1
        for number, end in zip(ranked, accumulate(sizes[number] for number in ranked), strict=True):
            ends[number] = end
        order, following = array("I", bytes(4 * len(self._numbers))), array("I", map(sub, ends, sizes))
        for index, number in enumerate(self._numbers):
            order[following[number]] = index
            following[number] += 1
        groups = []
        for number in ranked:
            start, end = ends[number] - sizes[number], ends[number]
            distinct = self._bring_together(order, start, end)
            groups.append(staged_group(*keys[number], market, size=end - start, distinct=distinct))
        return order, groups

    def _bring_together(self, order: array[int], start: int, end: int) -> int:
        """Sorts a group's places by the first position of their trade; how many trades there are."""
        members, first = order[start:end], dict[int, int]()
        for index in members:
            first.setdefault(self._trades[index], index)
        if len(first) < len(members):
            order[start:end] = array("I", sorted(members, key=lambda index: first[self._trades[index]]))
        return len(first)


def staged_group(
    names: tuple[str, ...], dates: tuple[date, ...], market: Market, *, size: int, distinct: int
) -> StagedGroup:
    models = tuple([market.underlyings[name].model for name in names])
    return StagedGroup(underlyings=names, models=models, dates=dates, size=size, distinct=distinct)


def write_sorted(spool: BinaryIO, ends: array[int], order: array[int], directory: Path) -> None:
    """Writes the lines and their offsets; under their names only when both are whole."""
    parts = directory / f".{LINES}.part", directory / f".{OFFSETS}.part"
    try:
        with parts[0].open("wb", buffering=BUFFER) as lines:
            for first, stop in runs(order):
                copy(spool.fileno(), ends[first], ends[stop], lines)
        offsets = array("Q", accumulate((ends[index + 1] - ends[index] for index in order), initial=0))
        if sys.byteorder == "big":
            offsets.byteswap()
        parts[1].write_bytes(offsets)
        parts[0].replace(directory / LINES)
        parts[1].replace(directory / OFFSETS)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def runs(order: array[int]) -> Iterator[tuple[int, int]]:
    """The stretches of positions that are neighbours in both orders, as [first, stop)."""
    first = stop = order[0]
    for index in order:
        if index != stop:
            yield first, stop
            first = index
        stop = index + 1
    yield first, stop


def copy(source: int, start: int, stop: int, target: BinaryIO) -> None:
    """Bytes [start, stop) of an open file; its own place is left alone."""
    while start < stop:
        data = os.pread(source, min(BUFFER, stop - start), start)
        if not data:
            raise OSError("the spool is shorter than what was written to it")
        target.write(data)
        start += len(data)
