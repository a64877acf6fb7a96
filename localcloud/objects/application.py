"""The WSGI application: which operation a request is, and what its errors look like."""

import base64
import errno
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from localcloud.objects import details, listing, multipart
from localcloud.objects.buckets import Buckets, is_bucket_name
from localcloud.objects.conditions import check_expiry
from localcloud.objects.copying import copy_object
from localcloud.objects.documents import error_document
from localcloud.objects.errors import S3Error
from localcloud.objects.ordering import Ordering
from localcloud.objects.reading import get_object, head_object
from localcloud.objects.request import Request, Response, read_request
from localcloud.objects.store import Store
from localcloud.objects.writing import delete_object, delete_objects, put_object

LOG = logging.getLogger(__name__)
type Operation = Callable[[Store, Request], Response]

# (method, the parameter that names the resource) -> operation; the first that matches, plain ones last
_OBJECT_OPERATIONS: Mapping[str, tuple[tuple[str, Operation], ...]] = {
    "GET": (
        ("uploadId", multipart.list_parts),
        ("tagging", details.get_tagging),
        ("acl", details.get_acl),
        ("attributes", details.get_attributes),
        ("", get_object),
    ),
    "HEAD": (("", head_object),),
    "PUT": (("tagging", details.put_tagging), ("acl", details.put_acl), ("", put_object)),
    "POST": (("uploads", multipart.create_upload), ("uploadId", multipart.complete_upload)),
    "DELETE": (("uploadId", multipart.abort_upload), ("tagging", details.delete_tagging), ("", delete_object)),
}
_UNSUPPORTED = ("annotation", "legal-hold", "renameObject", "restore", "retention", "select", "torrent", "encryption")
_CONTROL = ("v20180820", "v20190820")  # path prefixes of S3's control plane, which is no bucket's


class Application:
    """S3 on plain files below ``root``; what is not about objects goes to ``fallback``. See :func:`application`."""

    def __init__(
        self, root: Path, fallback: WSGIApplication, *, durable: bool, region: str, clock: Callable[[], int]
    ) -> None:
        self.store = Store(root, durable=durable, clock=clock)
        self._ordering = Ordering(self.store.fd)
        self._buckets = Buckets(self.store, self._ordering, fallback, region)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = secrets.token_hex(8).upper()
        try:
            request = read_request(environ)
            check_expiry(request.query, self.store.clock())
            operation = self._operation(environ, request)
            if operation is None:
                return self._buckets.forward(environ, start_response)
            response = operation(self.store, request)
        except ConnectionError:
            raise  # the client is gone
        except S3Error as error:
            response = _failure(error, environ, request_id)
        except OSError as error:
            LOG.exception("%s %s", environ["REQUEST_METHOD"], environ.get("PATH_INFO"))
            response = _failure(_disk_error(error), environ, request_id)
        return _respond(response, request_id, start_response)

    def close(self) -> None:
        """Release the root's descriptor; the application must not be called any more."""
        self.store.close()

    def _operation(self, environ: WSGIEnvironment, request: Request) -> Operation | None:
        """The operation that a request is; None if the fallback answers it."""
        if not request.bucket or request.bucket in _CONTROL:
            return None
        if not request.key:
            return self._bucket_operation(environ, request)
        if not is_bucket_name(request.bucket):
            raise S3Error("NoSuchBucket", BucketName=request.bucket)
        for name in _UNSUPPORTED:
            if name in request.query:
                raise S3Error("NotImplemented", f"?{name} is not implemented by the local object store")
        if request.method == "PUT" and ("uploadId" in request.query or "x-amz-copy-source" in request.headers):
            return _put_variant(request)
        for parameter, operation in _OBJECT_OPERATIONS.get(request.method, ()):
            if not parameter or parameter in request.query:
                return operation
        if request.method == "OPTIONS":
            return None
        raise S3Error("MethodNotAllowed", Method=request.method, ResourceType="OBJECT")

    def _bucket_operation(self, environ: WSGIEnvironment, request: Request) -> Operation | None:
        query, method = request.query, request.method
        plain = not any(name in _BUCKET_RESOURCES for name in query)
        if method == "GET" and "uploads" in query:
            return details.list_uploads
        if method == "GET" and "versions" in query:
            return lambda store, request: listing.list_object_versions(store, self._ordering, request)
        if method == "GET" and plain:
            version = listing.list_objects_v2 if query.get("list-type") == "2" else listing.list_objects
            return lambda store, request: version(store, self._ordering, request)
        if method == "POST" and "delete" in query:
            return delete_objects
        if method == "POST":
            raise S3Error("NotImplemented", "Uploads by HTML form are not implemented by the local object store")
        if method == "PUT" and plain:
            return lambda _, request: self._buckets.create(environ, request)
        if method == "DELETE" and plain:
            return lambda _, request: self._buckets.delete(environ, request)
        return None


_BUCKET_RESOURCES = frozenset(
    {
        "abac",
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metadataConfiguration",
        "metadataTable",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "session",
        "tagging",
        "versioning",
        "website",
    }
)


def _put_variant(request: Request) -> Operation:
    copied = "x-amz-copy-source" in request.headers
    if "uploadId" in request.query:
        return multipart.upload_part_copy if copied else multipart.upload_part
    return copy_object


def _failure(error: S3Error, environ: WSGIEnvironment, request_id: str) -> Response:
    if environ["REQUEST_METHOD"] == "HEAD":
        return Response(status=error.status, headers=[("Content-Type", "application/xml")])
    resource = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    data = error_document(error, resource=resource, request_id=request_id, host_id=_host_id(request_id)).encode()
    headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(data)))]
    return Response(status=error.status, headers=headers, body=[data])


def _disk_error(error: OSError) -> S3Error:
    if error.errno == errno.ENAMETOOLONG:
        return S3Error("KeyTooLongError", "The key's path is longer than this file system allows")
    return S3Error("InternalError", f"The local object store failed: {error.strerror or error}")


def _respond(response: Response, request_id: str, start_response: StartResponse) -> Iterable[bytes]:
    headers = [*response.headers, ("x-amz-request-id", request_id), ("x-amz-id-2", _host_id(request_id))]
    headers.append(("Server", "AmazonS3"))
    if response.body == () and response.status not in (204, 304) and not any(n == "Content-Length" for n, _ in headers):
        headers.append(("Content-Length", "0"))
    status = HTTPStatus(response.status)
    start_response(f"{status.value} {status.phrase}", headers)
    return response.body


def _host_id(request_id: str) -> str:
    return base64.b64encode(request_id.encode() * 3).decode()


def application(
    root: Path,
    fallback: WSGIApplication,
    *,
    durable: bool = True,
    region: str = "us-east-1",
    clock: Callable[[], int] = time.time_ns,
) -> Application:
    """S3 for one machine: objects are plain files below ``root`` (made if missing), bucket settings are ``fallback``'s.

    ``durable`` flushes each object to the disk before it becomes visible; without it, objects survive the end of
    this process in any form but not a power cut. ``clock`` gives nanoseconds since the epoch.
    """
    root.mkdir(parents=True, exist_ok=True)
    return Application(root, fallback, durable=durable, region=region, clock=clock)
