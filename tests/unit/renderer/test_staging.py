"""Bringing the .blend here: the version that was counted, with everything beside it, and nothing outside."""

import io
import zipfile
from pathlib import Path

import pytest

from fanout.blend.project import find_project
from fanout.blendplan import Look
from fanout.errors import BlendError, PlanError
from renderer.staging import inside, stage
from tests.unit.renderer.conftest import BUCKET, OUTPUT, Studio


def look_at(studio: Studio, uri: str) -> Look:
    project = find_project(studio.objects, uri, blend=None, output=OUTPUT)
    return Look(version=project.version, kind=project.kind, blend=project.blend, scene="Scene")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_single_file_is_brought(studio: Studio, tmp_path: Path) -> None:
    uri = studio.put("scène.blend", b"blend")
    path = stage(studio.objects, uri, look_at(studio, uri), OUTPUT, tmp_path)
    assert path == tmp_path / "scène.blend"
    assert files(tmp_path) == {"scène.blend": b"blend"}


def test_a_folder_is_brought_with_its_tree(studio: Studio, tmp_path: Path) -> None:
    studio.put("project/shots/a.blend", b"blend")
    studio.put("project/textures/deep/oak.png", b"oak")
    uri = f"s3://{BUCKET}/project/"
    assert stage(studio.objects, uri, look_at(studio, uri), OUTPUT, tmp_path) == tmp_path / "shots" / "a.blend"
    assert files(tmp_path) == {"shots/a.blend": b"blend", "textures/deep/oak.png": b"oak"}


def test_a_zip_is_unpacked(studio: Studio, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("film/a.blend", b"blend")
        archive.writestr("film\\textures\\oak.png", b"oak")
        archive.writestr("__MACOSX/film/._a.blend", b"?")
    uri = studio.put("film.zip", out.getvalue())
    assert stage(studio.objects, uri, look_at(studio, uri), OUTPUT, tmp_path) == tmp_path / "film" / "a.blend"
    assert files(tmp_path) == {"film/a.blend": b"blend", "film/textures/oak.png": b"oak"}


def test_a_member_that_is_damaged_is_refused(studio: Studio, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.blend", b"blend" * 100)
    uri = studio.put("film.zip", out.getvalue().replace(b"blend" * 50, b"BLEND" * 50, 1))
    with pytest.raises(BlendError, match=r"film\.zip: damaged"):
        stage(studio.objects, uri, look_at(studio, uri), OUTPUT, tmp_path)


def test_another_version_than_was_counted_is_refused(studio: Studio, tmp_path: Path) -> None:
    uri = studio.put("scene.blend", b"blend")
    look = look_at(studio, uri)
    studio.put("scene.blend", b"changed")
    with pytest.raises(PlanError, match="was changed since its frames were counted"):
        stage(studio.objects, uri, look, OUTPUT, tmp_path)


@pytest.mark.parametrize("path", ["../up.txt", "/etc/passwd", "a/../../up.txt"])
def test_nothing_is_written_outside_of_the_folder(path: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="leads out of its folder"):
        inside(tmp_path, path)
