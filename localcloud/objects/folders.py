"""Folders between a bucket and its objects: made when a key needs them, removed when they are empty."""

import os
import stat
from collections.abc import Callable, Iterator

from localcloud.objects.errors import S3Error

_REMEMBERED = 50_000  # folders known not to be symbolic links


class Folders:
    """Folders below the open directory ``root``, by relative path."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._real: set[str] = set()

    def exists(self, path: str) -> bool:
        return stat.S_ISDIR(self._mode(path))

    def holds(self, path: str) -> bool:
        """Whether there is a regular file, no symbolic link on the way or at the end."""
        return self.stay_inside(path) and stat.S_ISREG(self._mode(path))

    def make_for(self, path: str, make_way: Callable[[str], None]) -> None:
        """Make the folders that ``path`` lies in, never the bucket. S3Error NoSuchBucket if that is missing.

        ``make_way(folder)`` is called for what has a folder's name. Some may be missing afterwards, if somebody
        else removes folders at the same time.
        """
        bucket, *steps = _ancestors(path)
        if not self.exists(bucket):
            raise S3Error("NoSuchBucket", BucketName=bucket)
        for folder in steps:
            try:
                os.mkdir(folder, dir_fd=self._root)
            except FileExistsError:
                if not self.exists(folder):
                    make_way(folder)
            except (FileNotFoundError, NotADirectoryError):
                return

    def prune(self, path: str) -> None:
        """Remove empty folders from the one that holds ``path`` up to the bucket, which stays."""
        parent = path.rpartition("/")[0]
        while "/" in parent:
            try:
                os.rmdir(parent, dir_fd=self._root)
            except OSError:  # not empty, or already gone
                return
            parent = parent.rpartition("/")[0]

    def stay_inside(self, path: str) -> bool:
        """False if a folder on the way is a symbolic link. No key can make one, but a person can."""
        parent = path.rpartition("/")[0]
        if parent in self._real:
            return True
        for folder in _ancestors(path):
            mode = self._mode(folder)
            if stat.S_ISLNK(mode):
                return False
            if not stat.S_ISDIR(mode):
                return True  # nothing there that leads on
        if len(self._real) >= _REMEMBERED:
            self._real.clear()
        self._real.add(parent)
        return True

    def _mode(self, path: str) -> int:
        try:
            return os.stat(path, dir_fd=self._root, follow_symlinks=False).st_mode
        except OSError:
            return 0


def _ancestors(path: str) -> Iterator[str]:
    position = path.find("/")
    while position != -1:
        yield path[:position]
        position = path.find("/", position + 1)
