"""JobB: reads the objects of one slice to their end: SHA-256, records, columns."""

import hashlib
import io
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import IO, Any, BinaryIO, cast

import msgspec

from fanout.errors import PlanError, UriError
from fanout.itemresults import ItemStatistics, Rejected, SliceProfiles, SliceStatistics
from fanout.items import Item, Places
from fanout.s3 import Objects, S3Uri
from fanout.seal import Sealed, sealed, unsealed
from worker.objectformat import UnreadableError, format_of
from worker.services import services
from worker.tabular import Table, read_table
from worker.validate import open_item, read_validation, refuse_empty

LOOK_AHEAD = 8  # bytes that tell the compression
WORTH_A_PROCESS = 16 << 20  # bytes of objects: less is read sooner than processes are started
READS_AT_ONCE = 4  # while one is parsed, others are on their way
IN_MEMORY = 8 << 20  # bytes of columns; more are spooled to disk


class HashedStream(io.RawIOBase):
    """An object's body that is hashed as it is read."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._hash = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._body.read(len(buffer))
        self._hash.update(chunk)
        self.size += len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def hexdigest(self) -> str:
        """Of the whole object: what the reader left is read first."""
        while self.readinto(memoryview(bytearray(1 << 16))):
            pass
        return self._hash.hexdigest()


@dataclass(slots=True)
class Read:
    """One object, read."""

    statistics: ItemStatistics
    numbers: list[bytes] = field(default_factory=list)  # of each column, little-endian float64


def slice_statistics(
    objects: Objects, places: Places, bucket: str, items: Sequence[Item], index: int, *, resume: bool
) -> str:
    """Writes the columns of the slice, then its statistics; does nothing if both stand, or statistics and profiles."""
    if resume and _stands(objects, places, index):
        return "stands"
    unreadable: list[tuple[Item, str]] = []
    done: list[ItemStatistics] = []
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as columns:
        for item, found in zip(items, _read_all(objects, bucket, items), strict=True):
            if isinstance(found, str):
                unreadable.append((item, found))
                continue
            done.append(found.statistics)
            for numbers in found.numbers:
                columns.write(numbers)
        rejected = _rejected(objects, places, unreadable) if unreadable else ()
        size = columns.tell()
        columns.seek(0)
        if size > IN_MEMORY:
            objects.client.upload_fileobj(cast("IO[bytes]", columns), places.output.bucket, places.columns(index).key)
        elif size:
            objects.put(places.columns(index), columns.read(), content_type="application/octet-stream")
    result = SliceStatistics(
        plan_hash=places.plan_hash,
        slice=index,
        start=items[0].item,
        stop=items[-1].item + 1,
        items=tuple(done),
        rejected=rejected,
        column_bytes=size,
    )
    objects.put(places.statistics(index), sealed(result))
    return f"read {len(done)} objects, {sum(each.records for each in done)} records; {len(rejected)} rejected"


def read_item(objects: Objects, bucket: str, item: Item) -> Read | str:
    """The object's statistics, or why it cannot be read."""
    try:
        return _read(objects, bucket, item)
    except UnreadableError as error:
        return str(error)


def _read(objects: Objects, bucket: str, item: Item) -> Read:
    refuse_empty(item)
    answer = open_item(objects, bucket, item)
    stream = HashedStream(answer["Body"])
    buffered = io.BufferedReader(stream, 1 << 16)
    head = buffered.peek(LOOK_AHEAD)
    form = format_of(item.key, answer.get("ContentType", ""), answer.get("ContentEncoding", ""), head)
    table = read_table(cast("BinaryIO", buffered), form)
    digest = stream.hexdigest()
    if stream.size != item.size:
        raise OSError(f"{item.key!r}: {stream.size} of {item.size} bytes arrived")
    stated = answer.get("Metadata", {}).get("sha256", digest)
    if stated.lower() != digest:
        raise UnreadableError(f"its SHA-256 is {digest}, its metadata says {stated}")
    return Read(_statistics(item, digest, str(form), table), _numbers(table))


def _statistics(item: Item, digest: str, form: str, table: Table) -> ItemStatistics:
    return ItemStatistics(
        item=item.item,
        key=item.key,
        size=item.size,
        etag=item.etag,
        sha256=digest,
        format=form,
        records=table.records,
        columns=table.columns(),
    )


def _numbers(table: Table) -> list[bytes]:
    return [tally.numbers.tobytes() for tally in table.tallies.values()]


def _read_all(objects: Objects, bucket: str, items: Sequence[Item]) -> Any:
    """Every item's result in order, on as many processors as there are where that is worth it."""
    processors = os.process_cpu_count() or 1
    if len(items) < 2:
        return (read_item(objects, bucket, item) for item in items)
    if sum(item.size for item in items) < WORTH_A_PROCESS:
        return _read_ahead(objects, bucket, items)
    if processors < 2:
        return (read_item(objects, bucket, item) for item in items)
    return _read_side_by_side(bucket, items, min(processors, len(items)))


def _read_ahead(objects: Objects, bucket: str, items: Sequence[Item]) -> Any:
    """A few objects at a time: however far they expand, no more than these are held."""
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        for portion in batched(items, READS_AT_ONCE, strict=False):
            yield from pool.map(partial(read_item, objects, bucket), portion)


def _read_side_by_side(bucket: str, items: Sequence[Item], processors: int) -> Any:
    with ProcessPoolExecutor(processors, initializer=services.forget) as pool:
        chunk = max(1, math.ceil(len(items) / (4 * processors)))
        yield from pool.map(partial(_read_alone, bucket), items, chunksize=chunk)


def _read_alone(bucket: str, item: Item) -> Read | str:
    return read_item(services.objects, bucket, item)


def _rejected(objects: Objects, places: Places, unreadable: Iterable[tuple[Item, str]]) -> tuple[Rejected, ...]:
    """JobA's words about them: the run goes on without. Raises PlanError naming every object that JobA accepted."""
    report = read_validation(objects, places)
    known = {each.item: each for each in report.rejected} if report else {}
    if news := [
        f"object {item.key!r} cannot be read: {reason}" for item, reason in unreadable if item.item not in known
    ]:
        raise PlanError("\n".join(news))
    return tuple(known[item.item] for item, _ in unreadable)


def _stands(objects: Objects, places: Places, index: int) -> bool:
    """Whether the slice's statistics are whole, and what is made from them too, or can be made."""
    statistics = _whole(objects, places.statistics(index), SliceStatistics)
    if statistics is None:
        return False
    if _whole(objects, places.profiles(index), SliceProfiles) is not None:
        return True
    return statistics.column_bytes == 0 or objects.find(places.columns(index)) is not None


def _whole[T: Sealed](objects: Objects, uri: S3Uri, kind: type[T]) -> T | None:
    """None if there is none that is as it was written."""
    try:
        return unsealed(objects.get(uri), kind)
    except (UriError, msgspec.DecodeError):
        return None
