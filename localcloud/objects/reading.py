"""GetObject and HeadObject."""

import os
from collections.abc import Iterator

from localcloud.objects.attributes import response_headers
from localcloud.objects.conditions import not_modified, parse_range
from localcloud.objects.errors import S3Error
from localcloud.objects.records import Record
from localcloud.objects.request import MAX_PARTS, Request, Response, header_value, read_number
from localcloud.objects.store import Store, StoredObject

_PIECE = 1 << 18  # bytes read and sent at once
_OVERRIDES = {
    "response-cache-control": "cache-control",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
    "response-content-language": "content-language",
    "response-content-type": "Content-Type",
    "response-expires": "expires",
}


def get_object(store: Store, request: Request) -> Response:
    """The object, or the range of it that is asked for; streamed."""
    stored = find(store, request)
    try:
        response, start, stop = _answer(stored.record, request)
        body = _Body(stored, start, stop)
    except BaseException:
        stored.close()
        raise
    return Response(status=response.status, headers=response.headers, body=body)


def head_object(store: Store, request: Request) -> Response:
    """What GetObject would answer, without the body."""
    with find(store, request) as stored:
        response, _, _ = _answer(stored.record, request)
    return response


def find(store: Store, request: Request) -> StoredObject:
    """The object that the request names. S3Error NoSuchBucket, NoSuchKey, NoSuchVersion."""
    check_version(request)
    stored = store.open(request.bucket, request.key)
    if stored is None:
        if not store.is_folder(request.bucket):
            raise S3Error("NoSuchBucket", BucketName=request.bucket)
        raise S3Error("NoSuchKey", Key=request.key)
    return stored


def check_version(request: Request) -> None:
    """Only the latest version is kept; it is called ``null``, as in a bucket without versioning."""
    version = request.query.get("versionId", "null")
    if version != "null":
        raise S3Error("NoSuchVersion", Key=request.key, VersionId=version)


def _answer(record: Record, request: Request) -> tuple[Response, int, int]:
    """The response without a body, and which bytes belong to it."""
    unchanged = not_modified(record, request.headers)
    start, stop, partial = _extent(record, request)
    whole = stop - start == record.size
    headers = response_headers(record, checksum=whole and request.headers.get("x-amz-checksum-mode") == "ENABLED")
    if unchanged:
        kept = [
            (name, value) for name, value in headers if name in ("ETag", "Last-Modified", "cache-control", "expires")
        ]
        return Response(status=304, headers=kept), 0, 0
    headers = _overridden(headers, request)
    headers.append(("Content-Length", str(stop - start)))
    if "partNumber" in request.query and record.parts:
        headers.append(("x-amz-mp-parts-count", str(len(record.parts))))
    if not partial:
        return Response(headers=headers), start, stop
    headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{record.size}"))
    return Response(status=206, headers=headers), start, stop


def _extent(record: Record, request: Request) -> tuple[int, int, bool]:
    """Start, stop and whether this is a part of the object."""
    part = request.query.get("partNumber")
    header = request.headers.get("range")
    if part is not None:
        if header is not None:
            raise S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
        return _part(record, part)
    wanted = None if header is None else parse_range(header, record.size)
    return (0, record.size, False) if wanted is None else (*wanted, True)


def _part(record: Record, text: str) -> tuple[int, int, bool]:
    sizes = record.parts or [record.size]
    number = read_number(text, "partNumber", 1, MAX_PARTS)
    if number > len(sizes):
        raise S3Error("InvalidPartNumber", ActualPartCount=str(len(sizes)), PartNumberRequested=text)
    start = sum(sizes[: number - 1])
    return start, start + sizes[number - 1], record.size > 0


def _overridden(headers: list[tuple[str, str]], request: Request) -> list[tuple[str, str]]:
    query = request.query
    wanted = {name: header_value(query[parameter]) for parameter, name in _OVERRIDES.items() if parameter in query}
    if not wanted:
        return headers
    return [pair for pair in headers if pair[0] not in wanted] + list(wanted.items())


class _Body:
    """The bytes ``[start, stop)`` of an open object; closes it, sent or not."""

    def __init__(self, stored: StoredObject, start: int, stop: int) -> None:
        self._stored = stored
        self._start = start
        self._stop = stop

    def __iter__(self) -> Iterator[bytes]:
        position = self._start
        while position < self._stop:
            piece = os.pread(self._stored.fd, min(_PIECE, self._stop - position), position)
            if not piece:
                raise ConnectionError("the file became shorter while it was sent")  # the client sees a short body
            position += len(piece)
            yield piece

    def close(self) -> None:
        self._stored.close()
