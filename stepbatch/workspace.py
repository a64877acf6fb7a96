"""``DIR/.stepbatch``: what a run remembers between two commands with the same ``--out``.

::

    DIR/.stepbatch/run.json      the run's pipeline and its folder in the data bucket, the same on every cloud
    DIR/.stepbatch/mirror.json   what the last mirror wrote: path -> size and sha256
    DIR/.stepbatch/partial/      downloads under way
    DIR/.stepbatch/...           the private local cloud's objects and log
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepbatch.errors import UsageError

FOLDER = ".stepbatch"
SCHEMA = "stepbatch/run/1"
NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """A file as the mirror wrote it."""

    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """An ``--out`` directory of one pipeline."""

    out: Path
    made: tuple[Path, ...] = ()  # the folders that opening it created, the innermost first

    @property
    def state(self) -> Path:
        return self.out / FOLDER

    @property
    def log(self) -> Path:
        return self.state / "localcloud.log"

    @property
    def partial(self) -> Path:
        return self.state / "partial"

    def folder(self, pipeline: str, token: str) -> str:
        """The run's folder in the bucket, ``runs/<directory>-<token>``; ``token`` counts only the first time.

        Raises UsageError if the directory belongs to another pipeline.
        """
        record = self.state / "run.json"
        known = read_json(record)
        if known is None:
            name = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.out.resolve().name).strip("-.") or pipeline
            known = {"schema": SCHEMA, "pipeline": pipeline, "folder": f"runs/{name}-{token}"}
            write_whole(record, json.dumps(known, indent=1).encode() + b"\n")
        if known.get("schema") != SCHEMA or known.get("pipeline") != pipeline:
            raise UsageError(
                f"{self.out} holds a run of {known.get('pipeline')!r}, not of {pipeline!r}: choose another --out"
            )
        return str(known["folder"])

    def mirrored(self) -> dict[str, Mirrored]:
        """What the last mirror wrote, by path; empty before the first."""
        record: dict[str, Any] = read_json(self.state / "mirror.json") or {}
        return {path: Mirrored(**entry) for path, entry in record.items()}

    def note_mirrored(self, files: dict[str, Mirrored]) -> None:
        record = {path: {"size": files[path].size, "sha256": files[path].sha256} for path in sorted(files)}
        write_whole(self.state / "mirror.json", json.dumps(record, indent=1).encode() + b"\n")


@contextmanager
def opened(out: Path) -> Iterator[Workspace]:
    """The directory, made if need be and locked for the length of a ``with`` block.

    Raises UsageError if it is a file, cannot be written, holds files of somebody else, or another command works in it.
    """
    refuse_foreign(out)
    state = out / FOLDER
    made = tuple(folder for folder in (state, out, *out.parents) if not folder.exists())
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = (state / "lock").open("wb")
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror or error}") from None
    workspace = Workspace(out, made)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"--out {out}: another stepbatch command works in it") from None
        shutil.rmtree(workspace.partial, ignore_errors=True)
        yield workspace


def refuse_foreign(out: Path) -> None:
    """Raises UsageError if the directory holds files and is no run: results would mix with them or replace them."""
    if (out / FOLDER / "run.json").exists():
        return
    try:
        foreign = sorted(path.name for path in out.iterdir() if path.name != FOLDER)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None
    if foreign:
        more = f" and {len(foreign) - NAMES_SHOWN} more" if len(foreign) > NAMES_SHOWN else ""
        raise UsageError(
            f"--out {out} is not empty and holds no run of stepbatch ({', '.join(foreign[:NAMES_SHOWN])}{more}): "
            "name a new or empty directory"
        )


def discard(workspace: Workspace) -> None:
    """Removes what opening the directory created: a run that was refused leaves nothing."""
    if workspace.state in workspace.made:
        shutil.rmtree(workspace.state)
    for folder in workspace.made[1:]:
        with suppress(OSError):  # something else came to lie in it meanwhile
            folder.rmdir()


def read_json(path: Path) -> dict[str, Any] | None:
    """The document, or None where there is none or a damaged one."""
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def write_whole(path: Path, body: bytes) -> None:
    """The file appears complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(body)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
