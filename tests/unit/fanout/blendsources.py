"""Sources of bytes for tests: in memory, and far larger than memory."""

import hashlib
from dataclasses import dataclass, field


@dataclass
class MemorySource:
    """Bytes that are here, larger than what the reader would take at once."""

    data: bytes
    bytes_read: int = 0
    requests: int = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, stop: int) -> bytes:
        found = self.data[max(0, start) : max(0, stop)]
        self.bytes_read += len(found)
        self.requests += 1
        return found


@dataclass
class SparseSource:
    """A long file of few pieces, ``pieces`` repeated or not; nothing of it is held but the pieces."""

    pieces: list[bytes | int]  # bytes as they are, or how many incompressible ones
    bytes_read: int = 0
    requests: int = 0
    places: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        at = 0
        for piece in self.pieces:
            self.places.append(at)
            at += piece if isinstance(piece, int) else len(piece)
        self.size = at

    def read(self, start: int, stop: int) -> bytes:
        start, stop = max(0, start), min(stop, self.size)
        found = b"".join(self._part(index, start, stop) for index in range(len(self.pieces)))
        self.bytes_read += len(found)
        self.requests += 1
        return found

    def _part(self, index: int, start: int, stop: int) -> bytes:
        piece, at = self.pieces[index], self.places[index]
        length = piece if isinstance(piece, int) else len(piece)
        first, last = max(start, at), min(stop, at + length)
        if last <= first:
            return b""
        return noise(first, last) if isinstance(piece, int) else piece[first - at : last - at]


def noise(start: int, stop: int) -> bytes:
    """Incompressible bytes, the same at the same place."""
    block = 32
    first = start // block
    text = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(first, (stop - 1) // block + 1))
    return text[start - first * block :][: stop - start]
