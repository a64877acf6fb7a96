"""The objects that array-workflow works on: listed, put in order, cut into slices, looked up by a child in one request.

Under a run's output URI::

    plan.json                                the plan; its hash stands for the objects' keys, sizes and ETags
    work/<hash>/items.jsonl                  one object a line, every line equally long       temporary
    work/<hash>/columns/<slice>.f64          the numeric columns that JobB read               temporary
    results/<hash>/validation.json           JobA: which objects were rejected, and why
    results/<hash>/statistics/<slice>.json   JobB
    results/<hash>/profiles/<slice>.json     JobC; written after its items in the table
    results/<hash>/checks/<step>.json        JobD
    summary.json, notification.json          JobE
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec

from fanout.errors import PlanError, RequestError
from fanout.manifest import withdraw_manifest
from fanout.plan import Plan, Source, StagedFile, Work
from fanout.s3 import Objects, ObjectSummary, S3Uri, sha256
from fanout.slicing import MAX_ARRAY_SIZE, MIN_ARRAY_SIZE, Even, even

PIPELINE = "array-workflow"
ITEMS = "items.jsonl"
SUMMARY, NOTIFICATION = "summary.json", "notification.json"
SECONDS_PER_SLICE = 10.0  # of estimated work, where the run is asked to decide
SECONDS_PER_OBJECT, BYTES_PER_SECOND = 0.05, 20e6  # what one object costs, and how fast its content is read


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One object, as it was when the run was planned."""

    item: int  # its place in the order of keys
    key: str
    size: int  # bytes
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a child must know to find its objects: ``items:perSlice:rowBytes`` in the jobs' parameters."""

    items: int
    per_slice: int
    row_bytes: int  # of one line of items.jsonl

    @classmethod
    def parse(cls, text: str) -> Self:
        fields = text.split(":")
        if len(fields) != 3 or not all(field.isdecimal() and int(field) for field in fields):
            raise PlanError(f"{text!r} is not a shape: expected items:perSlice:rowBytes, whole numbers above 0")
        return cls(items=int(fields[0]), per_slice=int(fields[1]), row_bytes=int(fields[2]))

    def __str__(self) -> str:
        return f"{self.items}:{self.per_slice}:{self.row_bytes}"

    @property
    def slices(self) -> int:
        return Even.of(self.items, self.per_slice).slices

    def slice(self, index: int) -> tuple[int, int]:
        """``(start, stop)`` of the child ``index``; empty for a child beyond the last slice."""
        cut = Even.of(self.items, self.per_slice)
        return cut.boundary(min(index, cut.slices)), cut.boundary(min(index + 1, cut.slices))


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files of one plan lie."""

    output: S3Uri
    plan_hash: str

    @property
    def work(self) -> S3Uri:
        return self.output / "work" / self.plan_hash

    @property
    def results(self) -> S3Uri:
        return self.output / "results" / self.plan_hash

    @property
    def items(self) -> S3Uri:
        return self.work / ITEMS

    @property
    def validation(self) -> S3Uri:
        return self.results / "validation.json"

    def columns(self, index: int) -> S3Uri:
        return self.work / "columns" / f"{index:05d}.f64"

    def statistics(self, index: int) -> S3Uri:
        return self.results / "statistics" / f"{index:05d}.json"

    def profiles(self, index: int) -> S3Uri:
        return self.results / "profiles" / f"{index:05d}.json"

    def checks(self, step: int) -> S3Uri:
        return self.results / "checks" / f"{step:02d}.json"


def list_items(objects: Objects, source: S3Uri, output: S3Uri) -> list[Item]:
    """Every object under ``source`` in the order of keys, without folder markers and the run's own output.

    Raises RequestError if there is none, or the source lies inside the output.
    """
    if source.bucket == output.bucket and f"{source.key}/".startswith(f"{output.key}/" if output.key else ""):
        raise RequestError("input.outputUri", f"{output} holds the input {source}: results would be taken for input")
    found = [row for row in objects.list(source) if not _marker(row) and not _inside(row.uri, output)]
    if not found:
        raise RequestError("input.inputUri", f"there is no object under {source}/")
    return [Item(item=place, key=row.uri.key, size=row.size, etag=row.etag) for place, row in enumerate(found)]


def rows(items: Sequence[Item]) -> tuple[bytes, int]:
    """The items one a line, padded to equal length; that length."""
    lines = [msgspec.json.encode(item) for item in items]
    width = max(map(len, lines)) + 1
    return b"".join(line.ljust(width - 1) + b"\n" for line in lines), width


def parse_rows(content: bytes) -> Iterator[Item]:
    """The inverse of ``rows``."""
    for line in content.splitlines():
        yield msgspec.json.decode(line, type=Item)


def per_slice(items: Sequence[Item], asked: int | None) -> int:
    """Objects a child: as asked for, else about ten seconds of work, at least two children where there are two."""
    if asked:
        return asked
    seconds = sum(SECONDS_PER_OBJECT + item.size / BYTES_PER_SECOND for item in items)
    slices = max(MIN_ARRAY_SIZE, min(MAX_ARRAY_SIZE, math.ceil(seconds / SECONDS_PER_SLICE)))
    return math.ceil(len(items) / slices)


def plan_items(items: Sequence[Item], each: int, source: S3Uri) -> tuple[Plan, Shape, bytes]:
    """The plan of a run over ``items``, its shape, and the content of its items file."""
    content, width = rows(items)
    shape = Shape(items=len(items), per_slice=each, row_bytes=width)
    digest = sha256(content)
    work = Work(
        pipeline=PIPELINE,
        inputs={"items": digest},
        slices=even(len(items), each),
        parameters={"shape": str(shape), "bucket": source.bucket},
    )
    staged = StagedFile(etag="", size=len(content), sha256=digest)
    plan = Plan.of(work, sources={"input": Source(uri=str(source), etag="")}, files={ITEMS: staged})
    return plan, shape, content


def read_items(objects: Objects, places: Places, shape: Shape, start: int, stop: int) -> list[Item]:
    """The items ``[start, stop)``: one ranged read. Raises PlanError if they are not there as planned."""
    first, last = start * shape.row_bytes, stop * shape.row_bytes
    if first == last:
        return []
    content = objects.open(places.items, Range=f"bytes={first}-{last - 1}").read()
    try:
        items = list(parse_rows(content))
    except msgspec.DecodeError as error:
        raise PlanError(f"{places.items} does not have lines of {shape.row_bytes} bytes: {error}") from error
    if [item.item for item in items] != list(range(start, stop)):
        raise PlanError(f"{places.items} does not hold items {start} to {stop - 1} at their place")
    return items


def withdraw_conclusions(objects: Objects, places: Places) -> None:
    """Takes back what an execution before this one said of the whole run. The results of slices stand."""
    withdraw_manifest(objects, places.output)
    checks = [row.uri for row in objects.list(places.results / "checks")]  # it may have made them in other steps
    objects.delete(*(places.output / name for name in (SUMMARY, NOTIFICATION)), *checks)


def _marker(row: ObjectSummary) -> bool:
    """What consoles create for an empty folder."""
    return row.uri.key.endswith("/") and row.size == 0


def _inside(uri: S3Uri, folder: S3Uri) -> bool:
    return uri.bucket == folder.bucket and uri.key.startswith(f"{folder.key}/" if folder.key else "")
