"""An object while it is being written: a file with a temporary name, removed unless it gets its final one."""

import contextlib
import os
from types import TracebackType
from typing import Self

import msgspec

from localcloud.objects.records import Record

_COPY = 64 << 20  # bytes a call to the kernel


class Draft:
    """``path`` is relative to the directory ``root``. Leaving the ``with`` block closes and cleans up."""

    __slots__ = ("_path", "_root", "fd", "size")

    def __init__(self, root: int, path: str) -> None:
        self._root = root
        self._path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=root)
        self.size = 0

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]
        self.size += len(data)

    def copy_from(self, source: int, offset: int, count: int) -> None:
        """Append ``count`` bytes of the open file ``source``, copied by the kernel where it can."""
        while count > 0:
            try:
                done = os.copy_file_range(source, self.fd, min(count, _COPY), offset_src=offset)
            except OSError:  # not between these file systems, or not on this one
                data = os.pread(source, min(count, 1 << 20), offset)
                done = os.write(self.fd, data)
            if done == 0:
                raise OSError(f"a file became shorter while it was copied: {count} bytes are missing")
            offset, count = offset + done, count - done
            self.size += done

    def seal(self, record: Record, now: int) -> Record:
        """``record`` with this file's size and time; ``now`` in nanoseconds since the epoch."""
        os.utime(self.fd, ns=(now, now))
        status = os.fstat(self.fd)
        return msgspec.structs.replace(record, size=status.st_size, mtime=status.st_mtime_ns)

    def rename(self, target: str) -> None:
        os.rename(self._path, target, src_dir_fd=self._root, dst_dir_fd=self._root)
        self._path = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)
        if self._path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path, dir_fd=self._root)
