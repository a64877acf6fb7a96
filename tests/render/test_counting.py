"""What the reader makes of a file is what Blender makes of it."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from fanout.blend.reader import read_blend
from fanout.blend.scene import Scene
from fanout.blend.sources import FileSource
from fanout.errors import BlendError
from tests.render.crew import Crew, python

ASK_BLENDER = """
import json, sys, bpy
def facts(scene):
    render = scene.render
    return [scene.name, scene.frame_start, scene.frame_end, scene.frame_step, render.fps, round(render.fps_base, 6),
            render.resolution_x, render.resolution_y, render.resolution_percentage, render.engine, bool(scene.camera)]
for path in sys.argv[1:]:
    bpy.ops.wm.open_mainfile(filepath=path, load_ui=True)
    active = bpy.context.window.scene if bpy.context.window else bpy.context.scene
    print("FACTS", json.dumps([active.name, sorted(map(facts, bpy.data.scenes))]))
"""

KINDS = {
    "plain": (),
    "uncompressed": ("--uncompressed",),
    "late start and steps": ("--start", "101", "--step", "3", "--fps", "30", "--fps-base", "1.001"),
    "odd size": ("--size", "161x91"),
    "several scenes": ("--scenes", "3"),
    "another alphabet": ("--name", "Überraschung 驚き 🎬"),
    "EEVEE": ("--engine", "BLENDER_EEVEE"),
}


@pytest.fixture(scope="module")
def of_blender(scene: Any) -> dict[str, Any]:
    """Kind -> what Blender finds in such a file; all are asked of one Blender, which takes a while to start."""
    paths = [scene(*options) for options in KINDS.values()]
    done = subprocess.run([python(), "-c", ASK_BLENDER, *paths], capture_output=True, text=True, timeout=300)
    lines = [line.removeprefix("FACTS ") for line in done.stdout.splitlines() if line.startswith("FACTS ")]
    return dict(zip(KINDS, map(json.loads, lines), strict=True))


def of_reader(path: Path) -> Any:
    def facts(scene: Scene) -> list[Any]:
        return [scene.name, scene.start, scene.end, scene.step, scene.fps, scene.width, scene.height, scene.percent,
                scene.engine, scene.camera]  # fmt: skip

    blend = read_blend(FileSource(path), path.name)
    assert blend.active
    return [blend.active.name, sorted(map(facts, blend.scenes))]


@pytest.mark.parametrize("kind", KINDS)
def test_scenes_are_read_as_blender_reads_them(scene: Any, of_blender: dict[str, Any], kind: str) -> None:
    active, scenes = of_blender[kind]
    for facts in scenes:
        per_second, base = facts[4:6]
        facts[4:6] = [Fraction(per_second) / Fraction(str(base))]
    assert of_reader(scene(*KINDS[kind])) == [active, scenes]


ADD_IMAGE = """
import sys, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
image = bpy.data.images.new("oak", 4, 4)
image.filepath_raw, image.file_format, image.use_fake_user = sys.argv[2] + "/oak.png", "PNG", True
image.save()
image.source = "FILE"
image.filepath = "//oak.png"
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[3], relative_remap=False)
"""


def test_a_file_that_another_refers_to_is_missed_and_found(scene: Any, crew: Crew, tmp_path: Path) -> None:
    blend = tmp_path / "textured.blend"
    subprocess.run([python(), "-c", ADD_IMAGE, scene(), tmp_path, blend], check=True, capture_output=True, timeout=300)
    with pytest.raises(BlendError, match=r"1 of the files it refers to are missing: image //oak\.png"):
        crew.count(blend)
    folder = f"s3://{crew.bucket}/{crew.name}/"
    with pytest.raises(BlendError, match=r"image //oak\.png"):
        crew.count(blend, inputUri=folder)
    crew.objects.upload(tmp_path / "oak.png", crew.output.parse(f"{folder}oak.png"), "image/png")
    crew.count(blend, inputUri=folder, frames="1")
    crew.run("render")
    assert list(crew.standing()) == [1]
