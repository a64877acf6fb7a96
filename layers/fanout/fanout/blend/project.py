"""What an artist hands in: a single .blend, a folder with linked files beside it, or a zip of such a folder."""

import hashlib
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fanout.blend.archive import file_and_folder, open_member, read_archive
from fanout.blend.sources import BlendDamage, ObjectSource, Source
from fanout.errors import BlendError, RequestError, UriError
from fanout.s3 import Objects, ObjectSummary, S3Uri

SUFFIX = ".blend"
MOST_FILES = 20_000
CHOICES_TOLD = 5

Kind = Literal["file", "folder", "zip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Where the .blend and the files beside it are; paths are relative to the project, with slashes."""

    kind: Kind
    uri: S3Uri  # of the .blend, the folder or the zip
    version: str  # changes when any of the files does: an ETag, or the hash of a folder's listing
    blend: str  # path
    objects: dict[str, ObjectSummary]  # path -> what to download; of a zip only the zip itself
    files: frozenset[str]  # paths


def find_project(objects: Objects, uri: str, *, blend: str | None, output: S3Uri) -> Project:
    """The project at a URI; of a folder, what lies under ``output`` is no part of it.

    Raises UriError if nothing is there, RequestError if it is unclear which .blend is meant, BlendError if a zip is
    damaged.
    """
    place = S3Uri.parse(uri)
    found = None if not place.key or place.key.endswith("/") else objects.find(place)
    if found is None:
        return _folder(objects, place, uri, blend, output)
    name = posixpath.basename(place.key)
    if name.lower().endswith(".zip"):
        with named(name):
            files = frozenset(read_archive(ObjectSource(objects, found)))
        chosen = choose_blend(files, blend, uri)
        return Project(kind="zip", uri=place, version=found.etag, blend=chosen, objects={name: found}, files=files)
    check_lone(name, blend, uri)
    return Project(
        kind="file", uri=place, version=found.etag, blend=name, objects={name: found}, files=frozenset({name})
    )


def _folder(objects: Objects, place: S3Uri, uri: str, blend: str | None, output: S3Uri) -> Project:
    root = S3Uri(place.bucket, place.key.strip("/"))
    start = len(root.key) + 1 if root.key else 0
    found: dict[str, ObjectSummary] = {}
    for row in objects.list(root):
        mine = output.bucket == root.bucket and f"{row.uri.key}/".startswith(f"{output.key}/")
        if row.uri.key.endswith("/") or mine:
            continue
        found[row.uri.key[start:]] = row
        if len(found) > MOST_FILES:
            raise RequestError("input.inputUri", f"{uri} holds more than {MOST_FILES:,} files")
    if not found:
        raise UriError(f"{uri}: there is no such object, and no folder of that name")
    listing = "\n".join(f"{path}\0{row.size}\0{row.etag}" for path, row in sorted(found.items()))
    version = hashlib.sha256(listing.encode()).hexdigest()
    files = frozenset(found)
    if clash := file_and_folder(files):
        raise RequestError("input.inputUri", f"{uri}: {clash!r} is a file and a folder there, which no disk can hold")
    return Project(
        kind="folder", uri=root, version=version, blend=choose_blend(files, blend, uri), objects=found, files=files
    )


def check_lone(name: str, asked: str | None, uri: str) -> None:
    """Raises RequestError if another .blend than the only one was asked for."""
    if asked not in {None, name}:
        raise RequestError("input.blend", f"{asked!r} is to be chosen of a folder or zip; {uri} is a single file")


def choose_blend(files: frozenset[str], asked: str | None, uri: str) -> str:
    """The .blend that was asked for, else the only one of those that lie least deep."""
    blends = sorted((path.count("/"), path) for path in files if path.lower().endswith(SUFFIX))
    if asked is not None:
        if asked not in files:
            raise RequestError("input.blend", f"{uri} holds no {asked!r}; it holds {_some(blends)}")
        return asked
    if not blends:
        raise RequestError("input.inputUri", f"{uri} holds no {SUFFIX} file")
    top = [path for depth, path in blends if depth == blends[0][0]]
    if len(top) > 1:
        raise RequestError("input.blend", f"{uri} holds {_some(blends)}: say which one to render")
    return top[0]


def _some(blends: list[tuple[int, str]]) -> str:
    told = ", ".join(repr(path) for _, path in blends[:CHOICES_TOLD])
    return f"{told} and {len(blends) - CHOICES_TOLD} more" if len(blends) > CHOICES_TOLD else told or "no .blend file"


def open_blend(objects: Objects, project: Project, scratch: Path) -> Source:
    """The bytes of the project's .blend; one that a zip holds compressed is inflated into ``scratch`` first."""
    if project.kind == "zip":
        [archive] = project.objects.values()
        with named(posixpath.basename(project.uri.key)):
            return open_member(ObjectSource(objects, archive), project.blend, scratch)
    return ObjectSource(objects, project.objects[project.blend])


@contextmanager
def named(name: str) -> Iterator[None]:
    """Turns damage into a BlendError of a file."""
    try:
        yield
    except BlendDamage as damage:
        raise BlendError(name, str(damage)) from damage
