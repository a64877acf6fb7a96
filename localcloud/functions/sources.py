"""The files of a function: what `sam build` copies, and whether one has been edited since a worker loaded it."""

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

# As aws-lambda-builders has them (a test holds this list against it), and one that it lacks.
NOT_COPIED = (
    ".aws-sam", ".chalice", ".git", ".gitignore", "*.pyc", "__pycache__", "*.so", ".Python", "*.egg-info", "*.egg",
    "pip-log.txt", "pip-delete-this-directory.txt", "htmlcov", ".tox", ".nox", ".coverage", ".cache", ".pytest_cache",
    ".python-version", ".mypy_cache", ".dmypy.json", ".pyre", ".env", ".venv", "venv", "venv.bak", "env.bak", "ENV",
    "env", ".vscode", ".idea", ".ruff_cache",
)  # fmt: skip
_NOT_COPIED = re.compile("|".join(map(fnmatch.translate, NOT_COPIED)))


def code_files(directory: Path) -> Iterator[Path]:
    """The files of a function or layer, those behind links too."""
    for folder, folders, names in directory.walk(follow_symlinks=True):
        folders[:] = [name for name in folders if not _NOT_COPIED.fullmatch(name)]
        yield from (folder / name for name in names if not _NOT_COPIED.fullmatch(name) and (folder / name).is_file())


def last_edit(directories: Iterable[Path]) -> int:
    """When a file below the directories was last written, in nanoseconds since 1970; 0 when there is none."""
    return max((_last_edit(os.fspath(directory)) for directory in directories), default=0)


def _last_edit(directory: str) -> int:
    newest = 0
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not _NOT_COPIED.fullmatch(entry.name):
                    newest = max(newest, _last_edit(entry.path))
            else:
                with suppress(FileNotFoundError):  # removed since it was listed, or an editor's lock: a link to nothing
                    newest = max(newest, entry.stat().st_mtime_ns)
    return newest
