"""The Lambda Runtime API that one worker talks to: next, response, error, init/error."""

import json
import queue
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from localcloud.server import Server, listen
from localcloud.visitors import from_elsewhere, refuse

_INVOCATION = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")
MAX_RESPONSE = 6 * 1024 * 1024 + 100  # bytes; AWS allows 6 MB and a little for its envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    request_id: str
    payload: bytes
    arn: str
    client_context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a worker did: took an invocation, answered it, failed to start, or ended."""

    kind: str  # "taken", "response", "error", "init-error", "exit"
    request_id: str = ""
    body: bytes = b""
    code: int = 0


class RuntimeApi:
    """A server on a port of its own; what the worker does is put on :attr:`events`."""

    def __init__(self, *, deadline: Callable[[], int]) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._pending: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._deadline = deadline  # milliseconds since 1970, if the invocation began now
        self._server = Server(listen(0), self._application, name="runtime-api", idle_seconds=None)
        self.address = f"127.0.0.1:{self._server.port}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._pending.put(None)
        self._server.stop()

    def offer(self, invocation: Invocation) -> None:
        """Give the worker its next invocation."""
        self._pending.put(invocation)

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if (problem := from_elsewhere(environ)) is not None:
            return refuse(problem, start_response)
        path = environ["PATH_INFO"]
        if path == "/2018-06-01/runtime/invocation/next":
            return self._next(start_response)
        body = environ["wsgi.input"].read()
        found = _INVOCATION.fullmatch(path)
        if found:
            request_id, kind = found.groups()
            if len(body) > MAX_RESPONSE:  # accepted, because a refusal would end the runtime client
                kind, body = "error", _TOO_LARGE
            self.events.put(Event(kind=kind, request_id=request_id, body=body))
        elif path == "/2018-06-01/runtime/init/error":
            self.events.put(Event(kind="init-error", body=body))
        else:
            return _answer(start_response, "404 Not Found", b'{"errorType":"UnknownPath"}')
        return _answer(start_response, "202 Accepted", b'{"status":"OK"}')

    def _next(self, start_response: Any) -> Iterable[bytes]:
        invocation = self._pending.get()
        if invocation is None:
            return _answer(start_response, "410 Gone", b"")
        headers = [
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(self._deadline())),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.arn),
            ("Lambda-Runtime-Trace-Id", f"Root=1-00000000-{invocation.request_id.replace('-', '')[:24]};Sampled=0"),
        ]
        if invocation.client_context:
            headers.append(("Lambda-Runtime-Client-Context", invocation.client_context))
        self.events.put(Event(kind="taken", request_id=invocation.request_id))
        return _answer(start_response, "200 OK", invocation.payload, headers)


_TOO_LARGE = json.dumps(
    {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }
).encode()


def _answer(start_response: Any, status: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers])
    return [body]
