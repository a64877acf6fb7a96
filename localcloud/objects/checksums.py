"""S3's additional checksums: which header names which algorithm, how the value is computed and combined.

The XXHASH family is refused by name: nothing on this machine computes it without another dependency.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from localcloud.objects.errors import S3Error

PREFIX = "x-amz-checksum-"
_NOT_CHECKSUMS = {"algorithm", "mode", "type"}  # headers that share the prefix
_CRC_POLYNOMIALS = {"CRC32": (0xEDB88320, 32), "CRC32C": (0x82F63B78, 32), "CRC64NVME": (0x9A6C9329AC4BC9B5, 64)}


class Digest(Protocol):
    """What hashlib's objects offer."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def _crc32c() -> Digest:
    from localcloud.objects.crc import crc32c  # numpy takes 0.1 s to import and most uploads never need it

    return crc32c()


def _crc64nvme() -> Digest:
    from localcloud.objects.crc import crc64nvme

    return crc64nvme()


_ALGORITHMS: dict[str, Callable[[], Digest]] = {
    "CRC32": _Crc32,
    "CRC32C": _crc32c,
    "CRC64NVME": _crc64nvme,
    "MD5": lambda: hashlib.md5(usedforsecurity=False),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a request says of its body's checksum: the algorithm, and the value unless it follows as a trailer."""

    algorithm: str
    value: str = ""


def new_digest(algorithm: str) -> Digest:
    """S3Error InvalidRequest for a name that is none of S3's, NotImplemented for one that is not computed here."""
    try:
        return _ALGORITHMS[algorithm]()
    except KeyError:
        if algorithm.startswith("XXHASH"):
            raise S3Error("NotImplemented", f"The {algorithm} checksum is not computed here; use CRC64NVME") from None
        known = ", ".join(_ALGORITHMS)
        raise S3Error("InvalidRequest", f"{algorithm!r} is no checksum algorithm; known are {known}") from None


def claim_of(headers: Mapping[str, str]) -> Claim | None:
    """The checksum that the headers announce, if any. S3Error InvalidRequest for two, or for a malformed value."""
    claims = [
        Claim(algorithm=name.removeprefix(PREFIX).upper(), value=value)
        for name, value in headers.items()
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in _NOT_CHECKSUMS
    ]
    trailer = headers.get("x-amz-trailer", "").lower().strip()
    if trailer.startswith(PREFIX):
        claims.append(Claim(algorithm=trailer.removeprefix(PREFIX).upper()))
    if not claims:
        return None
    if len(claims) > 1:
        raise S3Error(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    claim = claims[0]
    if claim.value:
        check_format(claim.algorithm, claim.value)
    return claim


def check_format(algorithm: str, value: str) -> None:
    size = len(new_digest(algorithm).digest())
    try:
        right = len(base64.b64decode(value, validate=True)) == size
    except binascii.Error:
        right = False
    if not right:
        raise S3Error("InvalidRequest", f"Value for {header_of(algorithm)} header is invalid.")


def header_of(algorithm: str) -> str:
    return PREFIX + algorithm.lower()


def encode(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")


def type_of(checksum: str) -> str:
    """FULL_OBJECT, or COMPOSITE for the checksum of part checksums (``value-n``)."""
    return "COMPOSITE" if "-" in checksum else "FULL_OBJECT"


def composite(algorithm: str, parts: Iterable[str]) -> str:
    """The checksum of the parts' checksums, ``value-n``."""
    digest = new_digest(algorithm)
    count = 0
    for part in parts:
        digest.update(base64.b64decode(part))
        count += 1
    return f"{encode(digest.digest())}-{count}"


def full_object(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """The checksum of the whole from ``(checksum, size)`` of each part; only a CRC can be combined so."""
    from localcloud.objects.crc import combine

    if algorithm not in _CRC_POLYNOMIALS:
        raise S3Error(
            "InvalidRequest",
            f"The FULL_OBJECT checksum type cannot be used with the {algorithm.lower()} checksum algorithm.",
        )
    polynomial, bits = _CRC_POLYNOMIALS[algorithm]
    whole = 0
    for checksum, size in parts:
        whole = combine(polynomial, bits, whole, int.from_bytes(base64.b64decode(checksum)), size)
    return encode(whole.to_bytes(bits // 8, "big"))
