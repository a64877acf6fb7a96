"""Children that are killed, stopped and started again: no frame is lost, none is rendered twice, none differs."""

import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from fanout.blendplan import frame_uri
from tests.render.crew import Crew, decoded

MANY = 400  # frames: a minute of work


@pytest.mark.parametrize("per_job", [6, 1])
def test_the_pixels_do_not_depend_on_the_slices(crew: Crew, scene: Any, clean: dict[int, bytes], per_job: int) -> None:
    counted = crew.count(scene(), framesPerJob=per_job)
    assert counted["slices"] == 24 // per_job
    crew.render()
    crew.run("stitch")
    assert crew.pixels() == clean


@pytest.fixture
def busy(crew: Crew, scene: Any) -> subprocess.Popen[str]:
    """A child with far more frames than it can render while a test looks on, five of which stand."""
    crew.count(scene(), frames=f"1-{MANY}", framesPerJob=MANY)
    process = crew.start("render", attempt=1)
    crew.wait_for(process, lambda: crew.rendered() >= 5)
    return process


def test_a_child_that_is_killed_leaves_its_frames_and_the_next_attempt_renders_none_of_them(
    crew: Crew, scene: Any, busy: subprocess.Popen[str]
) -> None:
    crew.kill(busy)
    crew.finish(busy)
    left = crew.standing()
    assert list(left) == list(range(1, len(left) + 1))
    assert 5 <= len(left) < MANY
    crew.count(scene(), frames=f"1-{len(left) + 3}", framesPerJob=MANY)
    log = crew.run("render", attempt=2)
    after = crew.standing()
    assert {frame: after[frame] for frame in left} == left
    assert [frame for frame, written in after.items() if written.endswith(" 2")] == [len(left) + n for n in (1, 2, 3)]
    assert log.count("rendered frame=") == 3


def test_a_child_that_is_told_to_stop_saves_its_frame_and_exits_75(crew: Crew, busy: subprocess.Popen[str]) -> None:
    busy.send_signal(signal.SIGTERM)
    code, log = crew.finish(busy)
    assert code == 75, log
    assert log.count("rendered frame=") == crew.rendered() < MANY
    assert "Interrupted" in log


def test_blender_goes_when_its_child_is_killed_alone(crew: Crew, busy: subprocess.Popen[str]) -> None:
    busy.kill()
    crew.finish(busy)
    deadline = time.monotonic() + 30
    while processes_of_group(busy.pid):
        assert time.monotonic() < deadline, "Blender lives on"
        time.sleep(0.05)


def processes_of_group(group: int) -> list[str]:
    """Processes, zombies excepted, whose group it is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(stat.parent.name)
    return found


def test_however_a_run_is_interrupted_its_pixels_are_those_of_a_clean_run(
    crew: Crew, scene: Any, clean: dict[int, bytes]
) -> None:
    crew.count(scene(), framesPerJob="8")
    chance = random.Random(20191120)
    for child in range(3):
        for attempt in range(1, 20):
            process = crew.start("render", child, attempt)
            crew.wait(process, chance.uniform(0.5, 4.0))
            if process.poll() is None and attempt < 10:
                chance.choice([crew.kill, crew.terminate])(process)
            code, log = crew.finish(process)
            unborn = code == -signal.SIGTERM and not log  # told to stop while Python was starting
            assert unborn or code in {0, 75, -signal.SIGKILL}, log
            if code == 0:
                break
        else:
            pytest.fail("never done")
    crew.run("stitch")
    assert crew.pixels() == clean


def test_a_frame_that_is_removed_before_stitching_is_named(crew: Crew, scene: Any) -> None:
    crew.count(scene(), framesPerJob="24", frames="1-4")
    crew.render()
    crew.objects.delete(frame_uri(crew.output, crew.parameters.look, 3))
    code, log = crew.finish(crew.start("stitch"))
    assert (code, "1 of 4 frames are missing: 3" in log) == (2, True), log


def test_what_blender_refuses_to_render_is_told_in_its_words(crew: Crew, scene: Any, blind: Path) -> None:
    """The other scene has a camera: only Blender knows that this one cannot use it."""
    crew.count(blind, frames="1-3", scene="Blind")
    code, log = crew.finish(crew.start("render"))
    assert code == 2, log
    assert "Blender says: Cannot render, no camera" in log


def test_a_scene_whose_animation_runs_python_is_refused_unless_it_is_trusted(crew: Crew, scripted: Path) -> None:
    crew.count(scripted, frames="2")
    code, log = crew.finish(crew.start("render"))
    assert (code, '"runScripts": true' in log) == (2, True), log
    crew.count(scripted, frames="2", runScripts=True)
    crew.run("render")


REGISTERED = """
text = bpy.data.texts.new("rig.py")
text.write("import bpy; bpy.data.objects['ember'].hide_render = True")
text.use_module = True
"""


def test_a_text_that_would_run_at_opening_is_refused_unless_somebody_decides(crew: Crew, changed: Any) -> None:
    blend, pixels = changed(REGISTERED), []
    crew.count(blend, frames="2")
    code, log = crew.finish(crew.start("render"))
    assert code == 2, log
    assert "its text rig.py runs Python when it is opened" in log
    for trusted in (True, False):
        crew.count(blend, frames="2", runScripts=trusted)
        crew.run("render")
        pixels.append(decoded(crew.objects.get(frame_uri(crew.output, crew.parameters.look, 2))))
    assert pixels[0] != pixels[1]


def test_a_file_that_changed_since_it_was_counted_is_refused(crew: Crew, scene: Any) -> None:
    crew.count(scene(), frames="1-3")
    key = f"{crew.name}/scene.blend"
    crew.objects.client.put_object(Bucket=crew.bucket, Key=key, Body=b"another")
    code, log = crew.finish(crew.start("render"))
    assert (code, "was changed since its frames were counted" in log) == (2, True), log


def test_two_renders_of_a_frame_are_the_same_file(crew: Crew, scene: Any) -> None:
    crew.count(scene(), frames="5")
    crew.run("render")
    first = crew.objects.get(frame_uri(crew.output, crew.parameters.look, 5))
    crew.objects.delete(frame_uri(crew.output, crew.parameters.look, 5))
    crew.run("render")
    assert crew.objects.get(frame_uri(crew.output, crew.parameters.look, 5)) == first


CLOTH = """
import bmesh
mesh, form = bpy.data.meshes.new("sheet"), bmesh.new()
bmesh.ops.create_grid(form, x_segments=8, y_segments=8, size=3.0)
form.to_mesh(mesh)
sheet = bpy.data.objects.new("sheet", mesh)
sheet.location.z = 4.0
scene.collection.objects.link(sheet)
sheet.modifiers.new("cloth", "CLOTH")
"""


def test_cloth_that_was_not_baked_falls_the_same_from_any_slices(crews: Any, changed: Any) -> None:
    falling = changed(CLOTH)
    pixels = []
    for per_job in (12, 5):
        crew: Crew = crews()
        crew.count(falling, frames="1-12", framesPerJob=per_job, samples=1)
        crew.render()
        crew.run("stitch")
        pixels.append(crew.pixels())
    assert pixels[0] == pixels[1]
    assert len(set(pixels[0].values())) == 12
