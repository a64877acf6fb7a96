"""JobC: holds all numbers of a column at once for quantiles and distinct values; then writes the rows of the table."""

from array import array
from collections.abc import Iterator

import msgspec

from fanout.errors import PlanError, UriError
from fanout.itemresults import ColumnProfile, ItemProfile, ItemStatistics, SliceProfiles, SliceStatistics
from fanout.items import Places
from fanout.manifest import OutputFile
from fanout.s3 import Objects, sha256
from fanout.seal import AGAIN, sealed, unsealed
from worker.metadata import Metadata, Row

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
NUMBER_BYTES = 8


def slice_profiles(objects: Objects, places: Places, index: int, table: Metadata, *, resume: bool) -> str:
    """Writes the rows of the slice's objects, then their profiles. Repeated, it writes the same."""
    body = objects.get(places.statistics(index))
    try:
        statistics = unsealed(body, SliceStatistics)
    except msgspec.DecodeError as error:
        raise PlanError(f"{places.statistics(index)} is damaged: {error}{AGAIN}") from error
    if (statistics.plan_hash, statistics.slice) != (places.plan_hash, index):
        raise PlanError(
            f"{places.statistics(index)} is of slice {statistics.slice} of plan {statistics.plan_hash[:12]}"
        )
    made_from = OutputFile(path=f"statistics/{index:05d}.json", size=len(body), sha256=sha256(body))
    if resume and (content := _standing(objects, places, index, made_from)):
        table.write(rows(statistics, made_from, content))
        return "stands"
    numbers = _numbers(objects, places, statistics)
    profiles = SliceProfiles(
        plan_hash=places.plan_hash,
        slice=index,
        start=statistics.start,
        stop=statistics.stop,
        items=tuple(profile(item, numbers) for item in statistics.items),
        rejected=statistics.rejected,
        statistics=made_from,
    )
    content = sealed(profiles)
    table.write(rows(statistics, made_from, content))
    objects.put(places.profiles(index), content)
    return f"profiled {len(profiles.items)} objects; {len(profiles.rejected)} rejected"


def _standing(objects: Objects, places: Places, index: int, made_from: OutputFile) -> bytes | None:
    """The profiles of these statistics, if an earlier attempt wrote them and nobody changed them."""
    try:
        content = objects.get(places.profiles(index))
        profiles = unsealed(content, SliceProfiles)
    except (UriError, msgspec.DecodeError):
        return None
    return content if (profiles.plan_hash, profiles.statistics) == (places.plan_hash, made_from) else None


def profile(item: ItemStatistics, numbers: "Numbers") -> ItemProfile:
    """Takes the item's columns off the front of ``numbers``."""
    columns = tuple(column_profile(column.name, numbers.take(column.numbers)) for column in item.columns)
    return ItemProfile(item=item.item, key=item.key, columns=columns)


def column_profile(name: str, values: "array[float]") -> ColumnProfile:
    """Quantiles by nearest rank: the smallest value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    ranks = {percent: (percent * len(ordered) + 99) // 100 for percent in PERCENTILES if ordered}
    quantiles = {f"p{percent:02d}": ordered[rank - 1] for percent, rank in ranks.items()}
    return ColumnProfile(name=name, distinct=len(set(ordered)), quantiles=quantiles)


def rows(statistics: SliceStatistics, made_from: OutputFile, profiles: bytes) -> Iterator[Row]:
    """What the table says of each object of the slice, those that were rejected included."""
    files: Row = {
        "slice": statistics.slice,
        "statisticsSize": made_from.size,
        "statisticsSha256": made_from.sha256,
        "profilesSize": len(profiles),
        "profilesSha256": sha256(profiles),
    }
    for item in statistics.items:
        yield files | {
            "place": item.item,
            "key": item.key,
            "status": "processed",
            "size": item.size,
            "etag": item.etag,
            "sha256": item.sha256,
            "format": item.format,
            "records": item.records,
        }
    for each in statistics.rejected:
        yield files | {"place": each.item, "key": each.key, "status": "rejected", "reason": each.reason}


class Numbers:
    """The numbers of a slice, column after column."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._at = 0

    def take(self, count: int) -> "array[float]":
        values = array("d")
        stop = self._at + count * NUMBER_BYTES
        values.frombytes(self._content[self._at : stop])
        self._at = stop
        return values


def _numbers(objects: Objects, places: Places, statistics: SliceStatistics) -> Numbers:
    """Raises PlanError if the columns are not those of the statistics."""
    expected = sum(column.numbers for item in statistics.items for column in item.columns) * NUMBER_BYTES
    content = objects.get(places.columns(statistics.slice)) if statistics.column_bytes else b""
    if not len(content) == expected == statistics.column_bytes:
        raise PlanError(
            f"{places.columns(statistics.slice)} has {len(content)} bytes, the statistics are of {expected}: "
            "the job before was repeated meanwhile, or cut off"
        )
    return Numbers(content)
