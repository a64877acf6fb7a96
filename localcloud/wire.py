"""Reading HTTP/1.1 requests: the head, and a body that ends where it should."""

import io
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

type Stream = io.BufferedReader[socket.SocketIO]  # lazily: only type checkers may subscribe it
_MAX_LINE = 65536
_MAX_HEADERS = 256
_DRAIN_LIMIT = 8 << 20  # an unread body beyond this closes the connection instead


class BadRequestError(ConnectionError):
    """The bytes are not an HTTP request; the connection cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Request line and headers, names as they were sent."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    length: int
    chunked: bool
    expects_continue: bool
    keep_alive: bool = field(default=True)


def read_head(stream: Stream) -> Head | None:
    """The next request's head, or None at the end of the connection."""
    line = stream.readline(_MAX_LINE)
    while line in (b"\r\n", b"\n"):
        line = stream.readline(_MAX_LINE)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError(f"not an HTTP/1.1 request line: {line[:80]!r}")
    headers: list[tuple[str, str]] = []
    known: dict[str, str] = {}
    while (line := stream.readline(_MAX_LINE)) not in (b"\r\n", b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or len(headers) >= _MAX_HEADERS:
            raise BadRequestError(f"not a header: {line[:80]!r}")
        headers.append((name, value.strip()))
        known[name.lower()] = value.strip()
    length = known.get("content-length", "0")
    if not length.isdigit():
        raise BadRequestError(f"Content-Length {length!r} is not a number")
    connection = known.get("connection", "").lower()
    return Head(
        method=words[0],
        target=words[1],
        version=words[2],
        headers=tuple(headers),
        length=int(length),
        chunked="chunked" in known.get("transfer-encoding", "").lower(),
        expects_continue=known.get("expect", "").lower() == "100-continue",
        keep_alive=connection != "close" and (words[2] != "HTTP/1.0" or connection == "keep-alive"),
    )


class BodyReader(io.RawIOBase):
    """The body of one request: exactly Content-Length bytes, or the payload of its chunks."""

    def __init__(self, stream: Stream, head: Head, send_continue: Callable[[], None]) -> None:
        self._stream = stream
        self._chunked = head.chunked
        self._left = 0 if head.chunked else head.length
        self._ended = not head.chunked and head.length == 0
        self._send_continue = send_continue if head.expects_continue and not self._ended else None
        if head.expects_continue and self._ended:
            send_continue()  # AWS CLI 1 takes a final answer without it for that of its next request too

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # typeshed's WriteableBuffer has no len()
        if self._send_continue is not None:
            send, self._send_continue = self._send_continue, None
            send()
        if self._chunked and self._left == 0 and not self._ended:
            self._next_chunk()
        if self._ended:
            return 0
        data = self._stream.read(min(len(buffer), self._left))
        if not data:
            raise BadRequestError("the connection ended inside a body")
        buffer[: len(data)] = data
        self._left -= len(data)
        if self._left == 0:
            if self._chunked:
                self._stream.readline(_MAX_LINE)
            else:
                self._ended = True
        return len(data)

    def _next_chunk(self) -> None:
        size = self._stream.readline(_MAX_LINE).split(b";", 1)[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError:
            raise BadRequestError(f"not a chunk size: {size[:40]!r}") from None
        if self._left == 0:
            self._ended = True
            while self._stream.readline(_MAX_LINE) not in (b"\r\n", b"\n", b""):
                pass  # trailers

    @property
    def refused(self) -> bool:
        """Whether the client still waits for ``100 Continue``: the answer then has to end the connection."""
        return self._send_continue is not None

    def drain(self) -> bool:
        """Skip what the application left unread; False when that is too much, or was never sent."""
        if self._send_continue is not None:
            return False
        skipped = 0
        while not self._ended and skipped <= _DRAIN_LIMIT:
            skipped += self.readinto(memoryview(bytearray(65536)))
        return self._ended
