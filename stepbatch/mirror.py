"""The inputs of a run as objects, and its outputs as files.

``DIR`` shows what stands under the output URI, every file whole and checked.
Where the run is complete its manifest says what belongs to it. Elsewhere everything under the output URI is taken,
and ``DIR/manifest.json`` is absent: as in the bucket, its presence means that the run is complete.
"""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from uuid import uuid4

import msgspec

from fanout.errors import UriError
from fanout.manifest import MANIFEST, Manifest
from fanout.s3 import Objects, S3Uri
from stepbatch.errors import MirrorError
from stepbatch.workspace import Mirrored, Workspace, file_sha256, write_whole

TRANSFERS = 8  # at once
OCTETS = "application/octet-stream"
CHUNK = 1 << 20  # bytes
RESULTS = "results/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file that the mirror shall hold."""

    path: str  # relative to the output URI
    size: int  # bytes
    sha256: str | None  # as the manifest says; None where only the listing speaks
    etag: str | None = None


def upload(objects: Objects, files: Mapping[str, Path], inputs: S3Uri) -> None:
    """Every file under its name in the folder ``inputs``. Raises UriError if one could not be written."""
    with ThreadPoolExecutor(TRANSFERS) as pool:
        for _ in pool.map(lambda name: objects.upload(files[name], inputs / name, OCTETS), files):
            pass  # the first exception ends it, what has not begun is given up


def withdraw(workspace: Workspace) -> None:
    """The run in the directory is no longer complete."""
    (workspace.out / "manifest.json").unlink(missing_ok=True)


def restore(workspace: Workspace, objects: Objects, output: S3Uri) -> int:
    """Gives back the results that the mirror holds and the bucket lacks: how many.

    A result counts only if it is what the mirror wrote; one that was changed since is left to be computed again.
    """
    held = {path: file for path, file in workspace.mirrored().items() if path.startswith(RESULTS)}
    if not held:
        return 0
    present = {summary.uri.key for summary in objects.list(output / RESULTS.rstrip("/"))}
    missing = [path for path in held if (output / path).key not in present and intact(workspace.out / path, held[path])]
    for path in missing:
        content_type = mimetypes.guess_type(path)[0] or OCTETS
        objects.upload(workspace.out / path, output / path, content_type)
    return len(missing)


def mirror(workspace: Workspace, objects: Objects, output: S3Uri) -> None:
    """Makes the directory show the run.

    Raises MirrorError if a download is not what the manifest says.
    """
    manifest = find_manifest(objects, output)
    wanted = of_manifest(manifest) if manifest else of_listing(objects, output)
    before = workspace.mirrored()
    withdraw(workspace)
    workspace.partial.mkdir(parents=True, exist_ok=True)
    done: dict[str, Mirrored] = {}
    try:
        with ThreadPoolExecutor(TRANSFERS) as pool:
            fetches = pool.map(lambda file: fetch(workspace, objects, output, file, before.get(file.path)), wanted)
            for file, fetched in zip(wanted, fetches, strict=True):
                done[file.path] = fetched
    finally:
        workspace.note_mirrored(before | done)
    remove(workspace, before.keys() - done.keys())
    workspace.note_mirrored(done)
    if manifest:
        write_whole(workspace.out / MANIFEST, objects.get(output / MANIFEST))


def find_manifest(objects: Objects, output: S3Uri) -> Manifest | None:
    """The run's manifest, or None while it is not complete. Raises MirrorError if it is damaged."""
    try:
        return msgspec.json.decode(objects.get(output / MANIFEST), type=Manifest)
    except UriError:
        return None
    except msgspec.DecodeError as error:
        raise MirrorError(f"{output / MANIFEST} is damaged: {error}") from error


def of_manifest(manifest: Manifest) -> list[Wanted]:
    return [Wanted(path=inside(file.path), size=file.size, sha256=file.sha256) for file in manifest.files]


def of_listing(objects: Objects, output: S3Uri) -> list[Wanted]:
    start = len(output.key) + 1 if output.key else 0
    return [
        Wanted(path=inside(summary.uri.key[start:]), size=summary.size, sha256=None, etag=summary.etag)
        for summary in objects.list(output)
        if not summary.uri.key.endswith("/")
    ]


def inside(path: str) -> str:
    """The path, if it stays inside the folder it is relative to. Raises MirrorError."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or parts[0] == ".stepbatch":
        raise MirrorError(f"{path!r} is not a path inside the output: nothing was written there")
    return path


def fetch(workspace: Workspace, objects: Objects, output: S3Uri, wanted: Wanted, before: Mirrored | None) -> Mirrored:
    """Downloads one file, unless the directory has it already."""
    target = workspace.out / wanted.path
    if before and stands(target, before, wanted):
        return before
    return download(workspace, objects, output, wanted)


def stands(target: Path, before: Mirrored, wanted: Wanted) -> bool:
    """Whether the file is as the mirror wrote it, and still the wanted one; without a hash its ETag tells."""
    if not intact(target, before):
        return False
    if wanted.sha256 is not None:
        return wanted.sha256 == before.sha256
    with target.open("rb") as stream:  # the ETag of an object that was put in one piece is its MD5
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == wanted.etag


def download(workspace: Workspace, objects: Objects, output: S3Uri, wanted: Wanted) -> Mirrored:
    """Into a temporary file, checked, then moved to its place. Raises MirrorError if it is not the wanted one."""
    temporary = workspace.partial / uuid4().hex
    digest, size = hashlib.sha256(), 0
    with temporary.open("wb") as file:
        stream = objects.open(output / wanted.path)
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += file.write(chunk)
    if size != wanted.size or wanted.sha256 not in {digest.hexdigest(), None}:
        temporary.unlink()
        raise MirrorError(
            f"{output / wanted.path} has {size} bytes with sha256 {digest.hexdigest()[:12]}…; expected {wanted.size} "
            f"bytes with sha256 {(wanted.sha256 or 'any')[:12]}…: it changed after the run, or the download is damaged"
        )
    target = workspace.out / wanted.path
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.replace(target)
    return Mirrored(size=size, sha256=digest.hexdigest())


def intact(path: Path, file: Mirrored) -> bool:
    """Whether the file is what the mirror wrote."""
    return path.is_file() and path.stat().st_size == file.size and file_sha256(path) == file.sha256


def remove(workspace: Workspace, paths: Iterable[str]) -> None:
    """Files that an earlier mirror wrote and that are no longer the run's; emptied folders go with them."""
    for path in sorted(paths):
        target = workspace.out / path
        target.unlink(missing_ok=True)
        for parent in target.parents:
            if parent == workspace.out or any(parent.iterdir()):
                break
            parent.rmdir()
