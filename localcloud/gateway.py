"""The front door: every AWS call enters here and is routed by the service that signed for it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localcloud.calls import Call, Reply, error_reply
from localcloud.errors import ApiError
from localcloud.server import WSGIApp

Service = Callable[[Call], Reply | None]
"""Answers a call, or returns None to leave it (its body possibly rewritten) to moto."""


class Gateway:
    """WSGI application over our services, an S3 application and moto for all the rest.

    Calls without a signature are S3's, as with moto: anonymous and presigned path-style requests.
    """

    def __init__(self, services: Mapping[str, Service], *, objects: WSGIApp, fallback: WSGIApp) -> None:
        self._services = services
        self._objects = objects
        self._fallback = fallback

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        call = Call(environ)
        service = self._services.get(call.service)
        if service is not None:
            try:
                reply = service(call)
            except ApiError as error:
                reply = error_reply(call.service, error)
            if reply is not None:
                return reply.send(start_response)
        if call.service == "s3" or (not call.service and not call.path.startswith(("/moto-api", "/latest/"))):
            return self._objects(environ, start_response)
        return self._fallback(environ, start_response)
