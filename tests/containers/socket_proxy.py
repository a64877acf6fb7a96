"""Between the SAM CLI and Podman's service: puts a function's container into the network of this machine.

Podman's Docker socket knows bridges only, whatever its configuration says, and from a bridge nothing reaches a local
cloud, which listens on 127.0.0.1 alone. So a request to create a container is changed on its way: the network is the
host's, and the emulator of Lambda's runtime listens on the very port of 127.0.0.1 that would have been published.
"""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import AF_UNIX, SHUT_WR, socket
from typing import Any, BinaryIO

PIECE = 1 << 16


def on_this_machine(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a request to create a container, changed."""
    bindings = body["HostConfig"].pop("PortBindings", {})
    ((published,),) = bindings.values()
    address = f"127.0.0.1:{published['HostPort']}"
    body["HostConfig"]["NetworkMode"] = "host"
    body["Entrypoint"] = [*body["Entrypoint"], "--runtime-interface-emulator-address", address]
    body.pop("ExposedPorts", None)
    return body


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """One request a connection, so that an answer ends where its connection does."""
        head = list(iter(self.rfile.readline, b"\r\n"))
        if not head or not head[-1]:
            return
        named = dict(line.decode().strip().lower().split(": ", 1) for line in head[1:])
        body = self.rfile.read(int(named.get("content-length", 0)))
        if head[0].startswith(b"POST") and b"/containers/create" in head[0]:
            body = json.dumps(on_this_machine(json.loads(body))).encode()
        kept = [line for line in head[1:] if line.lower().partition(b":")[0] not in {b"content-length", b"connection"}]
        upgrade = "upgrade" in named
        kept.append(b"Connection: Upgrade\r\n" if upgrade else b"Connection: close\r\n")
        with socket(AF_UNIX) as podman:
            podman.connect(self.server.upstream)  # type: ignore[attr-defined]  # set by proxy()
            podman.sendall(b"".join([head[0], *kept, b"Content-Length: %d\r\n\r\n" % len(body), body]))
            if upgrade:
                threading.Thread(target=_pass_on, args=(self.rfile, podman), daemon=True).start()
            while piece := podman.recv(PIECE):
                self.wfile.write(piece)


def _pass_on(source: BinaryIO, to: socket) -> None:
    try:
        while piece := source.read1(PIECE):  # type: ignore[attr-defined]  # it is buffered
            to.sendall(piece)
        to.shutdown(SHUT_WR)
    except OSError:
        pass  # the container has ended


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle of an answer is no error of ours."""


@contextmanager
def proxy(path: Path, upstream: Path) -> Iterator[None]:
    """Listens on the Unix socket ``path`` for the service on ``upstream``."""
    with _Server(str(path), _Handler) as server:
        server.upstream = str(upstream)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
