"""Whether a directory holds exactly what its run's manifest lists."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from fanout.manifest import MANIFEST, Manifest, OutputFile
from stepbatch.errors import UsageError
from stepbatch.workspace import FOLDER, file_sha256


def read_manifest(out: Path) -> Manifest | None:
    """The manifest in a directory, or None where the run is not complete. Raises UsageError if it cannot be read."""
    if not out.is_dir():
        raise UsageError(f"{out} is not a directory: give the --out of a run")
    try:
        return msgspec.json.decode((out / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise UsageError(f"{out / MANIFEST} is no manifest: {error}") from None


def problems(out: Path, manifest: Manifest) -> list[str]:
    """How a directory differs from its manifest: files missing, changed or stray; empty where it does not."""
    wanted = {file.path for file in manifest.files}
    found = [problem for file in manifest.files if (problem := difference(out / file.path, file))]
    strays = sorted(path for path in files_below(out) if path not in wanted and path != MANIFEST)
    return found + [f"{path}: stray, the manifest does not list it" for path in strays]


def difference(target: Path, file: OutputFile) -> str | None:
    """How a file differs from what the manifest lists."""
    try:
        size = target.stat().st_size if target.is_file() else None
    except OSError as error:
        return f"{file.path}: {error.strerror}"
    if size is None:
        return f"{file.path}: missing"
    if size != file.size:
        return f"{file.path}: {size} bytes, the manifest says {file.size}"
    digest = file_sha256(target)
    return None if digest == file.sha256 else f"{file.path}: sha256 {digest}, the manifest says {file.sha256}"


def files_below(out: Path) -> Iterator[str]:
    """The path of everything in a run's directory that is no directory; stepbatch's own folder is not looked into.

    Without a Path an entry: a run of 10,000 nodes has 20,000 files, and its local cloud's folder as many again.
    """
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(out / folder) as entries:
            for entry in entries:
                if not entry.is_dir():
                    yield folder + entry.name
                elif not entry.is_symlink() and (folder or entry.name != FOLDER):
                    folders.append(f"{folder}{entry.name}/")
