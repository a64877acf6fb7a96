"""A WSGI server for SDK traffic: keep-alive, one thread a connection, one write a response.

werkzeug's development server closes every connection and waits up to 10 ms after each request; boto3 makes thousands
of small ones. Two rules keep round trips short: ``TCP_NODELAY`` with head and body in one ``sendall``, and
``100 Continue`` sent when the application first reads the body (boto3 waits a second for it before a PUT).
"""

import contextlib
import io
import logging
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from localcloud.wire import BodyReader, Head, Stream, read_head

LOG = logging.getLogger(__name__)
WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
IDLE_SECONDS = 300  # botocore drops pooled connections that a server closed and opens new ones
ACCEPT_PAUSE = 0.05  # seconds between attempts to accept when the system refuses
_BODILESS = {"204", "304"}
_PRESERVED = "moto.preserved_header_names"  # moto reads S3 metadata names with underscores from here


class Server:
    """Serve ``application`` on a listening socket; :meth:`start` returns at once, :meth:`stop` closes everything."""

    def __init__(
        self,
        listener: socket.socket,
        application: WSGIApp,
        *,
        name: str = "gateway",
        idle_seconds: int | None = IDLE_SECONDS,
    ) -> None:
        self._listener = listener
        self._idle_seconds = idle_seconds
        self._application = application
        self._name = name
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self.port: int = listener.getsockname()[1]

    def start(self) -> None:
        threading.Thread(target=self._accept, name=f"{self._name}-accept", daemon=True).start()

    def stop(self) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            open_connections = list(self._connections)
        for connection in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        refused = False
        while not self._stopping:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                if self._stopping:
                    return
                if not refused:  # said once, though it may last: no file descriptor is free, and the client still waits
                    LOG.exception("cannot accept a connection, trying again until it can")
                refused = True
                time.sleep(ACCEPT_PAUSE)
                continue
            refused = False
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection, peer), name=self._name, daemon=True).start()

    def _serve(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self._idle_seconds)
            with io.BufferedReader(socket.SocketIO(connection, "r"), 65536) as stream:
                while self._exchange(connection, stream, peer):
                    pass
        except (ConnectionError, TimeoutError):
            pass  # the client went away or fell silent
        except OSError as error:
            if not self._stopping:
                LOG.warning("connection from %s:%s: %s", *peer, error)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _exchange(self, connection: socket.socket, stream: Stream, peer: tuple[str, int]) -> bool:
        """Answer one request; False when the connection is to be closed."""
        head = read_head(stream)
        if head is None:
            return False
        body = BodyReader(stream, head, lambda: connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"))
        environ = _environ(head, io.BufferedReader(body, 65536), peer, self.port)
        response = _Response(connection, head, body)
        try:
            chunks = self._application(environ, response.start)
            response.send(chunks)
        except ConnectionError:
            return False
        except Exception as error:  # noqa: BLE001 the last line of defence: a bug must answer 500, not hang the client
            LOG.error("%s %s failed: %s\n%s", head.method, head.target, error, traceback.format_exc())  # noqa: TRY400 one text
            if response.begun:
                return False
            response.fail(error)
            return False
        return body.drain() and head.keep_alive


def _environ(head: Head, body: io.BufferedReader, peer: tuple[str, int], port: int) -> dict[str, Any]:
    path, _, query = head.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": head.target,
        "RAW_URI": head.target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": head.version,
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": peer[1],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    names: dict[str, str] = {}
    for name, value in head.headers:
        if "_" in name and not name.lower().startswith("x-amz-meta-"):
            continue  # X_Foo could pose as X-Foo; S3 metadata keys may contain underscores
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
            if "_" in name:
                names[key] = name
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ[_PRESERVED] = names
    return environ


class _Response:
    """What ``start_response`` collects, and how it is written."""

    def __init__(self, connection: socket.socket, head: Head, body: BodyReader) -> None:
        self._connection = connection
        self._head = head
        self._body = body
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self.begun = False

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        del exc_info  # nothing is sent before the first chunk, so headers may be replaced
        self._status, self._headers = status, list(headers)

    def fail(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}\n".encode()
        reason = HTTPStatus.INTERNAL_SERVER_ERROR
        self.start(f"{reason.value} {reason.phrase}", [("Content-Type", "text/plain"), ("Connection", "close")])
        self.send([text])

    def send(self, result: Iterable[bytes]) -> None:
        chunks = result
        try:
            silent = self._head.method == "HEAD" or self._status[:3] in _BODILESS
            known = any(name.lower() == "content-length" for name, _ in self._headers)
            if not known and not silent:
                chunks = [b"".join(chunks)]
                self._headers.append(("Content-Length", str(len(chunks[0]))))
            pending = self._head_bytes()
            for chunk in () if silent else chunks:
                self.begun = True
                # a small body travels with its head; a large one is not copied
                if len(pending) + len(chunk) <= 65536:
                    pending += chunk
                    continue
                self._connection.sendall(pending)
                self._connection.sendall(chunk)
                pending = b""
            self.begun = True
            if pending:
                self._connection.sendall(pending)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _head_bytes(self) -> bytes:
        lines = [f"HTTP/1.1 {self._status}"]
        lines += [f"{name}: {value}" for name, value in self._headers]
        if not any(name.lower() == "date" for name, _ in self._headers):
            lines.append(f"Date: {formatdate(usegmt=True)}")
        if not self._head.keep_alive or self._body.refused:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def listen(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1; port 0 takes a free one. OSError if the port is busy."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener
