"""Where the functions behind custom resources send their answers: what CloudFormation's ResponseURL is here."""

import json
import queue
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

_MOST = 4096  # bytes that CloudFormation takes


class Answers:
    """Listens on 127.0.0.1 for one answer while the ``with`` block lasts."""

    def __init__(self) -> None:
        self._answers: queue.Queue[Any] = queue.Queue()
        path = f"/{secrets.token_urlsafe(16)}"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(path, self._answers))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="custom-resource-answers", daemon=True
        ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> dict[str, Any]:
        """The answer. Raises TimeoutError if none comes, ValueError if it is none that CloudFormation would take."""
        try:
            body = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"no answer came within {seconds:g} s") from None
        if len(body) > _MOST:
            raise ValueError(f"the answer has {len(body):,} bytes; CloudFormation takes {_MOST:,}")
        answer = json.loads(body)
        if not isinstance(answer, dict) or answer.get("Status") not in ("SUCCESS", "FAILED"):
            raise ValueError(f"the answer has no Status SUCCESS or FAILED: {body[:200]!r}")
        return answer


def _handler(path: str, answers: "queue.Queue[Any]") -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            expected = self.path == path
            if expected:
                answers.put(body)
            self.send_response(200 if expected else 403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class names it so
            """Nothing is logged: the deployment tells what went wrong."""

    return Handler
