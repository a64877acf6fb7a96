"""A run as it lies in S3 and in the table; each fact is asked for when a check first needs it, and once."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from fanout.errors import PlanError, UriError
from fanout.itemresults import CheckResult, StepReport, Validation
from fanout.items import ITEMS, Item, Places, Shape, parse_rows
from fanout.plan import Plan, read_plan
from fanout.s3 import Objects, ObjectSummary, S3Uri, sha256
from worker.checks import checks_of, made
from worker.metadata import Metadata, Row
from worker.validate import read_validation

SAMPLE = 100  # objects, and as many results, that are read again


class RunFacts:
    """See ``worker.checks.Facts``."""

    def __init__(self, objects: Objects, places: Places, shape: Shape, source: S3Uri, table: Metadata) -> None:
        self.places = places
        self.shape = shape
        self._objects = objects
        self._source = source
        self._table = table

    @cached_property
    def _plan(self) -> Plan | str:
        try:
            return read_plan(self._objects, self.places.output, self.places.plan_hash)
        except (PlanError, UriError) as error:
            return str(error)

    @cached_property
    def _items_file(self) -> bytes:
        return self._objects.get(self.places.items)

    @cached_property
    def items(self) -> Sequence[Item]:
        try:
            return list(parse_rows(self._items_file))
        except msgspec.DecodeError as error:
            raise PlanError(f"{self.places.items} is damaged: {error}") from error

    @cached_property
    def plan_problems(self) -> Sequence[str]:
        plan = self._plan
        if isinstance(plan, str):
            return [plan]
        if (
            sha256(self._items_file) != plan.files[ITEMS].sha256
            or plan.files[ITEMS].sha256 != plan.work.inputs["items"]
        ):
            return [f"{self.places.items} is not the file that plan {plan.hash[:12]} was made with"]
        return []

    @cached_property
    def validation(self) -> Validation | None:
        return read_validation(self._objects, self.places)

    @cached_property
    def rows(self) -> Sequence[Row]:
        return list(self._table.rows())

    @cached_property
    def sources(self) -> Mapping[str, ObjectSummary]:
        return {row.uri.key: row for row in self._objects.list(self._source)}

    @cached_property
    def results(self) -> Mapping[S3Uri, ObjectSummary]:
        return {row.uri: row for row in self._objects.list(self.places.results)}

    def sampled_hashes(self) -> Iterator[tuple[str, str, str]]:
        processed = [row for row in self.rows if row["status"] == "processed"]
        for row in evenly(processed, SAMPLE):
            source = S3Uri(self._source.bucket, str(row["key"]))
            yield repr(row["key"]), str(row["sha256"]), self._hash(source)
        slices = {int(row["slice"]): row for row in self.rows}
        for index in evenly(sorted(slices), SAMPLE):
            uri = self.places.profiles(index)
            yield str(uri), str(slices[index]["profilesSha256"]), self._hash(uri)

    def _hash(self, uri: S3Uri) -> str:
        try:
            with self._objects.open(uri) as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        except UriError as error:
            return f"none ({error})"


def evenly[T](things: Sequence[T], count: int) -> Sequence[T]:
    """At most ``count`` of them, spread from the first to the last."""
    if len(things) <= count:
        return things
    return [things[k * (len(things) - 1) // (count - 1)] for k in range(count)]


def check_step(facts: RunFacts, objects: Objects, step: int, steps: int) -> StepReport:
    """Makes the checks of one step and writes its report."""
    results: tuple[CheckResult, ...] = tuple(made(check, facts) for check in checks_of(step, steps))
    report = StepReport(plan_hash=facts.places.plan_hash, step=step, checks=results)
    objects.put(facts.places.checks(step), msgspec.json.encode(report))
    return report
