"""One S3 request and its response, as the operations see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol
from urllib.parse import parse_qsl, unquote_to_bytes
from wsgiref.types import WSGIEnvironment

from localcloud.objects.errors import S3Error
from localcloud.objects.keys import MAX_KEY_BYTES

_NAMES = (
    "moto.preserved_header_names"  # the server's record of header names with underscores: S3 metadata may have them
)
_SIGNING = frozenset(
    f"x-amz-{name}" for name in ("algorithm", "credential", "date", "expires", "signedheaders", "signature")
)
MAX_PARTS = 10_000
_HOSTS = (".localhost", ".s3.localhost")


class Readable(Protocol):
    """A request body, or a decoder around it. Returns fewer bytes than asked for only at its end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``headers`` by lower-case name; ``query`` with the last value of each parameter; ``length`` None if unknown."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: BinaryIO
    length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """``body`` is iterated once and closed if it has ``close``."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: Iterable[bytes] = ()


def read_request(environ: WSGIEnvironment) -> Request:
    """S3Error InvalidURI if the path is not UTF-8, KeyTooLongError beyond 1,024 bytes."""
    headers = _headers(environ)
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, encoding="utf-8", errors="replace"))
    for name, value in query.items():
        lower = name.lower()
        if lower.startswith("x-amz-") and lower not in _SIGNING:
            headers.setdefault(lower, header_value(value))  # a presigned URL carries headers as parameters
    bucket, key = locate(environ)
    if len(key) > MAX_KEY_BYTES // 4 and len(key.encode()) > MAX_KEY_BYTES:
        raise S3Error("KeyTooLongError", MaxSizeAllowed=str(MAX_KEY_BYTES), Size=str(len(key.encode())))
    length = environ.get("CONTENT_LENGTH") or "0"
    return Request(
        method=environ["REQUEST_METHOD"],
        bucket=bucket,
        key=key,
        query=query,
        headers=headers,
        body=environ["wsgi.input"],
        length=None if "chunked" in headers.get("transfer-encoding", "").lower() else int(length),
    )


def read_number(text: str, name: str, least: int, most: int) -> int:
    """A number among the parameters. S3Error InvalidArgument names it if it is none, or outside the limits."""
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        words = f"{name} must be an integer between {least} and {most}, inclusive"
        raise S3Error("InvalidArgument", words, ArgumentName=name, ArgumentValue=text)
    return int(text)


def header_value(text: str) -> str:
    """A parameter as the value of a header, in the characters that WSGI carries. S3Error for one that would end it."""
    if any(character < " " or character == "\x7f" for character in text):
        raise S3Error("InvalidArgument", "A header's value has no control characters", ArgumentValue=text)
    return text.encode().decode("latin-1")


def locate(environ: WSGIEnvironment) -> tuple[str, str]:
    """Bucket and key, from the path or from a host such as ``bucket.localhost:4566``."""
    raw = environ.get("RAW_URI")
    if raw and raw.startswith("/"):
        octets = unquote_to_bytes(raw.partition("?")[0].encode("latin-1"))
    else:
        octets = environ.get("PATH_INFO", "").encode("latin-1")
    try:
        path = octets.decode()[1:]
    except UnicodeDecodeError:
        raise S3Error("InvalidURI") from None
    host = environ.get("HTTP_HOST", "").partition(":")[0].lower()
    for suffix in reversed(_HOSTS):
        if host.endswith(suffix) and (bucket := host.removesuffix(suffix)) not in ("", "s3"):
            return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    names: Mapping[str, str] = environ.get(_NAMES) or {}
    headers = {
        (names.get(name, name[5:]) if name in names else name[5:].replace("_", "-")).lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if content_type := environ.get("CONTENT_TYPE"):
        headers["content-type"] = content_type
    return headers
