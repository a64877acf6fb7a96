"""JobD: properties of a whole run, each checked on its own. Pure: a check reads facts and says what is wrong.

Ten checks are shared out to the steps: of n steps, step k makes the checks k, k + n, k + 2n ... So each is made once,
however many steps there are.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

from fanout.itemresults import CheckResult, Validation
from fanout.items import Item, Places, Shape
from fanout.s3 import ObjectSummary, S3Uri
from worker.metadata import Row

PROBLEMS_TOLD = 10  # of one check
SHA256_LENGTH = 64


class Facts(Protocol):
    """The run, as it lies in S3 and in the table."""

    @property
    def places(self) -> Places: ...
    @property
    def shape(self) -> Shape: ...
    @property
    def items(self) -> Sequence[Item]:
        """What the plan lists."""

    @property
    def plan_problems(self) -> Sequence[str]:
        """Why plan and items file do not belong together."""

    @property
    def validation(self) -> Validation | None: ...
    @property
    def rows(self) -> Sequence[Row]:
        """The table."""

    @property
    def sources(self) -> Mapping[str, ObjectSummary]:
        """The input's objects now, by key."""

    @property
    def results(self) -> Mapping[S3Uri, ObjectSummary]: ...

    def sampled_hashes(self) -> Iterator[tuple[str, str, str]]:
        """``(what, SHA-256 by the table, SHA-256 of the object as it is now)`` of a sample."""


def plan(facts: Facts) -> Iterator[str]:
    """Plan, hash and items file belong together."""
    yield from facts.plan_problems
    if len(facts.items) != facts.shape.items:
        yield f"the items file lists {len(facts.items)} objects, the plan is of {facts.shape.items}"


def validation(facts: Facts) -> Iterator[str]:
    """JobA looked at every object, and exactly those that it rejected are rejected in the table."""
    report = facts.validation
    if report is None:
        yield f"{facts.places.validation} is missing"
        return
    if report.items != facts.shape.items:
        yield f"JobA looked at {report.items} objects of {facts.shape.items}"
    rejected = {each.item for each in report.rejected}
    marked = {int(row["place"]) for row in facts.rows if row["status"] == "rejected"}
    yield from (f"object {place} was rejected by JobA and not marked" for place in sorted(rejected - marked))
    yield from (f"object {place} is marked as rejected and JobA accepted it" for place in sorted(marked - rejected))


def count(facts: Facts) -> Iterator[str]:
    """The table has as many rows as there are objects."""
    if len(facts.rows) != len(facts.items):
        yield f"the table has {len(facts.rows)} rows for {len(facts.items)} objects"


def keys(facts: Facts) -> Iterator[str]:
    """Each object has its row, under its own key, and no row is of another object."""
    planned = {item.item: item.key for item in facts.items}
    written = {int(row["place"]): str(row["key"]) for row in facts.rows}
    yield from (f"{key!r} has no row" for place, key in planned.items() if place not in written)
    yield from (f"{key!r} has a row and is not in the plan" for place, key in written.items() if place not in planned)
    for place in planned.keys() & written.keys():
        if planned[place] != written[place]:
            yield f"object {place} is {planned[place]!r}, its row says {written[place]!r}"


def sources(facts: Facts) -> Iterator[str]:
    """Every object is still the one that was planned: nothing was replaced or removed while the run read it."""
    for item in facts.items:
        now = facts.sources.get(item.key)
        if now is None:
            yield f"{item.key!r} was removed"
        elif (now.size, now.etag) != (item.size, item.etag):
            yield f"{item.key!r} was replaced: ETag {now.etag} where {item.etag} was planned"


def results(facts: Facts) -> Iterator[str]:
    """Every slice has its statistics and profiles, of the sizes that the table was told."""
    told = {int(row["slice"]): row for row in facts.rows}
    for index in range(facts.shape.slices):
        for uri, size in (
            (facts.places.statistics(index), "statisticsSize"),
            (facts.places.profiles(index), "profilesSize"),
        ):
            found = facts.results.get(uri)
            if found is None:
                yield f"{uri} is missing"
            elif index in told and found.size != told[index][size]:
                yield f"{uri} has {found.size} bytes, the table says {told[index][size]}"


def checksums(facts: Facts) -> Iterator[str]:
    """A sample of objects and results, read again, has the SHA-256 that the table says."""
    for what, told, found in facts.sampled_hashes():
        if told != found:
            yield f"{what} has SHA-256 {found}, the table says {told}"


def ranges(facts: Facts) -> Iterator[str]:
    """Every row says what only a row of its kind can say."""
    for row in facts.rows:
        status = row["status"]
        if status == "rejected":
            fit = bool(row.get("reason"))
        else:
            fit = status == "processed" and int(row["records"]) > 0 and int(row["size"]) > 0
            fit = fit and len(str(row["sha256"])) == SHA256_LENGTH
        if not fit:
            yield f"{row['key']!r}: a row says {status}, {row.get('records')} records, {row.get('size')} bytes"


def totals(facts: Facts) -> Iterator[str]:
    """Bytes and objects add up, over the run and in every slice."""
    processed = {int(row["place"]): row for row in facts.rows if row["status"] == "processed"}
    planned = sum(item.size for item in facts.items if item.item in processed)
    read = sum(int(row["size"]) for row in processed.values())
    if planned != read:
        yield f"{read} bytes were read of objects that have {planned}"
    rows = Counter(int(row["slice"]) for row in facts.rows)
    for index in range(facts.shape.slices):
        start, stop = facts.shape.slice(index)
        if rows[index] != stop - start:
            yield f"slice {index} has {rows[index]} rows for {stop - start} objects"


def strays(facts: Facts) -> Iterator[str]:
    """Nothing lies among the results that is no result of this run."""
    places, slices = facts.places, range(facts.shape.slices)
    known = {places.validation, *map(places.statistics, slices), *map(places.profiles, slices)}
    known |= {places.checks(step) for step in range(len(CHECKS))}
    yield from (f"{uri} is no result of this run" for uri in facts.results if uri not in known)


type Check = Callable[[Facts], Iterable[str]]

CHECKS: tuple[Check, ...] = (plan, validation, count, keys, sources, results, checksums, ranges, totals, strays)


def checks_of(step: int, steps: int) -> Sequence[Check]:
    """The checks that one of so many steps makes."""
    return CHECKS[step::steps]


def made(check: Check, facts: Facts) -> CheckResult:
    """The check's name, and what is wrong."""
    return CheckResult(name=check.__name__, problems=tuple(islice(check(facts), PROBLEMS_TOLD)))
