"""What an object is, by its name, its content type and its first bytes. Pure."""

import zlib
from dataclasses import dataclass

import zstandard

CONTENTS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
COMPRESSIONS = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
TYPES = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/x-jsonlines": "jsonl",
}
NO_STATEMENT = {"", "binary/octet-stream", "application/octet-stream", "text/plain", "application/json"}
NO_STATEMENT |= {"application/gzip", "application/x-gzip", "application/zstd"}
MOST_LOOKED_AT = 1 << 20  # bytes, decompressed: a few kilobytes may hold gigabytes
EXPECTED = "expected .csv, .jsonl or .ndjson, each also with .gz or .zst, or a content type that says so"


class UnreadableError(ValueError):
    """An object is not what this pipeline can read; the message says why."""


@dataclass(frozen=True, slots=True)
class Format:
    """How to read an object."""

    content: str  # csv or jsonl
    compression: str | None  # gzip, zstd

    def __str__(self) -> str:
        return self.content if self.compression is None else f"{self.content}+{self.compression}"


def format_of(key: str, content_type: str, content_encoding: str, head: bytes) -> Format:
    """Raises UnreadableError if name, content type and first bytes do not make one clear answer."""
    stem, compression = _split(key.rpartition("/")[2].lower(), COMPRESSIONS)
    _, by_name = _split(stem, CONTENTS)
    stated = content_type.partition(";")[0].strip().lower()
    by_type = TYPES.get(stated)
    if by_type is None and stated not in NO_STATEMENT:
        raise UnreadableError(f"content type {stated!r}: {EXPECTED}")
    if by_name and by_type and by_name != by_type:
        raise UnreadableError(f"its name says {by_name}, its content type {stated!r} says {by_type}")
    content = by_name or by_type
    if content is None:
        raise UnreadableError(f"neither name nor content type {stated!r} says what it is: {EXPECTED}")
    encoding = content_encoding.strip().lower()
    if compression is None and encoding in MAGIC:
        compression = encoding
    if compression and not head.startswith(MAGIC[compression]):
        raise UnreadableError(f"it should be {compression} but begins with {head[:4].hex(' ') or 'nothing'}")
    return Format(content, compression)


def first_bytes(head: bytes, form: Format) -> bytes:
    """The decompressed beginning of an object of which only the beginning was read. Raises UnreadableError."""
    try:
        if form.compression == "gzip":
            return zlib.decompressobj(wbits=31).decompress(head, MOST_LOOKED_AT)
        if form.compression == "zstd":
            return zstandard.ZstdDecompressor().stream_reader(head).read(MOST_LOOKED_AT)
    except (zlib.error, zstandard.ZstdError) as error:
        raise UnreadableError(f"it is no {form.compression} stream: {error}") from error
    return head


def _split(name: str, endings: dict[str, str]) -> tuple[str, str | None]:
    for ending, meaning in endings.items():
        if name.endswith(ending):
            return name.removesuffix(ending), meaning
    return name, None
