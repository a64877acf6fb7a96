"""Buckets: a folder says which exist, the fallback (moto) keeps their settings.

A bucket is made by the fallback first, which knows the rules, and then gets its folder. Before a call about buckets is
passed on, the two are brought into line: folders that the fallback does not know (the root was used before, or a person
made a folder) are announced to it, and buckets whose folder is gone are withdrawn. Creating a bucket that was found so
succeeds once: a stack that is deployed anew on its old objects is not in its own way.
"""

import io
import re
import threading
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from localcloud.objects import uploads
from localcloud.objects.errors import S3Error
from localcloud.objects.ordering import Ordering
from localcloud.objects.request import Request, Response
from localcloud.objects.store import UPLOADS, Store

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class Buckets:
    """Bucket calls. The fallback is only ever called from here."""

    def __init__(self, store: Store, ordering: Ordering, fallback: WSGIApplication, region: str) -> None:
        self._store = store
        self._ordering = ordering
        self._fallback = fallback
        self._region = region
        self._known: set[str] = set()
        self._found: set[str] = set()  # known only because their folders were there
        self._refused: set[str] = set()  # folders whose name the fallback does not take for a bucket
        self._lock = threading.RLock()

    def forward(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the fallback answer, after it has been told which buckets there are."""
        self.reconcile()
        return self._fallback(environ, start_response)

    def create(self, environ: WSGIEnvironment, request: Request) -> Response:
        """CreateBucket: the fallback decides, then the folder is made."""
        if not is_bucket_name(request.bucket):
            raise S3Error("InvalidBucketName", BucketName=request.bucket)
        with self._lock:
            self.reconcile()
            if request.bucket in self._found:  # by whoever begins anew on this root: it is theirs, in any region
                self._announce("DELETE", request.bucket)
                self._found.discard(request.bucket)
            response = self._call(environ)
            if response.status == 200:
                (self._store.root / request.bucket).mkdir(exist_ok=True)
                self._known.add(request.bucket)
            return response

    def delete(self, environ: WSGIEnvironment, request: Request) -> Response:
        """DeleteBucket: refused while an object is left."""
        with self._lock:
            self.reconcile()
            if next(self._ordering.keys(request.bucket, "", ""), None) is not None:
                raise S3Error("BucketNotEmpty", BucketName=request.bucket)
            for folder, _, files in (self._store.root / request.bucket).walk():
                if files:  # a link, a pipe, a name that no key has: not ours to remove
                    words = f"{folder / files[0]} is not an object, but somebody put it there; remove it first"
                    raise S3Error("BucketNotEmpty", words, BucketName=request.bucket)
            response = self._call(environ)
            if response.status == 204:
                uploads.discard(self._store, request.bucket)
                uploads.discard(self._store, f"{UPLOADS}/{request.bucket}")
                self._known.discard(request.bucket)
            return response

    def reconcile(self) -> None:
        with self._lock:
            present = {
                entry.name
                for entry in self._store.root.iterdir()
                if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            }
            for bucket in present - self._known - self._refused:
                known = self._announce("PUT", bucket) in (200, 409)
                (self._known if known else self._refused).add(bucket)
                self._found.add(bucket)
            for bucket in self._known - present:
                self._announce("DELETE", bucket)
                self._known.discard(bucket)
                self._found.discard(bucket)

    def _announce(self, method: str, bucket: str) -> int:
        body = b""
        if method == "PUT" and self._region != "us-east-1":
            constraint = f"<LocationConstraint>{self._region}</LocationConstraint>"
            body = f"<CreateBucketConfiguration>{constraint}</CreateBucketConfiguration>".encode()
        scope = f"local/20250101/{self._region}/s3/aws4_request"
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/{bucket}",
            "RAW_URI": f"/{bucket}",
            "REQUEST_URI": f"/{bucket}",
            "QUERY_STRING": "",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        return self._call(environ).status

    def _call(self, environ: WSGIEnvironment) -> Response:
        """The fallback's whole answer."""
        seen: list[tuple[str, list[tuple[str, str]]]] = []

        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _: object = None, /
        ) -> Callable[[bytes], object]:
            seen.append((status, headers))
            return written.append

        chunks = self._fallback(environ, start_response)
        try:
            body = b"".join([*written, *chunks])
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        status, headers = seen[-1]
        return Response(status=int(status.split()[0]), headers=list(headers), body=[body])


def is_bucket_name(name: str) -> bool:
    """Whether a bucket could have that name; what is none never reaches the disk."""
    return _NAME.fullmatch(name) is not None
