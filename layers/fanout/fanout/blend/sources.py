"""Any byte range of something that holds a .blend, and how much of it was read."""

from collections.abc import Buffer
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from pathlib import Path
from typing import Protocol

from fanout.s3 import Objects, ObjectSummary

LOOKING = 1 << 18  # bytes to read ahead at most where only a part is wanted
PASSING = 1 << 22  # where everything must be read


class BlendDamage(ValueError):  # noqa: N818 - inside this package; the reader turns it into a BlendError with a place
    """What is wrong with a file, without the file's name."""


class Source(Protocol):
    """Bytes that can be read anywhere."""

    @property
    def size(self) -> int: ...  # bytes

    @property
    def bytes_read(self) -> int: ...

    @property
    def requests(self) -> int: ...

    def read(self, start: int, stop: int) -> bytes:
        """Bytes ``[start, stop)``; what lies beyond the end is left out."""
        ...


class ObjectSource:
    """One version of an object: a range of a version that was replaced since is an error, not other bytes."""

    def __init__(self, objects: Objects, found: ObjectSummary) -> None:
        self._objects, self._found = objects, found
        self.size = found.size
        self.bytes_read = 0
        self.requests = 0

    def read(self, start: int, stop: int) -> bytes:
        """Raises PlanError if the object has another ETag by now."""
        stop = min(stop, self.size)
        if stop <= start:
            return b""
        data = self._objects.get_range(self._found.uri, start, stop, etag=self._found.etag)
        self.bytes_read += len(data)
        self.requests += 1
        return data


class FileSource:
    """A file of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self.bytes_read = 0
        self.requests = 0

    def read(self, start: int, stop: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            data = file.read(max(0, min(stop, self.size) - start))
        self.bytes_read += len(data)
        self.requests += 1
        return data


class WindowSource:
    """A part of another source: a member that a zip archive holds as it is."""

    def __init__(self, outer: Source, start: int, stop: int) -> None:
        self._outer, self._start, self.size = outer, start, stop - start

    @property
    def bytes_read(self) -> int:
        return self._outer.bytes_read

    @property
    def requests(self) -> int:
        return self._outer.requests

    def read(self, start: int, stop: int) -> bytes:
        return self._outer.read(self._start + start, self._start + min(stop, self.size))


class ReadAhead:
    """Reads on in growing steps where reading goes on, in small ones after a jump."""

    FIRST = 1 << 14  # bytes: a few hundred block headers

    def __init__(self, source: Source, most: int = LOOKING) -> None:
        self.source = source
        self._most = most
        self._start = 0  # of the buffer, in the source
        self._buffer = b""
        self._step = self.FIRST

    def read(self, start: int, count: int) -> bytes:
        """``count`` bytes from ``start``, fewer at the end of the source."""
        offset = start - self._start
        if offset < 0 or offset + count > len(self._buffer):
            self._fill(start, count)
            offset = 0
        return self._buffer[offset : offset + count]

    def _fill(self, start: int, count: int) -> None:
        end = self._start + len(self._buffer)
        goes_on = self._start <= start <= end
        kept = self._buffer[start - self._start :] if goes_on else b""
        self._step = min(2 * self._step, self._most) if goes_on and self._buffer else self.FIRST
        at = start + len(kept)
        self._buffer = kept + self.source.read(at, at + max(count - len(kept), self._step))
        self._start = start


class SourceFile(RawIOBase):
    """Bytes ``[start, stop)`` of a source as a file object."""

    def __init__(self, source: Source, start: int = 0, stop: int | None = None, *, ahead: int = PASSING) -> None:
        self._ahead = ReadAhead(source, ahead)
        self._start = start
        self._size = (source.size if stop is None else stop) - start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self._at = max(0, offset + {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        data = self._ahead.read(self._start + self._at, max(0, min(len(target), self._size - self._at)))
        target[: len(data)] = data
        self._at += len(data)
        return len(data)
