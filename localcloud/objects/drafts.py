"""Where unfinished objects lie: folders of one process, emptied as it goes and swept when the root is opened anew.

ext4 puts a new file near its folder, and without a journal it first steps over every file deleted there in the last
minutes: among thousands of them a PUT took 1 ms for that alone. So the folders are spread over the disk (as
``chattr +T`` does) and changed every now and then: 0.02 ms.
"""

import contextlib
import fcntl
import itertools
import os
import secrets
import struct

from localcloud.objects.draft import Draft

_PER_FOLDER = 1000
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602  # FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of <linux/fs.h>, 64 bits
_TOP_OF_HIERARCHY = 0x00020000  # FS_TOPDIR_FL: the folders in here have nothing to do with each other


class Drafts:
    """Makes drafts below ``parent``, a path relative to the open directory ``root``."""

    def __init__(self, root: int, parent: str) -> None:
        self._root = root
        self._token = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._home = f"{parent}/{self._token}"
        self._numbers = itertools.count()
        os.mkdir(self._home, dir_fd=root)
        _spread(root, self._home)

    def new(self) -> Draft:
        path = self.unused_path()
        try:
            return Draft(self._root, path)
        except FileNotFoundError:  # the thread that is to make the folder has not done so yet
            self._make_folder(path)
            return Draft(self._root, path)

    def unused_path(self) -> str:
        """A path that nothing has."""
        folder, number = divmod(next(self._numbers), _PER_FOLDER)
        path = f"{self._folder(folder)}/{number}"
        if number == 0:
            self._make_folder(path)
            with contextlib.suppress(OSError):  # there was none, or a slow upload is still in it
                os.rmdir(self._folder(folder - 2), dir_fd=self._root)
        return path

    def close(self) -> None:
        """Remove the folders, if they are empty."""
        last = next(self._numbers) // _PER_FOLDER
        for path in (*map(self._folder, range(last + 1)), self._home):
            with contextlib.suppress(OSError):
                os.rmdir(path, dir_fd=self._root)

    def _folder(self, number: int) -> str:
        """Its name decides where on the disk ext4 puts it, so no two processes use the same."""
        return f"{self._home}/{self._token}-{number}"

    def _make_folder(self, path: str) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.rpartition("/")[0], dir_fd=self._root)


def _spread(root: int, path: str) -> None:
    """Ask the file system to put the folders in ``path`` far from each other; those that cannot are left alone."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
    try:
        with contextlib.suppress(OSError):
            flags = bytearray(struct.calcsize("l"))
            fcntl.ioctl(fd, _GET_FLAGS, flags)
            (value,) = struct.unpack("l", flags)
            fcntl.ioctl(fd, _SET_FLAGS, struct.pack("l", value | _TOP_OF_HIERARCHY))
    finally:
        os.close(fd)
