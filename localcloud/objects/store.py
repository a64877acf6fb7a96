"""Objects as files: ``ROOT/BUCKET/key/as/path``, each written under a temporary name and renamed into place.

All paths are relative to the root and are opened through its descriptor. What is not an object lies in
``ROOT/.objects`` (no bucket can have that name): unfinished writes, unfinished uploads, side files of metadata.

What a crash leaves: after kill -9 every acknowledged object is there, and an object in flight is old or new, never part
of one. With ``durable`` the same holds after a power cut, save that the last seconds' renames may be missing: data
is flushed before the rename, the folder is not (that doubles the cost of a small PUT).
"""

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from localcloud.objects.draft import Draft
from localcloud.objects.drafts import Drafts
from localcloud.objects.errors import S3Error
from localcloud.objects.folders import Folders
from localcloud.objects.keys import OBJECT, path_of
from localcloud.objects.occupancy import occupy
from localcloud.objects.records import SIDE_FILES, Record, Records

PRIVATE = ".objects"
DRAFTS = f"{PRIVATE}/drafts"
UPLOADS = f"{PRIVATE}/uploads"
_STRIPES = 1024
_ATTEMPTS = 100  # a writer may lose a folder to a deleter this often before it gives up
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # NONBLOCK: somebody may have put a pipe there
# not there, a folder on the way is a file, a folder itself, a symbolic link, a socket
_NO_OBJECT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}

Check = Callable[[Record | None], None]  # given the object that is there, raises S3Error if it must not be replaced


class StoredObject:
    """An open object: its record and a descriptor that keeps showing this version even if it is replaced."""

    __slots__ = ("fd", "record")

    def __init__(self, fd: int, record: Record) -> None:
        self.fd = fd
        self.record = record

    def close(self) -> None:
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Store:
    """The files below ``root``. Any number of threads may use it."""

    def __init__(self, root: Path, *, durable: bool, clock: Callable[[], int], attributes: bool = True) -> None:
        for folder in (DRAFTS, UPLOADS, SIDE_FILES):
            (root / folder).mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self._occupied = occupy(self.root, f"{PRIVATE}/lock", DRAFTS)
        self.fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.records = Records(self.fd, durable=durable, attributes=attributes)
        self.clock = clock
        self._durable = durable
        self._locks = [threading.Lock() for _ in range(_STRIPES)]
        self._folders = Folders(self.fd)
        self._drafts = Drafts(self.fd, DRAFTS)

    def draft(self) -> Draft:
        """A new unnamed object to write into; use it in a ``with`` statement."""
        return self._drafts.new()

    def unused_path(self) -> str:
        """A path among the drafts that nothing has; what lies there is removed when the store is opened again."""
        return self._drafts.unused_path()

    def open(self, bucket: str, key: str) -> StoredObject | None:
        """The object, open; None if there is none."""
        return self.open_path(f"{bucket}/{path_of(key)}")

    def open_path(self, path: str) -> StoredObject | None:
        if not self._folders.stay_inside(path):
            return None
        for candidate in (path, path + OBJECT):  # in this order: see _make_way
            try:
                fd = os.open(candidate, _READ, dir_fd=self.fd)
            except OSError as error:
                if error.errno in _NO_OBJECT:
                    continue
                raise
            try:
                status = os.fstat(fd)
                if stat.S_ISREG(status.st_mode):
                    return StoredObject(fd, self.records.find(fd, candidate, status))
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)
        return None

    def head(self, bucket: str, key: str) -> Record | None:
        """The object's record without its bytes."""
        found = self.open(bucket, key)
        if found is None:
            return None
        found.close()
        return found.record

    def commit(self, draft: Draft, bucket: str, key: str, record: Record, check: Check | None = None) -> Record:
        """Make the draft the object: checked, replaced and visible in one step. Returns the record as stored."""
        return self.commit_path(draft, f"{bucket}/{path_of(key)}", record, check)

    def commit_path(self, draft: Draft, path: str, record: Record, check: Check | None = None) -> Record:
        """:meth:`commit` by path. FileNotFoundError if that is one of the store's own and its folder is gone."""
        if not self._folders.stay_inside(path):
            raise S3Error("AccessDenied", f"{self.root / path} lies behind a symbolic link; objects are not put there")
        record = draft.seal(record, self.clock())
        attached = self.records.attach(draft.fd, record)
        self.flush(draft)
        for _ in range(_ATTEMPTS):
            with self._lock(path):
                if check is not None:
                    check(self._record_at(path))
                if self._place(draft, path, None if attached else record):
                    return record
            if path.startswith(PRIVATE):
                raise FileNotFoundError(path)
            self._folders.make_for(path, self._make_way)
        raise S3Error("InternalError", f"{path}: its folder keeps vanishing while the object is written")

    def flush(self, draft: Draft) -> None:
        """Have the disk take the draft's bytes, before a name leads to them."""
        if self._durable:
            os.fsync(draft.fd)

    def update(self, bucket: str, key: str, change: Callable[[Record], Record]) -> Record:
        """Replace the record of an object whose bytes stay (its tags)."""
        path = f"{bucket}/{path_of(key)}"
        with self._lock(path):
            found = self.open_path(path)
            if found is None:
                raise S3Error("NoSuchKey", Key=key)
            with found:
                record = change(found.record)
                self.records.replace(found.fd, self._target(path), record)
            return record

    def delete(self, bucket: str, key: str, check: Check | None = None) -> None:
        """Remove the object if it is there, and the folders that this leaves empty."""
        path = f"{bucket}/{path_of(key)}"
        with self._lock(path):
            if check is not None:
                check(self._record_at(path))
            for candidate in (path, path + OBJECT):
                if self._folders.holds(candidate):
                    with contextlib.suppress(FileNotFoundError):  # a person was quicker
                        os.unlink(candidate, dir_fd=self.fd)
                    self.records.forget(candidate)
        self._folders.prune(path)

    def is_folder(self, path: str) -> bool:
        return self._folders.exists(path)

    def close(self) -> None:
        self._drafts.close()
        os.close(self.fd)
        os.close(self._occupied)

    def _lock(self, path: str) -> threading.Lock:
        return self._locks[hash(path) % _STRIPES]

    def _record_at(self, path: str) -> Record | None:
        found = self.open_path(path)
        if found is None:
            return None
        found.close()
        return found.record

    def _target(self, path: str) -> str:
        """Where the object is, or is to be: beside the folder of its name if there is one."""
        aside = self.is_folder(path) or self._folders.holds(path + OBJECT)
        return path + OBJECT if aside else path

    def _place(self, draft: Draft, path: str, beside: Record | None) -> bool:
        """Rename the draft into place; False if a folder on the way is missing or has just appeared."""
        target = self._target(path)
        try:
            if beside is not None:
                self.records.lay_beside(target, beside)
            draft.rename(target)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False
        return True

    def _make_way(self, folder: str) -> None:
        """If an object has the folder's name, move it aside. A reader that misses it here finds it there."""
        with self._lock(folder):
            found = None if self.is_folder(folder) else self.open_path(folder)
            if found is None:
                return  # a folder by now, or gone: commit tries again
            with found:
                aside = folder + OBJECT
                self.records.replace(found.fd, aside, found.record)
                os.rename(folder, aside, src_dir_fd=self.fd, dst_dir_fd=self.fd)
                os.mkdir(folder, dir_fd=self.fd)
            self.records.forget(folder)
