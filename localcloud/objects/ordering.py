"""Keys in S3's order, read from folders without reading all of them again for every page.

S3 lists keys by their UTF-8 bytes, which is the order of code points and so of Python's strings. A folder sorts as its
name with a ``/``: ``a!``, ``a/b``, ``a0``. Each folder's names are sorted once and kept while its change time stays
(which, unlike the modification time, nobody can set back); a page seeks in them by bisection. So 100,000 keys are
listed in 100 pages at the cost of one scan.
"""

import os
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from localcloud.objects.keys import MORE, OBJECT, is_plain, segment_of, segment_path

_MAX_NAMES = 500_000  # kept in memory over all folders, about 100 bytes each
_TICK = 50_000_000  # ns; a change within the clock tick of the last one may leave the change time as it was


@dataclass(frozen=True, slots=True)
class _Folder:
    """``names`` sorted, folders with a final ``/``; ``sources`` the physical folders and their change times, in ns."""

    names: list[str]
    sources: tuple[tuple[str, int], ...]


class Ordering:
    """Sorted views of the folders below the open directory ``root``, shared by all threads."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._kept: OrderedDict[str, _Folder] = OrderedDict()
        self._count = 0
        self._lock = threading.Lock()

    def keys(self, bucket: str, prefix: str, start: str) -> Iterator[str]:
        """The bucket's keys that begin with ``prefix`` and are not less than ``start``, ascending, lazily."""
        start = max(start, prefix)
        stack = [("", self._names(bucket, "", start))]
        while stack:
            parent, names = stack[-1]
            name = next(names, None)
            if name is None:
                stack.pop()
                continue
            key = parent + name
            if not name.endswith("/"):
                if not key.startswith(prefix):
                    return
                yield key
            elif key.startswith(prefix) or prefix.startswith(key):
                stack.append((key, self._names(bucket, key, start)))
            else:
                return

    def _names(self, bucket: str, parent: str, start: str) -> Iterator[str]:
        """The names in the folder ``parent`` (a key ending in ``/``, or empty), from the one towards ``start`` on."""
        path = "/".join([bucket, *map(segment_path, parent.split("/")[:-1])])
        names = self._read(path).names
        first = 0
        if start.startswith(parent):
            rest = start[len(parent) :]
            first = bisect_left(names, rest[: rest.find("/") + 1] or rest)
        return map(names.__getitem__, range(first, len(names)))

    def _read(self, path: str) -> _Folder:
        with self._lock:
            kept = self._kept.get(path)
        if kept is not None and all(self._changed(source) == changed for source, changed in kept.sources):
            return kept
        begun = time.time_ns()
        names: list[str] = []
        sources: list[tuple[str, int]] = []
        self._scan(path, "", "", names, sources)
        folder = _Folder(sorted(set(names)), tuple(sources))
        settled = all(begun - changed > _TICK for _, changed in sources)
        self._keep(path, folder if settled and sources else None)
        return folder

    def _keep(self, path: str, folder: _Folder | None) -> None:
        with self._lock:
            old = self._kept.pop(path, None)
            self._count -= len(old.names) if old is not None else 0
            if folder is None:
                return
            self._kept[path] = folder
            self._count += len(folder.names)
            while self._count > _MAX_NAMES and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._count -= len(dropped.names)

    def _changed(self, path: str) -> int:
        try:
            return os.stat(path, dir_fd=self._root, follow_symlinks=False).st_ctime_ns
        except OSError:
            return -1

    def _scan(self, path: str, inside: str, segment: str, names: list[str], sources: list[tuple[str, int]]) -> None:
        """Add what the folder ``path`` holds. ``inside``, ``segment``: the long segment it continues."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._root)
        except OSError:
            return  # removed meanwhile, or a symbolic link
        try:
            sources.append((path, os.fstat(fd).st_ctime_ns))
            with os.scandir(fd) as entries:
                for entry in entries:
                    folder = entry.is_dir(follow_symlinks=False)
                    if folder and entry.name.endswith(MORE):
                        base = entry.name.removesuffix(MORE)
                        longer = segment + segment_of(base)
                        self._scan(f"{path}/{entry.name}", f"{inside}{entry.name}/", longer, names, sources)
                    elif folder or entry.is_file(follow_symlinks=False):
                        name = _segment(entry.name, inside, segment, folder=folder)
                        if name is not None:
                            names.append(name)
        finally:
            os.close(fd)


def _segment(name: str, inside: str, segment: str, *, folder: bool) -> str | None:
    """The segment that an entry stands for, with ``/`` if a folder; None if no key would lead to it."""
    base = name if folder else name.removesuffix(OBJECT)
    if not name.isascii() and not _is_text(name):
        return None
    whole = segment + segment_of(base)
    if (segment or not is_plain(base)) and segment_path(whole) != inside + base:
        return None  # a person has made up a name that looks like an escape
    return whole + "/" if folder else whole


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8
        return False
    return True
