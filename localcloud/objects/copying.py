"""CopyObject, and the source that it shares with UploadPartCopy."""

import hashlib
import os
from urllib.parse import unquote

import msgspec

from localcloud.objects.attributes import describe, encryption_headers
from localcloud.objects.checksums import encode, new_digest, type_of
from localcloud.objects.conditions import check_copy_source, write_check
from localcloud.objects.documents import document, text
from localcloud.objects.draft import Draft
from localcloud.objects.errors import S3Error
from localcloud.objects.listing import timestamp
from localcloud.objects.records import Record
from localcloud.objects.request import Request, Response
from localcloud.objects.store import Store, StoredObject
from localcloud.objects.upload import Received
from localcloud.objects.writing import require_bucket, xml_response

_PIECE = 1 << 20


def copy_object(store: Store, request: Request) -> Response:
    """Copy an object; its metadata and tags come along unless the directives say REPLACE."""
    require_bucket(store, request.bucket)
    check = write_check(request.headers, request.key)
    with open_source(store, request) as source, store.draft() as draft:
        check_copy_source(source.record, request.headers)
        record = _copied_record(source.record, request)
        received = _copy_whole(source, draft, _algorithm(source.record, request))
        record = msgspec.structs.replace(
            record, etag=received.etag, algorithm=received.algorithm, checksum=received.checksum
        )
        record = store.commit(draft, request.bucket, request.key, record, check)
    children = [text("LastModified", timestamp(record.mtime)), text("ETag", f'"{record.etag}"')]
    if record.checksum:
        children += [
            text(f"Checksum{record.algorithm}", record.checksum),
            text("ChecksumType", type_of(record.checksum)),
        ]
    response = xml_response(document("CopyObjectResult", children))
    response.headers.extend(encryption_headers(record))
    return response


def open_source(store: Store, request: Request) -> StoredObject:
    """The object named by ``x-amz-copy-source``: ``[/]bucket/key[?versionId=null]``, percent-encoded."""
    header = request.headers["x-amz-copy-source"]
    path, _, version = header.partition("?versionId=")
    bucket, slash, key = unquote(path).removeprefix("/").partition("/")
    if not slash or not key:
        raise S3Error(
            "InvalidArgument", "Invalid copy source object key", ArgumentName="x-amz-copy-source", ArgumentValue=header
        )
    if version not in ("", "null"):
        raise S3Error("NoSuchVersion", Key=key, VersionId=version)
    require_bucket(store, bucket)
    source = store.open(bucket, key)
    if source is None:
        raise S3Error("NoSuchKey", Key=key)
    return source


def transfer(source: StoredObject, draft: Draft, start: int, count: int, algorithm: str) -> Received:
    """Copy bytes within the disk and compute their MD5 and, if named, their checksum."""
    draft.copy_from(source.fd, start, count)
    md5 = hashlib.md5(usedforsecurity=False)
    checksum = new_digest(algorithm) if algorithm else None
    position = 0
    while piece := os.pread(draft.fd, _PIECE, position):
        md5.update(piece)
        if checksum is not None:
            checksum.update(piece)
        position += len(piece)
    value = encode(checksum.digest()) if checksum is not None else ""
    return Received(etag=md5.hexdigest(), algorithm=algorithm, checksum=value)


def _copy_whole(source: StoredObject, draft: Draft, algorithm: str) -> Received:
    """:func:`transfer` of everything; what is known of the source's bytes is not computed again."""
    record = source.record
    known = "-" not in record.etag + record.checksum and algorithm == record.algorithm
    if not known:  # a multipart object's digests are those of its parts, but its copy is one piece
        return transfer(source, draft, 0, record.size, algorithm)
    draft.copy_from(source.fd, 0, record.size)
    return Received(etag=record.etag, algorithm=record.algorithm, checksum=record.checksum)


def _copied_record(source: Record, request: Request) -> Record:
    described = describe(request.headers)
    replace_metadata = _directive(request, "x-amz-metadata-directive")
    replace_tags = _directive(request, "x-amz-tagging-directive")
    if not replace_metadata:
        _refuse_idle_copy(request, described)
        # how the copy is stored is the request's, what the object says of itself is the source's
        stored = {name: value for name, value in described.headers.items() if name.startswith("x-amz-")}
        said = {name: value for name, value in source.headers.items() if not name.startswith("x-amz-")}
        described = msgspec.structs.replace(
            described, content_type=source.content_type, metadata=source.metadata, headers=said | stored
        )
    return described if replace_tags else msgspec.structs.replace(described, tags=source.tags)


def _refuse_idle_copy(request: Request, described: Record) -> None:
    own = unquote(request.headers["x-amz-copy-source"].partition("?versionId=")[0]).removeprefix("/")
    if own == f"{request.bucket}/{request.key}" and not described.headers:
        raise S3Error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )


def _directive(request: Request, name: str) -> bool:
    value = request.headers.get(name, "COPY")
    if value not in ("COPY", "REPLACE"):
        raise S3Error("InvalidArgument", f"Unknown directive {value!r}", ArgumentName=name, ArgumentValue=value)
    return value == "REPLACE"


def _algorithm(source: Record, request: Request) -> str:
    return request.headers.get("x-amz-checksum-algorithm", "").upper() or source.algorithm
