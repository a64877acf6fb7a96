"""The .blend and the files beside it, in the version that was counted, brought to this machine."""

import posixpath
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fanout.blend.archive import opened, read_archive
from fanout.blend.project import Project, find_project, named
from fanout.blend.sources import FileSource
from fanout.blendplan import Look
from fanout.errors import PlanError
from fanout.s3 import Objects, ObjectSummary, S3Uri

DOWNLOADS = 8  # at once
PIECE = 1 << 20


def stage(objects: Objects, uri: str, look: Look, output: S3Uri, folder: Path) -> Path:
    """Downloads the project into ``folder``; the path of its .blend.

    Raises PlanError if it is no longer what was counted, BlendError if a zip is damaged.
    """
    project = find_project(objects, uri, blend=look.blend if look.kind != "file" else None, output=output)
    if (project.kind, project.version) != (look.kind, look.version):
        raise PlanError(f"{uri} was changed since its frames were counted: start the run again")
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        list(pool.map(lambda item: download(objects, item[1], inside(folder, item[0])), project.objects.items()))
    if project.kind == "zip":
        unpack(folder / posixpath.basename(project.uri.key), project, folder)
    return folder / look.blend


def inside(folder: Path, path: str) -> Path:
    """A path in the folder. Raises PlanError if an object's key leads out of it."""
    target = folder / path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise PlanError(f"the key {path!r} leads out of its folder")
    return target


def download(objects: Objects, found: ObjectSummary, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(objects.open(found.uri, IfMatch=f'"{found.etag}"'), file, PIECE)


def unpack(path: Path, project: Project, folder: Path) -> None:
    source = FileSource(path)
    with named(posixpath.basename(project.uri.key)):
        members = read_archive(source)
        with opened(source) as archive:
            for name, member in members.items():
                target = inside(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as stream, target.open("wb") as file:
                    shutil.copyfileobj(stream, file, PIECE)
    path.unlink()
