"""JobA: looks at every object before any work is done on it, and writes down which cannot be used."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from fanout.errors import CheckError, PlanError, UriError
from fanout.itemresults import Rejected, Validation
from fanout.items import Item, Places
from fanout.s3 import Objects, S3Uri
from worker.objectformat import UnreadableError, first_bytes, format_of
from worker.tabular import check_beginning, read_table

HEAD_BYTES = 1 << 16  # of every object are read; one that is no longer is read to its end
REQUESTS_AT_ONCE = 16
UNREADABLE = {"AccessDenied", "403", "InvalidObjectState", "KMS.DisabledException"}  # this object's fault, not S3's


@dataclass(frozen=True, slots=True)
class Beginning:
    """What one request tells of an object."""

    content_type: str
    content_encoding: str
    head: bytes


def validate(objects: Objects, places: Places, bucket: str, items: Iterable[Item], *, resume: bool) -> Validation:
    """The report on all objects; the one that stands for the same plan is taken as it is.

    Unless it rejects objects and no work was done by it yet: somebody may have been given leave to read them since.
    """
    standing = read_validation(objects, places) if resume else None
    if standing and (not standing.rejected or any(objects.list(places.results / "statistics"))):
        return standing
    count, rejected = 0, []
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        for found in pool.map(lambda item: problem_of(objects, bucket, item), items):
            count += 1
            rejected += [found] if found else []
    report = Validation(plan_hash=places.plan_hash, items=count, rejected=tuple(rejected))
    objects.put(places.validation, msgspec.json.encode(report))
    return report


def read_validation(objects: Objects, places: Places) -> Validation | None:
    """JobA's report, or None while there is none."""
    try:
        return msgspec.json.decode(objects.get(places.validation), type=Validation)
    except UriError:
        return None


def tolerate(report: Validation, percentage: float) -> None:
    """Raises CheckError, naming the objects, if more of them cannot be used than the run tolerates."""
    if len(report.rejected) * 100 > percentage * report.items:
        told = [f"{each.key!r}: {each.reason}" for each in report.rejected[:5]]
        more = [f"and {len(report.rejected) - 5} more, listed in validation.json"] if len(report.rejected) > 5 else []
        head = f"{len(report.rejected)} of {report.items} objects cannot be used, {percentage:g} % are tolerated"
        raise CheckError("\n".join([head, *told, *more]))


def problem_of(objects: Objects, bucket: str, item: Item) -> Rejected | None:
    """What is wrong with an object, or None."""
    try:
        check(item, beginning(objects, bucket, item))
    except UnreadableError as error:
        return Rejected(item=item.item, key=item.key, reason=str(error))
    return None


def check(item: Item, seen: Beginning) -> None:
    """Raises UnreadableError if the object's name, type and beginning do not fit."""
    form = format_of(item.key, seen.content_type, seen.content_encoding, seen.head)
    if len(seen.head) == item.size:
        read_table(BytesIO(seen.head), form)
    else:
        check_beginning(first_bytes(seen.head, form), form)


def beginning(objects: Objects, bucket: str, item: Item) -> Beginning:
    """Raises UnreadableError if the object cannot be read, PlanError if it was replaced or removed since."""
    refuse_empty(item)
    answer = open_item(objects, bucket, item, Range=f"bytes=0-{HEAD_BYTES - 1}")
    return Beginning(answer.get("ContentType", ""), answer.get("ContentEncoding", ""), answer["Body"].read())


def refuse_empty(item: Item) -> None:
    """Raises UnreadableError."""
    if item.size == 0:
        raise UnreadableError("it is empty")


def open_item(objects: Objects, bucket: str, item: Item, **more: Any) -> Any:
    """GetObject of the version that was planned."""
    try:
        return objects.client.get_object(Bucket=bucket, Key=item.key, IfMatch=f'"{item.etag}"', **more)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in UNREADABLE:
            raise UnreadableError(f"it cannot be read: {code}") from error
        if code in {"412", "PreconditionFailed", "404", "NoSuchKey"}:
            uri = S3Uri(bucket, item.key)
            raise PlanError(f"{uri} was replaced or removed while the run was reading it ({code})") from error
        raise
