"""Folders of linked files, as artists hand them in; what is missing or cannot be read is never rendered around."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fanout.blendplan import frame_uri
from fanout.s3 import S3Uri
from renderer.png import inspect
from tests.render.crew import ROOT, Crew, decoded, python

MAKE_PROJECT = ROOT / "examples" / "rendering" / "make_project.py"
WIDTH, HEIGHT = 48, 32
MOST = 65_535  # of a sample of 16 bits

EMPTY_THE_LIBRARY = """
import sys, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
bpy.data.collections.remove(bpy.data.collections["Set"])
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
"""


CUT = """
import sys, bpy
from pathlib import Path
folder = Path(sys.argv[1])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = 48, 32
scene.view_settings.view_transform = "Standard"
image = bpy.data.images.new("still", 8, 8)
image.pixels[:] = [0.0, 1.0, 0.0, 1.0] * 64
image.filepath_raw, image.file_format = str(folder / "still.png"), "PNG"
image.save()
bpy.data.images.remove(image)
strips = scene.sequence_editor_create().strips
strips.new_effect("red", "COLOR", 1, 1, length=2).color = (1.0, 0.0, 0.0)
still = strips.new_image("still", str(folder / "still.png"), 2, 2, fit_method="STRETCH")
still.directory, scene.frame_end = "//", 2
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"), relative_remap=False)
"""


SMOKE = """
import sys, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1] + "/shot.blend")
scene = bpy.context.scene
solid = bpy.data.meshes.new("solid")
solid.from_pydata([(-1, -1, -1), (1, -1, -1), (0, 1, -1), (0, 0, 1)], [], [(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)])
source, maker = bpy.data.objects.new("solid", solid), bpy.data.objects.new("maker", bpy.data.volumes.new("maker"))
for each in (source, maker):
    scene.collection.objects.link(each)
maker.modifiers.new("volume", "MESH_TO_VOLUME").object = source
made = maker.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
for frame in (1, 2, 4):
    made.grids.save(filepath=f"{sys.argv[1]}/smoke_{frame:04d}.vdb")
bpy.data.objects.remove(maker)
bpy.data.objects.remove(source)
smoke = bpy.data.volumes.new("smoke")
smoke.filepath, smoke.is_sequence, smoke.frame_duration = "//smoke_0001.vdb", True, 4
scene.collection.objects.link(bpy.data.objects.new("smoke", smoke))
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1] + "/shot.blend")
"""


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's project."""
    folder = tmp_path_factory.mktemp("project") / "project"
    subprocess.run([python(), MAKE_PROJECT, folder], check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "project"))


@pytest.fixture
def count(crew: Crew) -> Callable[..., Any]:
    """Uploads a folder and counts its frames."""

    def counted(folder: Path, **more: Any) -> Any:
        root = f"{crew.name}/project"
        for path in folder.rglob("*"):
            if path.is_file():
                key = f"{root}/{path.relative_to(folder).as_posix()}"
                crew.objects.upload(path, S3Uri(crew.bucket, key), "application/octet-stream")
        return crew.count(folder / "shot.blend", inputUri=f"s3://{crew.bucket}/{root}/", **more)

    return counted


def refusal(crew: Crew) -> str:
    code, log = crew.finish(crew.start("render"))
    assert code == 2, log
    return log


def samples(crew: Crew, frame: int, x: int, y: int = HEIGHT // 2) -> tuple[int, ...]:
    """Red, green, blue and alpha of one pixel."""
    picture = crew.objects.get(frame_uri(crew.output, crew.parameters.look, frame))
    image = inspect(picture)
    assert (image.width, image.height, image.depth, image.alpha) == (WIDTH, HEIGHT, 16, True)
    at = 8 * (y * WIDTH + x)
    return tuple(int.from_bytes(decoded(picture)[start : start + 2]) for start in range(at, at + 8, 2))


def test_libraries_packed_textures_image_sequences_and_the_compositor_show_in_the_frames(
    crew: Crew, count: Any, project: Path
) -> None:
    assert count(project)["frames"] == 4
    crew.run("render")
    left, middle, right = 8, 24, 40
    assert samples(crew, 2, middle) == (0, MOST, 0, MOST)  # packed
    assert samples(crew, 2, right) == (MOST, 0, 0, MOST)  # linked, and at the right only because it was mirrored
    assert samples(crew, 2, left, 1) == (0, 0, 0, 0)  # nothing there
    blue = [samples(crew, frame, left)[2] for frame in (1, 2, 3, 4)]
    assert blue == sorted(set(blue))
    assert blue[-1] == MOST


def test_an_image_sequence_with_a_hole_is_refused_at_that_frame_by_the_file(
    crew: Crew, count: Any, project: Path
) -> None:
    (project / "tex" / "seq" / "clip_0003.png").unlink()
    count(project)
    assert "frame 3: Blender says: tex/seq/clip_0003.png does not exist" in refusal(crew)
    assert sorted(crew.standing()) == [1, 2, 4]


def test_smoke_that_is_not_there_at_a_frame_is_refused_at_that_frame(crew: Crew, count: Any, project: Path) -> None:
    subprocess.run([python(), "-c", SMOKE, project], check=True, capture_output=True, timeout=300)
    count(project)
    assert "frame 3: Blender says: smoke_0003.vdb not found" in refusal(crew)
    assert sorted(crew.standing()) == [1, 2, 4]


def test_a_texture_that_cannot_be_read_is_refused_unless_that_is_wanted(crew: Crew, count: Any, project: Path) -> None:
    (project / "tex" / "oak.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    count(project, frames="1")
    assert "frame 1: Blender says: tex/oak.png failed to load" in refusal(crew)
    count(project, frames="1", ignoreMissingAssets=True)
    crew.run("render")
    assert list(crew.standing()) == [1]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[: len(whole) // 2], "1 of the pictures it refers to are cut off: //../tex/oak.png"),
        (lambda whole: whole[:8] + b"junk" * 50 + b"IEND", "tex/oak.png failed to open"),
    ],
)
def test_a_damaged_texture_is_refused_also_in_a_library(
    crew: Crew, count: Any, project: Path, damage: Callable[[bytes], bytes], words: str
) -> None:
    oak = project / "tex" / "oak.png"
    oak.write_bytes(damage(oak.read_bytes()))
    count(project, frames="1")
    assert words in refusal(crew)


def test_a_file_that_only_a_library_refers_to_is_missed(crew: Crew, count: Any, project: Path) -> None:
    (project / "tex" / "oak.png").unlink()
    count(project, frames="1")
    assert "1 of the files it refers to are missing: //../tex/oak.png" in refusal(crew)


def test_what_a_library_no_longer_holds_is_missed(crew: Crew, count: Any, project: Path) -> None:
    library = project / "lib" / "set.blend"
    subprocess.run([python(), "-c", EMPTY_THE_LIBRARY, library], check=True, capture_output=True, timeout=300)
    count(project, frames="1")
    assert "its libraries lack what it links from them: collection 'Set' of //lib/set.blend" in refusal(crew)


def test_a_cut_of_strips_needs_no_camera_and_finds_its_stills(crew: Crew, count: Any, tmp_path: Path) -> None:
    subprocess.run([python(), "-c", CUT, tmp_path], check=True, capture_output=True, timeout=300)
    count(tmp_path)
    crew.run("render")
    shown = [decoded(crew.objects.get(frame_uri(crew.output, crew.parameters.look, frame)))[:3] for frame in (1, 2)]
    assert shown == [b"\xff\0\0", b"\0\xff\0"]
    (tmp_path / "still.png").unlink()
    crew.objects.delete(S3Uri(crew.bucket, f"{crew.name}/project/still.png"))
    count(tmp_path)
    assert "1 of the files it refers to are missing: //still.png" in refusal(crew)


def test_views_in_files_of_their_own_are_refused(crew: Crew, changed: Any) -> None:
    crew.count(changed("scene.render.use_multiview = True"), frames="1")
    assert "renders every view into a file of its own" in refusal(crew)
