"""Notices that a package has been edited."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path


def fingerprint(roots: Iterable[Path]) -> int:
    """Changes when a Python file below ``roots`` is written, added or removed."""
    return hash(tuple(sorted(entry for root in roots for entry in _files(root))))


def _files(root: Path) -> Iterator[tuple[str, int, int]]:
    for folder, folders, names in root.walk():
        folders[:] = [name for name in folders if not name.startswith(".")]  # .venv: an image's own environment
        for name in names:
            if name.endswith(".py"):
                with suppress(FileNotFoundError):  # removed since it was listed
                    found = (folder / name).stat()
                    yield str(folder / name), found.st_mtime_ns, found.st_size
