"""PutObject, DeleteObject and DeleteObjects."""

import base64
import hashlib

import msgspec

from localcloud.objects.attributes import checksum_headers, describe, encryption_headers
from localcloud.objects.checksums import claim_of, encode, new_digest
from localcloud.objects.conditions import write_check
from localcloud.objects.documents import Deletion, deletion_result, parse_delete
from localcloud.objects.errors import S3Error
from localcloud.objects.reading import check_version
from localcloud.objects.request import Request, Response
from localcloud.objects.store import Store
from localcloud.objects.upload import receive

_MAX_DOCUMENT = 2 << 20


def put_object(store: Store, request: Request) -> Response:
    """Store the body under the key, whole or not at all."""
    require_bucket(store, request.bucket)
    check = write_check(request.headers, request.key)
    record = describe(request.headers)
    with store.draft() as draft:
        received = receive(request, draft)
        record = msgspec.structs.replace(
            record, etag=received.etag, algorithm=received.algorithm, checksum=received.checksum
        )
        record = store.commit(draft, request.bucket, request.key, record, check)
    return Response(headers=[("ETag", f'"{record.etag}"'), *encryption_headers(record), *checksum_headers(record)])


def delete_object(store: Store, request: Request) -> Response:
    """Remove the object; 204 also if there was none."""
    require_bucket(store, request.bucket)
    check_version(request)
    store.delete(request.bucket, request.key, write_check(request.headers, request.key))
    return Response(status=204)


def delete_objects(store: Store, request: Request) -> Response:
    """Remove up to 1,000 keys; a key that was not there counts as removed."""
    require_bucket(store, request.bucket)
    deletions, quiet = parse_delete(read_document(request))
    failures: list[tuple[Deletion, S3Error]] = []
    for deletion in deletions:
        try:
            _delete_one(store, request.bucket, deletion)
        except S3Error as error:
            failures.append((deletion, error))
    failed = {deletion for deletion, _ in failures}
    removed = [] if quiet else [deletion for deletion in deletions if deletion not in failed]
    return xml_response(deletion_result(removed, failures))


def _delete_one(store: Store, bucket: str, deletion: Deletion) -> None:
    if deletion.version not in ("", "null"):
        raise S3Error("NoSuchVersion")
    conditions = {"if-match": deletion.etag} if deletion.etag else {}
    store.delete(bucket, deletion.key, write_check(conditions, deletion.key))


def require_bucket(store: Store, bucket: str) -> None:
    if not store.is_folder(bucket):
        raise S3Error("NoSuchBucket", BucketName=bucket)


def read_document(request: Request) -> bytes:
    """The whole of a small XML body, checked like an object's bytes. S3Error MalformedXML beyond 2 MiB."""
    data = request.body.read(_MAX_DOCUMENT + 1 if request.length is None else min(request.length, _MAX_DOCUMENT + 1))
    if len(data) > _MAX_DOCUMENT:
        raise S3Error("MalformedXML", f"the document is longer than {_MAX_DOCUMENT} bytes")
    content_md5 = request.headers.get("content-md5")
    if content_md5 is not None:
        computed = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        if computed != content_md5.strip():
            raise S3Error("BadDigest", CalculatedDigest=computed)
    claim = claim_of(request.headers)
    if claim is not None and claim.value:
        digest = new_digest(claim.algorithm)
        digest.update(data)
        if encode(digest.digest()) != claim.value:
            raise S3Error("BadDigest", f"The {claim.algorithm} you specified did not match the calculated checksum.")
    return data


def xml_response(document: str, status: int = 200) -> Response:
    data = document.encode()
    return Response(
        status=status, headers=[("Content-Type", "application/xml"), ("Content-Length", str(len(data)))], body=[data]
    )
