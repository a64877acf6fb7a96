"""The ten checks: each finds the fault that it is there for, and a sound run passes all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from fanout.itemresults import Rejected, Validation
from fanout.items import Item, Places, Shape
from fanout.s3 import ObjectSummary, S3Uri
from worker.checks import CHECKS, PROBLEMS_TOLD, checks_of, made
from worker.facts import evenly
from worker.metadata import Row

HASH = "a" * 64
PLACES = Places(S3Uri("data", "out"), HASH)
SHAPE = Shape(items=5, per_slice=2, row_bytes=80)
ITEMS = tuple(Item(item=k, key=f"in/{k}.csv", size=10 + k, etag=f"e{k}") for k in range(5))
REJECTED = Rejected(item=3, key="in/3.csv", reason="it is empty")

REPORT = Validation(plan_hash=HASH, items=5, rejected=(REJECTED,))


def row_of(item: Item) -> Row:
    index = next(k for k in range(SHAPE.slices) if item.item in range(*SHAPE.slice(k)))
    files: Row = {"slice": index, "statisticsSize": 100 + index, "profilesSize": 200 + index}
    if item.item == REJECTED.item:
        return files | {"place": item.item, "key": item.key, "status": "rejected", "reason": REJECTED.reason}
    own: Row = {"place": item.item, "key": item.key, "size": item.size, "etag": item.etag, "sha256": "c" * 64}
    return files | own | {"status": "processed", "records": 7}


def listed(uri: S3Uri, size: int = 1, etag: str = "e") -> ObjectSummary:
    return ObjectSummary(uri, size, etag)


def results() -> dict[S3Uri, ObjectSummary]:
    sizes = {PLACES.validation: 1}
    for index in range(SHAPE.slices):
        sizes |= {PLACES.statistics(index): 100 + index, PLACES.profiles(index): 200 + index}
    return {uri: listed(uri, size) for uri, size in sizes.items()}


@dataclass(frozen=True)
class Sound:
    """A run without a fault."""

    places: Places = PLACES
    shape: Shape = SHAPE
    items: Sequence[Item] = ITEMS
    plan_problems: Sequence[str] = ()
    validation: Validation | None = REPORT
    rows: Sequence[Row] = tuple(map(row_of, ITEMS))
    sources: Mapping[str, ObjectSummary] = field(
        default_factory=lambda: {item.key: listed(S3Uri("data", item.key), item.size, item.etag) for item in ITEMS}
    )
    results: Mapping[S3Uri, ObjectSummary] = field(default_factory=results)
    hashes: Sequence[tuple[str, str, str]] = (("'in/0.csv'", "c", "c"),)

    def sampled_hashes(self) -> Iterator[tuple[str, str, str]]:
        return iter(self.hashes)


def failing(facts: Sound) -> set[str]:
    return {result.name for check in CHECKS if (result := made(check, facts)).problems}


def changed_row(place: int, **changes: str | int) -> Sound:
    return replace(Sound(), rows=[row | changes if row["place"] == place else row for row in Sound().rows])


def without(uri: S3Uri) -> Sound:
    return replace(Sound(), results={other: row for other, row in results().items() if other != uri})


def with_source(item: Item, **changes: object) -> Sound:
    row = replace(Sound().sources[item.key], **changes)  # type: ignore[arg-type]
    return replace(Sound(), sources={**Sound().sources, item.key: row})


FAULTS: list[tuple[str, Callable[[], Sound], set[str]]] = [
    ("another plan stands", lambda: replace(Sound(), plan_problems=["it is plan b"]), {"plan"}),
    (
        "a line is missing from the items file",
        lambda: replace(Sound(), items=ITEMS[:4]),
        {"plan", "count", "keys", "totals"},
    ),
    ("JobA did not report", lambda: replace(Sound(), validation=None), {"validation"}),
    (
        "JobA looked at fewer objects",
        lambda: replace(Sound(), validation=Validation(plan_hash=HASH, items=4, rejected=(REJECTED,))),
        {"validation"},
    ),
    (
        "a rejected object was processed",
        lambda: changed_row(3, status="processed", size=13, records=1, sha256="c" * 64),
        {"validation"},
    ),
    ("an accepted object was rejected", lambda: changed_row(1, status="rejected", reason="?"), {"validation"}),
    ("a row is missing", lambda: replace(Sound(), rows=Sound().rows[1:]), {"count", "keys", "totals"}),
    (
        "a row too many",
        lambda: replace(Sound(), rows=[*Sound().rows, row_of(ITEMS[4]) | {"place": 9}]),
        {"count", "keys", "totals"},
    ),
    ("a row under another key", lambda: changed_row(1, key="in/x.csv"), {"keys"}),
    ("an object was removed", lambda: replace(Sound(), sources=dict(list(Sound().sources.items())[1:])), {"sources"}),
    ("an object was replaced", lambda: with_source(ITEMS[2], etag="new"), {"sources"}),
    ("an object grew", lambda: with_source(ITEMS[2], size=99), {"sources"}),
    ("statistics are missing", lambda: without(PLACES.statistics(1)), {"results"}),
    ("profiles are missing", lambda: without(PLACES.profiles(2)), {"results"}),
    ("profiles have another size", lambda: changed_row(0, profilesSize=1), {"results"}),
    ("an object has another hash", lambda: replace(Sound(), hashes=[("'in/0.csv'", "c", "d")]), {"checksums"}),
    ("a row without records", lambda: changed_row(1, records=0), {"ranges"}),
    ("a row with half a hash", lambda: changed_row(1, sha256="c"), {"ranges"}),
    ("a row with a strange status", lambda: changed_row(1, status="skipped"), {"ranges"}),
    ("a rejection without a reason", lambda: changed_row(3, reason=""), {"ranges"}),
    ("bytes that were not read", lambda: changed_row(1, size=5), {"totals"}),
    ("a row in another slice", lambda: changed_row(0, slice=1, statisticsSize=101, profilesSize=201), {"totals"}),
    (
        "a stray result",
        lambda: replace(Sound(), results={**results(), PLACES.statistics(7): listed(PLACES.statistics(7))}),
        {"strays"},
    ),
]


def test_a_sound_run_passes_every_check() -> None:
    assert failing(Sound()) == set()


@pytest.mark.parametrize(("facts", "found"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_each_fault_is_found_by_the_checks_that_are_there_for_it(facts: Callable[[], Sound], found: set[str]) -> None:
    assert failing(facts()) == found


def test_every_check_finds_some_fault() -> None:
    assert {name for _, _, found in FAULTS for name in found} == {check.__name__ for check in CHECKS}


@pytest.mark.parametrize("steps", range(1, 11))
def test_the_steps_share_out_all_checks(steps: int) -> None:
    shared = [check for step in range(steps) for check in checks_of(step, steps)]
    assert sorted(check.__name__ for check in shared) == sorted(check.__name__ for check in CHECKS)


def test_a_check_tells_of_the_first_problems_only() -> None:
    facts = replace(Sound(), sources={}, items=[replace_item(k) for k in range(50)])
    [result] = [made(check, facts) for check in CHECKS if check.__name__ == "sources"]
    assert len(result.problems) == PROBLEMS_TOLD


def replace_item(place: int) -> Item:
    return Item(item=place, key=f"k{place}", size=1, etag="e")


@pytest.mark.parametrize(("size", "count"), [(0, 5), (3, 5), (5, 5), (6, 5), (1_000, 100)])
def test_a_sample_is_spread_from_the_first_to_the_last(size: int, count: int) -> None:
    sample = evenly(range(size), count)
    assert len(set(sample)) == len(sample) == min(size, count)
    assert size == 0 or (sample[0], sample[-1]) == (0, size - 1)
