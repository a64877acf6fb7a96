"""What of S3 is judged by its answer: an absent object, and the keys of DeleteObjects."""

import io
from collections.abc import Iterable
from typing import Any

from localcloud.access import s3
from localcloud.access.guard import Guard
from localcloud.calls import Call, error_reply
from localcloud.objects.documents import document, element, parse_delete, text
from localcloud.objects.request import locate
from localcloud.server import WSGIApp


class GuardedObjects:
    """An S3 application that answers roles as S3 does.

    Who may not list a bucket is not told that an object is absent: 403, not 404. DeleteObjects deletes what may be
    deleted and names the rest.
    """

    def __init__(self, application: WSGIApp, guard: Guard) -> None:
        self._application = application
        self._guard = guard

    def __call__(self, call: Call, start_response: Any) -> Iterable[bytes]:
        role = self._guard.role(call)
        if role is None:
            return self._application(call.environ, start_response)
        bucket, key = locate(call.environ)
        if key and call.method in ("GET", "HEAD"):
            return self._read(call, role, bucket, start_response)
        if bucket and not key and call.method == "POST" and "delete" in call.query:
            return self._delete(call, role, bucket, start_response)
        return self._application(call.environ, start_response)

    def _read(self, call: Call, role: str, bucket: str, start_response: Any) -> Iterable[bytes]:
        seen: list[str] = []

        def begin(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            seen.append(status)
            return start_response(status, headers, exc_info)

        answer = self._application(call.environ, begin)
        if not seen or not seen[-1].startswith("404"):
            return answer
        ask = s3.listing(bucket)
        verdict = self._guard.decide(role, ask)
        if verdict.allowed:
            return answer
        reply = error_reply("s3", self._guard.denial(call, ask, verdict))
        return [] if reply.send(start_response) and call.method == "HEAD" else [reply.body]

    def _delete(self, call: Call, role: str, bucket: str, start_response: Any) -> Iterable[bytes]:
        deletions, quiet = parse_delete(call.body)
        refused = []
        for each in deletions:
            ask = s3.deletion(bucket, each.key, each.version)
            verdict = self._guard.decide(role, ask)
            if not verdict.allowed:
                refused.append((each, self._guard.denial(call, ask, verdict)))
        if not refused:
            return self._application(call.environ, start_response)
        keys = {each.key for each, _ in refused}
        errors = [
            element("Error", text("Key", each.key), text("Code", error.code), text("Message", error.message))
            for each, error in refused
        ]
        allowed = [
            element("Object", text("Key", each.key), *([text("VersionId", each.version)] if each.version else []))
            for each in deletions
            if each.key not in keys
        ]
        done = self._deleted(call, [text("Quiet", str(quiet).lower()), *allowed]) if allowed else b""
        body = done.replace(b"</DeleteResult>", b"") if done else document("DeleteResult", []).encode()[:-15]
        body += "".join(errors).encode() + b"</DeleteResult>"
        start_response("200 OK", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    def _deleted(self, call: Call, children: list[str]) -> bytes:
        """The application's answer to a request for the rest."""
        body = document("Delete", children).encode()
        kept = {
            name: value
            for name, value in call.environ.items()
            if name != "HTTP_CONTENT_MD5" and not name.startswith(("HTTP_X_AMZ_CHECKSUM", "HTTP_X_AMZ_SDK_CHECKSUM"))
        }
        environ = kept | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer = self._application(environ, lambda *_: None)
        try:
            return b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
