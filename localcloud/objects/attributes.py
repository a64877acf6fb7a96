"""Between request headers, records and response headers: what an object carries beside its bytes."""

from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import parse_qsl

from localcloud.objects.checksums import header_of, type_of
from localcloud.objects.errors import S3Error
from localcloud.objects.records import DEFAULT_CONTENT_TYPE, Record

_KEPT = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
)
_META = "x-amz-meta-"
_MAX_METADATA = 2048  # bytes of names and values
_MAX_TAGS, _MAX_TAG_KEY, _MAX_TAG_VALUE = 10, 128, 256
_DEFAULT_ENCRYPTION = "AES256"
_OWNER_ACLS = {"private", "bucket-owner-full-control"}


def describe(headers: Mapping[str, str]) -> Record:
    """A record with everything that the headers say and nothing yet of the bytes.

    S3Error MetadataTooLarge, InvalidTag, InvalidArgument; NotImplemented for keys of the client's own (SSE-C) and
    object locks; AccessControlListNotSupported for an ACL that opens the object to others.
    """
    _refuse(headers)
    kept = {name: headers[name] for name in _KEPT if headers.get(name)}
    encoding = ",".join(part for part in _split(kept.pop("content-encoding", "")) if part != "aws-chunked")
    if encoding:
        kept["content-encoding"] = encoding
    if kept.get("x-amz-storage-class") == "STANDARD":
        del kept["x-amz-storage-class"]
    return Record(
        etag="",
        size=0,
        mtime=0,
        content_type=headers.get("content-type") or DEFAULT_CONTENT_TYPE,
        headers=kept,
        metadata=_metadata(headers),
        tags=parse_tags(headers.get("x-amz-tagging", "")),
    )


def response_headers(record: Record, *, checksum: bool) -> list[tuple[str, str]]:
    """The headers of a GET or HEAD, without Content-Length."""
    headers = [
        ("Content-Type", record.content_type),
        ("ETag", f'"{record.etag}"'),
        ("Last-Modified", http_date(record.mtime)),
        ("Accept-Ranges", "bytes"),
        *((name, value) for name, value in record.headers.items()),
        *((f"{_META}{name}", value) for name, value in record.metadata.items()),
    ]
    if "x-amz-server-side-encryption" not in record.headers:
        headers.append(("x-amz-server-side-encryption", _DEFAULT_ENCRYPTION))
    if record.tags:
        headers.append(("x-amz-tagging-count", str(len(record.tags))))
    if checksum:
        headers += checksum_headers(record)
    return headers


def http_date(nanoseconds: int) -> str:
    """The date of an HTTP header, from nanoseconds since the epoch."""
    return formatdate(nanoseconds // 1_000_000_000, usegmt=True)


def checksum_headers(record: Record) -> list[tuple[str, str]]:
    if not record.checksum:
        return []
    return [(header_of(record.algorithm), record.checksum), ("x-amz-checksum-type", type_of(record.checksum))]


def encryption_headers(record: Record) -> list[tuple[str, str]]:
    """What the answer to a write says of encryption. The file is plain; S3 encrypts everything and says AES256."""
    stated = [
        (name, value) for name, value in record.headers.items() if name.startswith("x-amz-server-side-encryption")
    ]
    return stated or [("x-amz-server-side-encryption", _DEFAULT_ENCRYPTION)]


def parse_tags(header: str) -> dict[str, str]:
    """The tags of an ``x-amz-tagging`` header, ``key=value&key=value``."""
    try:
        pairs = parse_qsl(header, keep_blank_values=True, strict_parsing=bool(header))
    except ValueError:
        raise S3Error(
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters",
        ) from None
    return check_tags(pairs)


def check_tags(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The pairs as a mapping, held to S3's limits. S3Error InvalidTag, BadRequest-like InvalidArgument beyond ten."""
    if len(pairs) > _MAX_TAGS:
        raise S3Error("InvalidTag", f"Object tags cannot be greater than {_MAX_TAGS}")
    for key, value in pairs:
        if not key or len(key) > _MAX_TAG_KEY:
            raise S3Error("InvalidTag", "The TagKey you have provided is invalid", TagKey=key)
        if len(value) > _MAX_TAG_VALUE:
            raise S3Error("InvalidTag", "The TagValue you have provided is invalid", TagKey=key, TagValue=value)
    if len(dict(pairs)) < len(pairs):
        raise S3Error("InvalidTag", "Cannot provide multiple Tags with the same key")
    return dict(pairs)


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    metadata = {name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)}
    size = sum(len(name) + len(value) for name, value in metadata.items())
    if size > _MAX_METADATA:
        raise S3Error("MetadataTooLarge", Size=str(size), MaxSizeAllowed=str(_MAX_METADATA))
    return metadata


def _refuse(headers: Mapping[str, str]) -> None:
    acl = headers.get("x-amz-acl")
    if (acl and acl not in _OWNER_ACLS) or any(name.startswith("x-amz-grant-") for name in headers):
        raise S3Error("AccessControlListNotSupported")
    for name in headers:
        if name.startswith(("x-amz-server-side-encryption-customer-", "x-amz-object-lock-")):
            raise S3Error("NotImplemented", f"{name} is not implemented by the local object store", Header=name)


def _split(header: str) -> list[str]:
    return [part.strip() for part in header.split(",") if part.strip()]
