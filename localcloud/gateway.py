"""The front door: every AWS call enters here and is routed by the service that signed for it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localcloud.access.guard import Guard
from localcloud.access.objects import GuardedObjects
from localcloud.calls import Call, Reply, error_reply
from localcloud.errors import ApiError
from localcloud.server import WSGIApp
from localcloud.visitors import from_elsewhere, refuse

ACCESS_PATH = "/_localcloud/access"  # what was decided so far; no bucket can have this name

Service = Callable[[Call], Reply | None]
"""Answers a call, or returns None to leave it (its body possibly rewritten) to moto."""


class Gateway:
    """WSGI application over our services, an S3 application and moto for all the rest.

    Calls without a signature are S3's, as with moto: anonymous and presigned path-style requests. With a ``guard``
    nobody answers a role's call that its policies do not allow.
    """

    def __init__(
        self, services: Mapping[str, Service], *, objects: WSGIApp, fallback: WSGIApp, guard: Guard | None = None
    ) -> None:
        self._services = services
        self._objects = objects
        self._guard = guard
        self._guarded = None if guard is None else GuardedObjects(objects, guard)
        self._fallback = fallback

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        call = Call(environ)
        if (problem := from_elsewhere(environ)) is not None:
            return refuse(problem, start_response)
        try:
            reply = self._answer(call)
            if reply is not None:
                return _sent(call, reply, start_response)
            if call.service == "s3" and self._guarded is not None:
                return self._guarded(call, start_response)
        except ApiError as error:
            return _sent(call, error_reply(call.service, error), start_response)
        if call.service == "s3" or (not call.service and not call.path.startswith(("/moto-api", "/latest/"))):
            return self._objects(environ, start_response)
        return self._fallback(environ, start_response)

    def _answer(self, call: Call) -> Reply | None:
        """The reply of one of our services, once the guard admits the call."""
        if self._guard is not None:
            if call.path == ACCESS_PATH:
                return Reply.of(self._guard.document())
            self._guard.admit(call)
        service = self._services.get(call.service)
        return None if service is None else service(call)


def _sent(call: Call, reply: Reply, start_response: Any) -> Iterable[bytes]:
    body = reply.send(start_response)
    return [] if call.method == "HEAD" else body
