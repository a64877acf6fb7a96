"""The aws-chunked content encoding: a body in signed or unsigned chunks, with checksums after the last one.

::

    <size in hex>[;chunk-signature=…]\\r\\n<bytes>\\r\\n … 0[;…]\\r\\n[name:value\\r\\n…]\\r\\n

See "Signature calculations: transferring payload in multiple chunks" in the S3 API reference. Chunk signatures are not
verified: the gateway trusts its own machine.
"""

from typing import BinaryIO

from localcloud.objects.errors import S3Error

_MAX_LINE = 4096


class ChunkedBody:
    """Reads the payload; ``trailers`` (lower-case names) are complete once :meth:`read` has returned ``b""``."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = 0
        self._ended = False
        self.trailers: dict[str, str] = {}

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, fewer only at the end. S3Error IncompleteBody if the encoding is broken."""
        pieces: list[bytes] = []
        while size > 0 and not self._ended:
            if self._left == 0:
                self._begin_chunk()
                continue
            data = self._stream.read(min(size, self._left))
            if not data:
                raise S3Error("IncompleteBody")
            pieces.append(data)
            size -= len(data)
            self._left -= len(data)
            if self._left == 0:
                self._line(expected=b"")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _begin_chunk(self) -> None:
        size = self._line().split(b";", 1)[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError:
            raise S3Error("IncompleteBody", f"{size[:40]!r} is not the size of a chunk") from None
        if self._left < 0:
            raise S3Error("IncompleteBody", f"{size[:40]!r} is not the size of a chunk")
        if self._left == 0:
            self._read_trailers()
            self._ended = True

    def _read_trailers(self) -> None:
        while line := self._stream.readline(_MAX_LINE).rstrip(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    def _line(self, expected: bytes | None = None) -> bytes:
        line = self._stream.readline(_MAX_LINE)
        if not line.endswith(b"\n"):
            raise S3Error("IncompleteBody")
        line = line.rstrip(b"\r\n")
        if expected is not None and line != expected:
            raise S3Error("IncompleteBody", "a chunk is longer than its size says")
        return line
