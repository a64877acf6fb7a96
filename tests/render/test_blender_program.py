"""The program that runs inside Blender, spoken to as the renderer does."""

import json
import struct
import subprocess
import wave
from pathlib import Path
from typing import Any

import pytest

from renderer.blender import PROGRAM
from tests.render.crew import decoded, ffmpeg, python

MAKE = """
import math, struct, sys, wave
from pathlib import Path
import bpy

folder = Path(sys.argv[1])
with wave.open(str(folder / "tone.wav"), "wb") as file:
    file.setparams((1, 2, 48_000, 0, "NONE", "not compressed"))
    tone = (int(9_000 * math.sin(math.tau * 440 * index / 48_000)) for index in range(24_000))
    file.writeframes(b"".join(struct.pack("<h", level) for level in tone))


def begin(name):
    scene = bpy.data.scenes.new(name)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.engine = 32, 18, "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.frame_end = 1, False, 12
    scene.view_settings.view_transform = "Standard"
    return scene


def coloured(scene, name, colour, x):
    mesh, material = bpy.data.meshes.new(name), bpy.data.materials.new(name)
    mesh.from_pydata([(-2, -2, 0), (2, -2, 0), (2, 2, 0), (-2, 2, 0)], [], [(0, 1, 2, 3)])
    nodes, shine = material.node_tree.nodes, material.node_tree.nodes.new("ShaderNodeEmission")
    shine.inputs[0].default_value = (*colour, 1.0)
    output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    material.node_tree.links.new(shine.outputs[0], output.inputs[0])
    mesh.materials.append(material)
    camera = bpy.data.objects.new(f"{name} camera", bpy.data.cameras.new(name))
    camera.location, camera.data.type, camera.data.ortho_scale = (x, 0.0, 5.0), "ORTHO", 1.0
    square = bpy.data.objects.new(name, mesh)
    square.location.x = x
    for each in (square, camera):
        scene.collection.objects.link(each)
    return camera


bpy.ops.wm.read_factory_settings(use_empty=True)
cameras = begin("Cameras")
cuts = (1, coloured(cameras, "red", (1.0, 0.0, 0.0), -5.0)), (3, coloured(cameras, "green", (0.0, 1.0, 0.0), 5.0))
for frame, camera in cuts:
    cameras.timeline_markers.new("cut", frame=frame).camera = camera
cameras.camera = cuts[0][1]
inside, tree = (bpy.data.node_groups.new(name, "CompositorNodeTree") for name in ("inside", "writes"))
cameras.compositing_node_group = tree
for each in (inside, tree):
    each.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    layers, output, file = (
        each.nodes.new(kind) for kind in ("CompositorNodeRLayers", "NodeGroupOutput", "CompositorNodeOutputFile")
    )
    layers.scene, file.directory = cameras, str(folder / "elsewhere")
    file.file_output_items.new("RGBA", "Image")
    each.links.new(layers.outputs["Image"], output.inputs[0])
    each.links.new(layers.outputs["Image"], file.inputs[0])
tree.nodes.new("CompositorNodeGroup").node_tree = inside

heard, cut = begin("Heard"), begin("Cut")
strips = heard.sequence_editor_create().strips
strips.new_sound("tone", str(folder / "tone.wav"), 1, 1).sound.pack()
strips.new_effect("blue", "COLOR", 2, 1, length=12).color = (0.0, 0.0, 1.0)
cut.sequence_editor_create().strips.new_scene("shown", heard, 1, 1).scene_input = "SEQUENCER"
begin("Strip").sequence_editor_create().strips.new_scene("shown", cameras, 1, 1)
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a .blend of three scenes in it."""
    made = tmp_path_factory.mktemp("program")
    subprocess.run([python(), "-c", MAKE, made], check=True, capture_output=True, timeout=300)
    return made


def asked(blend: Path, scene: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """What Blender answers when it is asked to open the file and then for more."""
    opening = {"open": str(blend), "scene": scene, "percent": None, "samples": None, "threads": 1}
    opening |= {"runScripts": False, "ignoreMissingAssets": False}
    done = subprocess.run(
        ["bash", "-c", f'exec "{python()}" "{PROGRAM}" 3 3>&1 >/dev/null'],
        input="".join(json.dumps(request) + "\n" for request in (opening, *requests)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def rendered(folder: Path, frame: int) -> dict[str, Any]:
    return {"render": frame, "path": str(folder / f"{frame}.png"), "ignoreMissingAssets": False}


@pytest.mark.parametrize("scene", ["Cameras", "Strip"])
def test_markers_switch_cameras_and_file_output_nodes_write_nothing(folder: Path, scene: str) -> None:
    ready, *answers = asked(folder / "shot.blend", scene, rendered(folder, 2), rendered(folder, 3))
    assert ready["ready"]["sound"] is False
    assert [answer["rendered"] for answer in answers] == [2, 3]
    shown = [decoded((folder / f"{frame}.png").read_bytes())[:3] for frame in (2, 3)]
    assert shown == [b"\xff\0\0", b"\0\xff\0"]
    assert not (folder / "elsewhere").exists()


@pytest.mark.parametrize("scene", ["Heard", "Cut"])
def test_what_is_heard_in_a_scene_is_mixed_also_where_a_strip_of_another_shows_it(folder: Path, scene: str) -> None:
    target = folder / f"{scene}.wav"
    ready, mixed = asked(folder / "shot.blend", scene, {"mix": str(target), "first": 1, "last": 12})
    assert (ready["ready"]["sound"], mixed) == (True, {"mixed": str(target)})
    with wave.open(str(target)) as file:
        levels = struct.unpack(f"<{file.getnframes() * file.getnchannels()}h", file.readframes(file.getnframes()))
        assert file.getnframes() / file.getframerate() == pytest.approx(12 / 24, abs=0.02)
    assert max(levels) > 5_000


LOSE_A_SOUND = """
import sys, bpy
from pathlib import Path
bpy.ops.wm.read_factory_settings(use_empty=True)
broken = Path(sys.argv[1]).with_name("broken.wav")
broken.write_bytes(b"RIFFjunk")
bpy.context.scene.sequence_editor_create().strips.new_sound("tone", str(broken), 1, 1)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
"""


def test_a_sound_that_cannot_be_read_is_refused_and_not_played_as_silence(tmp_path: Path) -> None:
    blend = tmp_path / "broken.blend"
    subprocess.run([python(), "-c", LOSE_A_SOUND, blend], check=True, capture_output=True, timeout=300)
    assert asked(blend, "Scene") == [{"refused": "1 of its sounds cannot be read: //broken.wav"}]


MISS_AN_IMAGE = """
import sys, bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
image = bpy.data.images.new("oak", 4, 4)
image.use_fake_user, image.source, image.filepath = True, "FILE", "//oak.png"
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1], relative_remap=False)
"""


def test_blender_itself_misses_what_a_reader_that_saw_not_all_of_a_long_file_overlooked(tmp_path: Path) -> None:
    blend = tmp_path / "textured.blend"
    subprocess.run([python(), "-c", MISS_AN_IMAGE, blend], check=True, capture_output=True, timeout=300)
    assert asked(blend, "Scene") == [{"refused": "1 of the files it refers to are missing: //oak.png"}]


LOOK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from assets import cut_off
print(*(file.name for file in sorted(Path(sys.argv[2]).iterdir()) if cut_off(file)))
"""


def test_a_jpeg_is_cut_off_although_the_thumbnail_in_it_is_whole(tmp_path: Path) -> None:
    painted = ("-f", "lavfi", "-i", "testsrc=size=64x48", "-frames:v", "1", "-f", "mjpeg", "-")
    jpeg = subprocess.run([ffmpeg(), "-v", "error", *painted], check=True, capture_output=True, timeout=60).stdout
    pixels = jpeg.index(b"\xff\xda")
    exif = b"\xff\xe1" + struct.pack(">H", len(jpeg) + 2) + jpeg
    pictures = {
        "alone.jpg": jpeg[:2] + b"\xff\x01\xff\xd0" + jpeg[2:],
        "behind.jpg": jpeg + b"MakerNotes" * 50,
        "bare-cut.jpg": jpeg[:-2],
        "filled.jpg": jpeg[:2] + b"\xff" * 3 + exif + jpeg[2:],
        "head-cut.jpg": jpeg[:2] + exif + jpeg[2 : pixels - 9],
        "segment-cut.jpg": jpeg[:2] + exif[:-1],
        "thumbnail-cut.jpg": jpeg[:2] + exif + jpeg[2 : pixels + 50],
        "thumbnail.jpg": jpeg[:2] + exif + jpeg[2:],
    }
    for name, data in pictures.items():
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [python(), "-c", LOOK, PROGRAM.parent, tmp_path], check=True, capture_output=True, text=True, timeout=300
    )
    assert set(done.stdout.split()) == {name for name in pictures if "-cut" in name}
