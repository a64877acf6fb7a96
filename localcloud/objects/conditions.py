"""Conditional headers and byte ranges: pure decisions on a record."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from localcloud.objects.errors import S3Error
from localcloud.objects.records import Record

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
_SECOND = 1_000_000_000


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """``(start, stop)``, stop exclusive, of a Range header; None if it asks for no range S3 knows (the whole is sent).

    S3Error InvalidRange if no byte of it exists. Several ranges at once are not served, as in S3.
    """
    match = _RANGE.fullmatch(header)
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, stop = max(0, size - int(match[2])), size
        if int(match[2]) == 0:
            start = size
    else:
        start = int(match[1])
        stop = size if match[2] == "" else min(size, int(match[2]) + 1)
        if match[2] and int(match[2]) < start:
            return None
    if start >= size:
        raise S3Error("InvalidRange", ActualObjectSize=str(size), RangeRequested=header)
    return start, stop


def not_modified(record: Record, headers: Mapping[str, str]) -> bool:
    """Whether a read is answered 304; S3Error PreconditionFailed (412) if it must not be answered at all.

    RFC 9110, 13.2.2: an entity tag overrides the date of the same kind.
    """
    if (tags := headers.get("if-match")) is not None:
        if not _matches(record.etag, tags):
            raise _failed("If-Match")
    elif (since := _seconds(headers.get("if-unmodified-since"))) is not None and record.mtime // _SECOND > since:
        raise _failed("If-Unmodified-Since")
    if (tags := headers.get("if-none-match")) is not None:
        return _matches(record.etag, tags)
    since = _seconds(headers.get("if-modified-since"))
    return since is not None and record.mtime // _SECOND <= since


def check_copy_source(record: Record, headers: Mapping[str, str]) -> None:
    """S3Error PreconditionFailed if an ``x-amz-copy-source-if-*`` header does not hold."""
    prefix = "x-amz-copy-source-"
    conditions = {
        name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix + "if-")
    }
    if not_modified(record, conditions):
        raise _failed(f"{prefix}{'If-None-Match' if 'if-none-match' in conditions else 'If-Modified-Since'}")


def write_check(headers: Mapping[str, str], key: str) -> Callable[[Record | None], None] | None:
    """What must hold of the object that a write would replace; None if the write is unconditional.

    S3 allows ``If-None-Match: *`` (there is none) and ``If-Match: etag`` (it is this one).
    """
    absent, present = headers.get("if-none-match"), headers.get("if-match")
    if absent is None and present is None:
        return None
    if absent is not None and absent.strip() != "*":
        raise S3Error(
            "NotImplemented", Header="If-None-Match", additionalMessage="We don't accept a value other than *"
        )

    def check(current: Record | None) -> None:
        if absent is not None and current is not None:
            raise _failed("If-None-Match")
        if present is not None:
            if current is None:
                raise S3Error("NoSuchKey", Key=key)
            if not _matches(current.etag, present):
                raise _failed("If-Match")

    return check


def check_expiry(query: Mapping[str, str], now: int) -> None:
    """S3Error AccessDenied if the request is a presigned URL whose time is over; ``now`` in ns since the epoch."""
    signed, lifetime = query.get("X-Amz-Date"), query.get("X-Amz-Expires")
    if signed is None or lifetime is None:
        return
    try:
        end = datetime.strptime(signed, "%Y%m%dT%H%M%S%z").timestamp() + int(lifetime)
    except ValueError:
        raise S3Error("AccessDenied", "X-Amz-Date or X-Amz-Expires of the presigned URL is malformed") from None
    if now > end * _SECOND:
        raise S3Error("AccessDenied", "Request has expired")


def _matches(etag: str, header: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return "*" in tags or etag in tags


def _seconds(date: str | None) -> int | None:
    """Seconds since the epoch; None for no date or one that is none (which HTTP says to ignore)."""
    if date is None:
        return None
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return None


def _failed(condition: str) -> S3Error:
    return S3Error("PreconditionFailed", Condition=condition)
