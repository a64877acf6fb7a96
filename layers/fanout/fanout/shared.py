"""Files on a file system that many machines mount: read whole, written whole, named so that no path leaves the root.

On a network file system every call costs milliseconds, so there are few: no locks, no listings, no existence checks.
"""

import os
import re
from pathlib import Path

from fanout.errors import InputError

DIRECTORY = "SHARED_DIRECTORY"  # environment variable with the place where the file system is mounted
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def safe_name(text: str) -> str:
    """``text``, if it is one plain component of a path. Raises InputError."""
    if not SAFE_NAME.fullmatch(text):
        raise InputError(
            f"{text!r} cannot name a file or directory: use 1 to 128 letters, digits, '.', '_' and '-', "
            "the first a letter or digit"
        )
    return text


class SharedFiles:
    """A directory on the shared file system."""

    __slots__ = ("root",)

    def __init__(self, root: str) -> None:
        self.root = root

    @classmethod
    def mounted(cls) -> "SharedFiles":
        """The file system that SHARED_DIRECTORY names. Raises InputError if the variable is not set."""
        root = os.environ.get(DIRECTORY)
        if not root:
            raise InputError(f"{DIRECTORY} is not set: the job definition must say where the file system is mounted")
        return cls(root)

    def folder(self, *names: str) -> "SharedFiles":
        """A directory below this one, which need not be there yet."""
        return SharedFiles("/".join((self.root, *map(safe_name, names))))

    def make(self) -> None:
        """Makes the directory; its parent is there. One that exists is as good."""
        try:
            os.mkdir(self.root)  # noqa: PTH102 - a Path costs more than the call
        except FileExistsError:
            if not Path(self.root).is_dir():
                raise

    def read(self, name: str) -> bytes | None:
        """The file's content, or None if it is absent."""
        try:
            with open(f"{self.root}/{safe_name(name)}", "rb", buffering=0) as file:  # noqa: PTH123 - as in make
                return file.read()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """The file appears complete or not at all, whoever else writes it meanwhile; makes this directory if need be.

        Closing a file on NFS sends it to the server, so that whoever opens it later, on any machine, sees all of it.
        """
        path = f"{self.root}/{safe_name(name)}"
        temporary = f"{self.root}/.{name}.{os.urandom(6).hex()}"
        try:
            descriptor = self._create(temporary)
        except FileNotFoundError:
            self.make()
            descriptor = self._create(temporary)
        try:
            with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - as in make
                while content:
                    content = content[file.write(content) :]
            os.replace(temporary, path)  # noqa: PTH105 - as in make
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    @staticmethod
    def _create(path: str) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
