"""ListObjectsV2, ListObjects and ListObjectVersions."""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote_plus

from localcloud.objects.checksums import type_of
from localcloud.objects.documents import document, element, text
from localcloud.objects.errors import S3Error
from localcloud.objects.keys import MAX_KEY_BYTES
from localcloud.objects.ordering import Ordering
from localcloud.objects.records import Record
from localcloud.objects.request import Request, Response, read_number
from localcloud.objects.store import Store
from localcloud.objects.writing import require_bucket, xml_response

_MAX_KEYS = 1000
_MAX_INTEGER = (1 << 31) - 1
_LAST = "\U0010ffff"
OWNER = element("Owner", text("ID", "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"))


@dataclass(slots=True)
class Page:
    """Keys and common prefixes, each ascending; ``resume`` is the least key of the next page, None at the end."""

    keys: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    resume: str | None = None


def page_of(keys: Callable[[str], Iterator[str]], prefix: str, delimiter: str, start: str, limit: int) -> Page:
    """One page of a listing. ``keys(start)`` iterates over the keys with ``prefix`` from ``start`` on.

    Keys that go on with ``delimiter`` are rolled up: a common prefix is named once and what it covers is skipped.
    """
    page = Page()
    if limit == 0:
        return page
    iterator = keys(start)
    while (key := next(iterator, None)) is not None:
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if cut < 0 else key[: cut + len(delimiter)]
        if cut < 0 or entry >= start:  # else a page before this one has named the prefix
            if len(page.keys) + len(page.prefixes) == limit:
                page.resume = page.last + "\0" if page.keys and page.last == page.keys[-1] else after_all(page.last)
                return page
            (page.keys if cut < 0 else page.prefixes).append(entry)
            page.last = entry
        if cut >= 0:
            iterator = keys(after_all(entry))
    return page


def after_all(prefix: str) -> str:
    """The least string that is greater than every string beginning with ``prefix``."""
    stem = prefix.rstrip(_LAST)
    if not stem:
        return _LAST * (MAX_KEY_BYTES // 4 + 1)  # longer than any key
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are not characters


def list_objects_v2(store: Store, ordering: Ordering, request: Request) -> Response:
    """One page of keys; the continuation token is the place where the next one begins."""
    listing = _Listing(store, ordering, request)
    query = request.query
    token = query.get("continuation-token")
    start_after = query.get("start-after", "")
    start = _from_token(token) if token is not None else _after(start_after)
    page = listing.page(start)
    children = listing.head()
    if token is not None:
        children.append(text("ContinuationToken", token))
    if start_after:
        children.append(text("StartAfter", listing.encode(start_after)))
    children += [text("KeyCount", len(page.keys) + len(page.prefixes)), _truncated(page)]
    if page.resume is not None:
        children.append(text("NextContinuationToken", base64.urlsafe_b64encode(page.resume.encode()).decode()))
    children += listing.contents(page, owner=query.get("fetch-owner") == "true") + listing.common_prefixes(page)
    return xml_response(document("ListBucketResult", children))


def list_objects(store: Store, ordering: Ordering, request: Request) -> Response:
    """The first version of the call: a marker instead of a token."""
    listing = _Listing(store, ordering, request)
    marker = request.query.get("marker", "")
    page = listing.page(_after(marker))
    children = [*listing.head(), text("Marker", listing.encode(marker)), _truncated(page)]
    if page.resume is not None and listing.delimiter:
        children.append(text("NextMarker", listing.encode(page.last)))
    children += listing.contents(page, owner=True) + listing.common_prefixes(page)
    return xml_response(document("ListBucketResult", children))


def list_object_versions(store: Store, ordering: Ordering, request: Request) -> Response:
    """Every object as its only version, ``null``: what tools that empty a bucket ask for."""
    listing = _Listing(store, ordering, request)
    marker = request.query.get("key-marker", "")
    page = listing.page(_after(marker))
    children = [*listing.head(), text("KeyMarker", listing.encode(marker)), _truncated(page)]
    if page.resume is not None:
        children += [text("NextKeyMarker", listing.encode(page.last)), text("NextVersionIdMarker", "null")]
    children += listing.contents(page, owner=True, name="Version") + listing.common_prefixes(page)
    return xml_response(document("ListVersionsResult", children))


class _Listing:
    """What the three calls share: parameters, and the elements they are answered with."""

    def __init__(self, store: Store, ordering: Ordering, request: Request) -> None:
        require_bucket(store, request.bucket)
        query = request.query
        self._store = store
        self._ordering = ordering
        self._bucket = request.bucket
        self._prefix = query.get("prefix", "")
        self.delimiter = query.get("delimiter", "")
        self._limit = read_limit(query.get("max-keys"), "max-keys")
        self._url = read_encoding(query.get("encoding-type"))

    def page(self, start: str) -> Page:
        def keys(start: str) -> Iterator[str]:
            return self._ordering.keys(self._bucket, self._prefix, start)

        return page_of(keys, self._prefix, self.delimiter, start, self._limit)

    def encode(self, value: str) -> str:
        return encoded(value, url=self._url)

    def head(self) -> list[str]:
        children = [text("Name", self._bucket), text("Prefix", self.encode(self._prefix)), text("MaxKeys", self._limit)]
        if self.delimiter:
            children.append(text("Delimiter", self.encode(self.delimiter)))
        if self._url:
            children.append(text("EncodingType", "url"))
        return children

    def contents(self, page: Page, *, owner: bool, name: str = "Contents") -> list[str]:
        version = text("VersionId", "null") + text("IsLatest", "true") if name == "Version" else ""
        children = []
        for key in page.keys:
            record = self._store.head(self._bucket, key)
            if record is not None:  # else it was removed while we listed
                entry = text("Key", self.encode(key)) + version + _facts(record) + (OWNER if owner else "")
                children.append(element(name, entry))
        return children

    def common_prefixes(self, page: Page) -> list[str]:
        return [element("CommonPrefixes", text("Prefix", self.encode(prefix))) for prefix in page.prefixes]


def encoded(value: str, *, url: bool) -> str:
    """A key as it stands in a listing: percent-encoded if the client asked for that."""
    return quote_plus(value, safe="/") if url else value


def timestamp(nanoseconds: int) -> str:
    """ISO 8601 as S3 writes it in XML."""
    return f"{datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def read_limit(value: str | None, name: str) -> int:
    """A page size, at most 1,000. S3Error InvalidArgument if it is no number."""
    return min(read_number(value, name, 0, _MAX_INTEGER), _MAX_KEYS) if value else _MAX_KEYS


def read_encoding(value: str | None) -> bool:
    if value not in (None, "", "url"):
        raise S3Error(
            "InvalidArgument",
            "Invalid Encoding Method specified in Request",
            ArgumentName="encoding-type",
            ArgumentValue=str(value),
        )
    return value == "url"


def _facts(record: Record) -> str:
    checksum = (
        text("ChecksumAlgorithm", record.algorithm) + text("ChecksumType", type_of(record.checksum))
        if record.checksum
        else ""
    )
    return (
        text("LastModified", timestamp(record.mtime))
        + text("ETag", f'"{record.etag}"')
        + checksum
        + text("Size", record.size)
        + text("StorageClass", record.headers.get("x-amz-storage-class", "STANDARD"))
    )


def _after(key: str) -> str:
    return key + "\0" if key else ""


def _truncated(page: Page) -> str:
    return text("IsTruncated", "false" if page.resume is None else "true")


def _from_token(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise S3Error(
            "InvalidArgument", "The continuation token provided is incorrect", ArgumentName="continuation-token"
        ) from None
