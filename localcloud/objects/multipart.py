"""The multipart upload calls."""

from localcloud.objects import uploads
from localcloud.objects.assembly import assemble
from localcloud.objects.attributes import checksum_headers, describe, encryption_headers
from localcloud.objects.checksums import header_of, new_digest, type_of
from localcloud.objects.conditions import check_copy_source, parse_range, write_check
from localcloud.objects.copying import open_source, transfer
from localcloud.objects.documents import document, element, parse_parts, text
from localcloud.objects.errors import S3Error
from localcloud.objects.listing import OWNER, read_limit, timestamp
from localcloud.objects.records import Record
from localcloud.objects.request import MAX_PARTS, Request, Response, read_number
from localcloud.objects.store import Store
from localcloud.objects.upload import Received, receive
from localcloud.objects.writing import read_document, require_bucket, xml_response

_MAX_MARKER = (1 << 31) - 1
_FULL_OBJECT_ONLY = {"CRC64NVME"}


def create_upload(store: Store, request: Request) -> Response:
    """Begin an upload; what the object will carry is said here."""
    require_bucket(store, request.bucket)
    record = describe(request.headers)
    algorithm = request.headers.get("x-amz-checksum-algorithm", "").upper()
    if algorithm:
        new_digest(algorithm)
    default = "FULL_OBJECT" if algorithm in _FULL_OBJECT_ONLY else "COMPOSITE"
    kind = request.headers.get("x-amz-checksum-type", default).upper()
    full_object = kind == "FULL_OBJECT"
    if (
        algorithm
        and full_object != (algorithm in _FULL_OBJECT_ONLY)
        and not (full_object and algorithm.startswith("CRC"))
    ):
        words = f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        raise S3Error("InvalidRequest", words)
    upload = uploads.create(store, request.bucket, request.key, record, algorithm, full_object=full_object)
    children = [text("Bucket", upload.bucket), text("Key", upload.key), text("UploadId", upload.id)]
    response = xml_response(document("InitiateMultipartUploadResult", children))
    response.headers.extend(encryption_headers(record))
    if algorithm:
        response.headers.extend([("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", kind)])
    return response


def upload_part(store: Store, request: Request) -> Response:
    """Receive one part."""
    upload, number = _upload(store, request), _part_number(request)
    with store.draft() as draft:
        record = _part_record(receive(request, draft, algorithm=upload.algorithm))
        uploads.put_part(store, upload, number, draft, record)
    checksum = [(header_of(record.algorithm), record.checksum)] if record.checksum else []
    return Response(headers=[("ETag", f'"{record.etag}"'), *encryption_headers(upload.record), *checksum])


def upload_part_copy(store: Store, request: Request) -> Response:
    """Make one part of a range of an object."""
    upload, number = _upload(store, request), _part_number(request)
    with open_source(store, request) as source, store.draft() as draft:
        check_copy_source(source.record, request.headers)
        start, stop = _source_range(request, source.record.size)
        record = _part_record(transfer(source, draft, start, stop - start, upload.algorithm))
        record = uploads.put_part(store, upload, number, draft, record)
    children = [text("LastModified", timestamp(record.mtime)), text("ETag", f'"{record.etag}"'), *_checksum(record)]
    return xml_response(document("CopyPartResult", children))


def complete_upload(store: Store, request: Request) -> Response:
    """Join the parts that the request names into the object."""
    upload = _upload(store, request)
    check = write_check(request.headers, request.key)
    claims = parse_parts(read_document(request))
    with store.draft() as draft:
        record = assemble(store, upload, claims, draft, request.headers)
        record = store.commit(draft, upload.bucket, upload.key, record, check)
    uploads.remove(store, upload)
    location = f"http://127.0.0.1/{upload.bucket}/{upload.key}"
    children = [text("Location", location), text("Bucket", upload.bucket), text("Key", upload.key)]
    children += [text("ETag", f'"{record.etag}"'), *_checksum(record)]
    if record.checksum:
        children.append(text("ChecksumType", type_of(record.checksum)))
    response = xml_response(document("CompleteMultipartUploadResult", children))
    response.headers.extend([*encryption_headers(record), *checksum_headers(record)])
    return response


def abort_upload(store: Store, request: Request) -> Response:
    """Forget the upload and its parts."""
    uploads.remove(store, _upload(store, request))
    return Response(status=204)


def list_parts(store: Store, request: Request) -> Response:
    """One page of an upload's parts."""
    upload = _upload(store, request)
    limit = read_limit(request.query.get("max-parts"), "max-parts")
    marker = read_number(request.query.get("part-number-marker") or "0", "part-number-marker", 0, _MAX_MARKER)
    later = [part for part in uploads.parts(store, upload) if part.number > marker]
    page = later[:limit]
    truncated = len(later) > limit
    children = [text("Bucket", upload.bucket), text("Key", upload.key), text("UploadId", upload.id)]
    children += [OWNER.replace("Owner>", "Initiator>"), OWNER, text("StorageClass", "STANDARD")]
    children += [text("PartNumberMarker", marker), text("MaxParts", limit)]
    children.append(text("IsTruncated", "true" if truncated else "false"))
    if page:
        children.append(text("NextPartNumberMarker", page[-1].number))
    if upload.algorithm:
        kind = "FULL_OBJECT" if upload.full_object else "COMPOSITE"
        children += [text("ChecksumAlgorithm", upload.algorithm), text("ChecksumType", kind)]
    for part in page:
        facts = [text("PartNumber", part.number), text("LastModified", timestamp(part.record.mtime))]
        facts += [text("ETag", f'"{part.record.etag}"'), text("Size", part.record.size), *_checksum(part.record)]
        children.append(element("Part", *facts))
    return xml_response(document("ListPartsResult", children))


def _upload(store: Store, request: Request) -> uploads.Upload:
    require_bucket(store, request.bucket)
    return uploads.find(store, request.bucket, request.key, request.query["uploadId"])


def _part_number(request: Request) -> int:
    return read_number(request.query.get("partNumber", ""), "partNumber", 1, MAX_PARTS)


def _part_record(received: Received) -> Record:
    return Record(etag=received.etag, size=0, mtime=0, algorithm=received.algorithm, checksum=received.checksum)


def _source_range(request: Request, size: int) -> tuple[int, int]:
    header = request.headers.get("x-amz-copy-source-range")
    if header is None:
        return 0, size
    wanted = parse_range(header, size)
    last = header.rpartition("-")[2].strip()
    if wanted is None or not last.isdigit() or int(last) >= size:
        words = f"Range specified is not valid for source object of size: {size}"
        raise S3Error("InvalidArgument", words, ArgumentName="x-amz-copy-source-range", ArgumentValue=header)
    return wanted


def _checksum(record: Record) -> list[str]:
    return [text(f"Checksum{record.algorithm}", record.checksum)] if record.checksum else []
