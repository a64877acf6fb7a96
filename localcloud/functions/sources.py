"""Whether code has been edited since a worker loaded it."""

import os
from collections.abc import Iterable
from pathlib import Path

_NOT_CODE = frozenset({"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv"})


def last_edit(directories: Iterable[Path]) -> int:
    """When a file below the directories was last written, in nanoseconds since 1970; 0 when there is none."""
    return max((_last_edit(os.fspath(directory)) for directory in directories), default=0)


def _last_edit(directory: str) -> int:
    newest = 0
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NOT_CODE:
                    newest = max(newest, _last_edit(entry.path))
            else:
                newest = max(newest, entry.stat().st_mtime_ns)
    return newest
