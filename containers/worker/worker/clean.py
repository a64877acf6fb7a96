"""Removes a run from the shared file system."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

from fanout.shared import SharedFiles

AT_ONCE = 64  # directories: on a network file system the time goes by waiting


def clean(files: SharedFiles, run: str) -> str:
    """Removes the run's directory, many nodes at a time; one that is gone already is fine."""
    root = files.folder(run).root
    try:
        with os.scandir(root) as entries:
            nodes = [entry.path for entry in entries]
    except FileNotFoundError:
        return "nothing to remove"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(_remove, nodes):
            pass
    _remove(root)
    return f"removed {len(nodes)} nodes"


def _remove(path: str) -> None:
    def passed(_function: object, _path: str, error: BaseException) -> None:
        if not isinstance(error, FileNotFoundError):  # another attempt removes it too
            raise error

    shutil.rmtree(path, onexc=passed)
