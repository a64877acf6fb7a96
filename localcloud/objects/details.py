"""An object's tags, its access control list, GetObjectAttributes, and the list of unfinished uploads."""

import msgspec

from localcloud.objects import uploads
from localcloud.objects.attributes import check_tags, http_date
from localcloud.objects.checksums import type_of
from localcloud.objects.documents import document, element, parse_tagging, tagging, text
from localcloud.objects.errors import S3Error
from localcloud.objects.listing import OWNER, encoded, read_encoding, read_limit, timestamp
from localcloud.objects.reading import check_version, find
from localcloud.objects.records import Record
from localcloud.objects.request import Request, Response
from localcloud.objects.store import Store
from localcloud.objects.writing import read_document, require_bucket, xml_response

_AFTER_IDS = "~"  # greater than any upload's id
_GRANTEE = '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">'


def get_tagging(store: Store, request: Request) -> Response:
    with find(store, request) as stored:
        return xml_response(tagging(stored.record.tags.items()))


def put_tagging(store: Store, request: Request) -> Response:
    require_bucket(store, request.bucket)
    check_version(request)
    tags = check_tags(parse_tagging(read_document(request)))
    store.update(request.bucket, request.key, lambda record: msgspec.structs.replace(record, tags=tags))
    return Response()


def delete_tagging(store: Store, request: Request) -> Response:
    require_bucket(store, request.bucket)
    check_version(request)
    store.update(request.bucket, request.key, lambda record: msgspec.structs.replace(record, tags={}))
    return Response(status=204)


def get_acl(store: Store, request: Request) -> Response:
    """The one list there is: the owner may do everything."""
    find(store, request).close()
    owner = OWNER.removeprefix("<Owner>").removesuffix("</Owner>")
    grant = element("Grant", f"{_GRANTEE}{owner}</Grantee>", text("Permission", "FULL_CONTROL"))
    return xml_response(document("AccessControlPolicy", [OWNER, element("AccessControlList", grant)]))


def put_acl(store: Store, request: Request) -> Response:
    """Refused, as by every bucket made since April 2023: its owner enforces ownership."""
    find(store, request).close()
    if request.headers.get("x-amz-acl") == "bucket-owner-full-control":
        return Response()
    raise S3Error("AccessControlListNotSupported")


def get_attributes(store: Store, request: Request) -> Response:
    """The facts that ``x-amz-object-attributes`` names."""
    wanted = {name.strip() for name in request.headers.get("x-amz-object-attributes", "").split(",") if name.strip()}
    if not wanted:
        raise S3Error(
            "InvalidArgument", "x-amz-object-attributes names no attribute", ArgumentName="x-amz-object-attributes"
        )
    with find(store, request) as stored:
        record = stored.record
    children = [child for name, child in _attributes(record).items() if name in wanted]
    response = xml_response(document("GetObjectAttributesResponse", children))
    response.headers.append(("Last-Modified", http_date(record.mtime)))
    return response


def list_uploads(store: Store, request: Request) -> Response:
    """One page of the bucket's unfinished multipart uploads."""
    require_bucket(store, request.bucket)
    query = request.query
    limit = read_limit(query.get("max-uploads"), "max-uploads")
    url = read_encoding(query.get("encoding-type"))
    prefix, marker, id_marker = query.get("prefix", ""), query.get("key-marker", ""), query.get("upload-id-marker", "")
    if query.get("delimiter"):
        raise S3Error(
            "NotImplemented", "ListMultipartUploads with a delimiter is not implemented by the local object store"
        )
    after = (marker, id_marker or _AFTER_IDS) if marker else ("", "")
    found = [
        upload
        for upload in uploads.in_bucket(store, request.bucket)
        if upload.key.startswith(prefix) and (upload.key, upload.id) > after
    ]
    page = found[:limit]
    children = [text("Bucket", request.bucket), text("KeyMarker", encoded(marker, url=url))]
    children += [text("UploadIdMarker", id_marker), text("Prefix", encoded(prefix, url=url)), text("MaxUploads", limit)]
    if url:
        children.append(text("EncodingType", "url"))
    children.append(text("IsTruncated", "true" if len(found) > limit else "false"))
    if len(found) > limit and page:
        children.append(text("NextKeyMarker", encoded(page[-1].key, url=url)))
        children.append(text("NextUploadIdMarker", page[-1].id))
    children += [_upload(upload, url=url) for upload in page]
    return xml_response(document("ListMultipartUploadsResult", children))


def _upload(upload: uploads.Upload, *, url: bool) -> str:
    facts = [text("Key", encoded(upload.key, url=url)), text("UploadId", upload.id)]
    facts += [OWNER.replace("Owner>", "Initiator>"), OWNER, text("StorageClass", "STANDARD")]
    return element("Upload", *facts, text("Initiated", timestamp(upload.initiated)))


def _attributes(record: Record) -> dict[str, str]:
    attributes = {
        "ETag": text("ETag", record.etag),
        "ObjectSize": text("ObjectSize", record.size),
        "StorageClass": text("StorageClass", record.headers.get("x-amz-storage-class", "STANDARD")),
    }
    if record.checksum:
        value = text(f"Checksum{record.algorithm}", record.checksum.partition("-")[0])
        attributes["Checksum"] = element("Checksum", value, text("ChecksumType", type_of(record.checksum)))
    if record.parts:
        attributes["ObjectParts"] = element("ObjectParts", text("PartsCount", len(record.parts)))
    return attributes
