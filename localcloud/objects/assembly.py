"""Joining the parts of a multipart upload: what the client claims of them is checked first."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from localcloud.objects import uploads
from localcloud.objects.checksums import composite, full_object, header_of
from localcloud.objects.documents import PartClaim
from localcloud.objects.draft import Draft
from localcloud.objects.errors import S3Error
from localcloud.objects.records import Record
from localcloud.objects.store import Store

MIN_PART = 5 << 20  # bytes; every part but the last


def assemble(
    store: Store, upload: uploads.Upload, claims: Sequence[PartClaim], draft: Draft, headers: Mapping[str, str]
) -> Record:
    """Write the parts to ``draft`` and return the object's record.

    S3Error InvalidPartOrder, InvalidPart, EntityTooSmall; BadDigest if the request states another checksum for the
    whole, InvalidRequest if it states another size.
    """
    records = _matching_parts(store, upload, claims)
    for claim in claims:
        part = uploads.open_part(store, upload, claim.number)
        if part is None:
            raise S3Error("InvalidPart", PartNumber=str(claim.number))
        with part:
            if part.record != records[claim.number]:
                raise S3Error("InvalidPart", PartNumber=str(claim.number))  # replaced while we looked
            draft.copy_from(part.fd, 0, part.record.size)
    ordered = [records[claim.number] for claim in claims]
    stated = headers.get("x-amz-mp-object-size")
    if stated is not None and stated != str(draft.size):
        raise S3Error("InvalidRequest", f"The object has {draft.size} bytes, not the stated {stated}")
    return msgspec.structs.replace(
        upload.record,
        etag=combined_etag([record.etag for record in ordered]),
        algorithm=upload.algorithm,
        checksum=_checksum(upload, ordered, headers),
        parts=[record.size for record in ordered],
    )


def combined_etag(etags: Sequence[str]) -> str:
    """S3's ETag of a multipart object: the MD5 of the parts' MD5s, and their number."""
    joined = b"".join(bytes.fromhex(etag) for etag in etags)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(etags)}"


def _matching_parts(store: Store, upload: uploads.Upload, claims: Sequence[PartClaim]) -> dict[int, Record]:
    numbers = [claim.number for claim in claims]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise S3Error("InvalidPartOrder", UploadId=upload.id)
    records = {part.number: part.record for part in uploads.parts(store, upload)}
    for claim in claims:
        record = records.get(claim.number)
        checksum = claim.checksums.get(upload.algorithm)
        if record is None or record.etag != claim.etag or (checksum and checksum != record.checksum):
            raise S3Error("InvalidPart", UploadId=upload.id, PartNumber=str(claim.number), ETag=claim.etag)
    for claim in claims[:-1]:
        record = records[claim.number]
        if record.size < MIN_PART:
            raise S3Error(
                "EntityTooSmall",
                ProposedSize=str(record.size),
                MinSizeAllowed=str(MIN_PART),
                PartNumber=str(claim.number),
                ETag=record.etag,
            )
    return records


def _checksum(upload: uploads.Upload, parts: Sequence[Record], headers: Mapping[str, str]) -> str:
    if not upload.algorithm:
        return ""
    if upload.full_object:
        value = full_object(upload.algorithm, [(part.checksum, part.size) for part in parts])
    else:
        value = composite(upload.algorithm, [part.checksum for part in parts])
    if headers.get(header_of(upload.algorithm), value) != value:
        raise S3Error("BadDigest", f"The {upload.algorithm} you specified did not match the calculated checksum.")
    return value
