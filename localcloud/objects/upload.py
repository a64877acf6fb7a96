"""Receiving a request's body: into a draft, in pieces, with every digest that the client wants checked."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.objects.checksums import Claim, check_format, claim_of, encode, header_of, new_digest
from localcloud.objects.chunked import ChunkedBody
from localcloud.objects.draft import Draft
from localcloud.objects.errors import S3Error
from localcloud.objects.request import Request

_PIECE = 1 << 20
_MAX_PUT = 5 << 30
_HEX_SHA256 = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What the bytes turned out to be. ``etag``: MD5 in hex; ``checksum``: base64, empty if none was asked for."""

    etag: str
    algorithm: str
    checksum: str


def receive(request: Request, draft: Draft, *, algorithm: str = "") -> Received:
    """Write the body to ``draft`` and check it against what the headers (or trailers) say.

    ``algorithm`` is computed even if the request names no checksum. S3Error BadDigest, InvalidDigest, IncompleteBody,
    XAmzContentSHA256Mismatch, EntityTooLarge.
    """
    digests = _Digests(request.headers, algorithm)
    chunked = ChunkedBody(request.body) if is_chunked(request.headers) else None
    source = chunked or request.body
    expected = decoded_length(request)
    if expected is not None and expected > _MAX_PUT:
        raise S3Error("EntityTooLarge", ProposedSize=str(expected), MaxSizeAllowed=str(_MAX_PUT))
    while piece := source.read(_PIECE if expected is None else min(_PIECE, expected - draft.size)):
        draft.write(piece)
        digests.update(piece)
    if expected is not None and draft.size < expected:
        raise S3Error("IncompleteBody")
    if chunked is not None and chunked.read(1):
        raise S3Error("IncompleteBody", "the body is longer than x-amz-decoded-content-length says")
    return digests.verify(chunked.trailers if chunked is not None else {})


class _Digests:
    """The digests that a request's headers call for, fed side by side."""

    def __init__(self, headers: Mapping[str, str], algorithm: str) -> None:
        self._claim = claim_of(headers)
        self._algorithm = self._claim.algorithm if self._claim else algorithm
        self._content_md5 = _content_md5(headers)
        self._payload_hash = headers.get("x-amz-content-sha256", "")
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if len(self._payload_hash) == _HEX_SHA256 else None
        self._checksum = new_digest(self._algorithm) if self._algorithm else None
        self._all = [digest for digest in (self._md5, self._sha256, self._checksum) if digest is not None]

    def update(self, piece: bytes) -> None:
        for digest in self._all:
            digest.update(piece)

    def verify(self, trailers: Mapping[str, str]) -> Received:
        if self._content_md5 is not None and self._md5.digest() != self._content_md5:
            expected = self._content_md5.hex()
            raise S3Error("BadDigest", ExpectedDigest=expected, CalculatedDigest=encode(self._md5.digest()))
        if self._sha256 is not None and (computed := self._sha256.hexdigest()) != self._payload_hash:
            raise S3Error(
                "XAmzContentSHA256Mismatch",
                ClientComputedContentSHA256=self._payload_hash,
                S3ComputedContentSHA256=computed,
            )
        value = encode(self._checksum.digest()) if self._checksum is not None else ""
        if self._claim is not None and _stated(self._claim, trailers) != value:
            message = f"The {self._claim.algorithm} you specified did not match the calculated checksum."
            raise S3Error("BadDigest", message)
        return Received(etag=self._md5.hexdigest(), algorithm=self._algorithm, checksum=value)


def _stated(claim: Claim, trailers: Mapping[str, str]) -> str:
    """The value that the client gave, in a header or behind the body."""
    if claim.value:
        return claim.value
    name = header_of(claim.algorithm)
    if name not in trailers:
        raise S3Error("InvalidRequest", f"The trailer {name} was announced but never came.")
    check_format(claim.algorithm, trailers[name])
    return trailers[name]


def is_chunked(headers: Mapping[str, str]) -> bool:
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in _encodings(headers)


def decoded_length(request: Request) -> int | None:
    """The size of the object that the request carries; None if only the end of the body will tell."""
    if not is_chunked(request.headers):
        return request.length
    stated = request.headers.get("x-amz-decoded-content-length", "")
    return int(stated) if stated.isdigit() else None


def _content_md5(headers: Mapping[str, str]) -> bytes | None:
    header = headers.get("content-md5")
    if header is None:
        return None
    try:
        digest = base64.b64decode(header, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise S3Error("InvalidDigest")
    return digest


def _encodings(headers: Mapping[str, str]) -> list[str]:
    return [part.strip() for part in headers.get("content-encoding", "").split(",") if part.strip()]
