"""Counting frames: the workshop's input, what it may add, and every refusal."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

import count_frames
from fanout.blend.renderable import BLENDER
from fanout.blendplan import Measurement, parameters_of
from fanout.errors import BlendError, FanoutError, RequestError, UriError
from fanout.plan import Plan, read_plan
from fanout.s3 import Objects, S3Uri
from tests.unit.fanout.blendwriter import Blend, simple
from tests.unit.functions.conftest import BUCKET, Desk

ROOT = Path(__file__).parents[3]
OUTPUT = S3Uri(BUCKET, "Rendering")


@pytest.fixture
def count(desk: Desk, context: LambdaContext, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Counts a .blend with the workshop's six fields and whatever else is given."""
    monkeypatch.setattr(count_frames, "objects", Objects(desk.client))

    def invoke(blend: bytes | None = None, **more: Any) -> dict[str, Any]:
        if blend is not None:
            desk.put("scene.blend", blend)
        six = json.loads((ROOT / "events" / "start_rendering.json").read_text())
        six |= {"inputUri": f"s3://{BUCKET}/scene.blend", "outputUri": str(OUTPUT)}
        return count_frames.handler(six | more, context)

    return invoke


def plan(desk: Desk) -> Plan:
    return read_plan(Objects(desk.client), OUTPUT)


def measure(desk: Desk, startup: float, seconds: float) -> None:
    look = parameters_of(plan(desk)).look.hash
    found = Measurement(look=look, frame=12, startup_seconds=startup, frame_seconds=seconds)
    desk.put("Rendering/measurement.json", msgspec.json.encode(found))


def test_the_workshops_input_gives_every_frame_a_child(count: Any, desk: Desk) -> None:
    counted = count(simple())
    assert counted == {
        "frames": 24,
        "slices": 24,
        "framesPerJob": "1",
        "planHash": plan(desk).hash,
        "measure": False,
        "warnings": [],
    }
    parameters = parameters_of(plan(desk))
    assert parameters.frames == tuple(range(1, 25))
    assert (parameters.fps, parameters.look.scene, parameters.look.blender) == ("24", "Scene", BLENDER)


@pytest.mark.parametrize(("given", "slices", "most"), [(5, 5, "5"), ("5", 5, "5"), ("24", 1, "24"), (9999, 1, "24")])
def test_frames_per_job_is_a_number_or_its_text(count: Any, given: str | int, slices: int, most: str) -> None:
    counted = count(simple(), framesPerJob=given)
    assert (counted["slices"], counted["framesPerJob"]) == (slices, most)


def test_left_to_itself_a_run_asks_to_be_measured_and_then_sizes_its_array(count: Any, desk: Desk) -> None:
    first = count(simple(r__efra=600), framesPerJob="auto")
    assert (first["measure"], first["slices"], first["framesPerJob"]) == (True, 1, "600")
    measure(desk, startup=2.0, seconds=1.5)
    second = count(framesPerJob="auto")
    assert (second["measure"], second["slices"], second["framesPerJob"]) == (False, 8, "75")  # 112.5 s: 80 at most
    assert plan(desk).hash == second["planHash"] != first["planHash"]


def test_a_measurement_of_another_look_does_not_count(count: Any, desk: Desk) -> None:
    count(simple(), framesPerJob="auto")
    measure(desk, startup=2.0, seconds=1.5)
    assert count(framesPerJob="auto", percent=25)["measure"] is True
    desk.put("Rendering/measurement.json", b"{")
    assert count(framesPerJob="auto")["measure"] is True


def test_frames_that_were_asked_for_take_the_place_of_the_scenes_own(count: Any, desk: Desk) -> None:
    count(simple(), frames="1-10,20,30-50x10")
    assert parameters_of(plan(desk)).frames == (*range(1, 11), 20, 30, 40, 50)
    count(frames=7)
    assert parameters_of(plan(desk)).frames == (7,)


def test_frames_are_the_scenes_own_start_step_and_rate(count: Any, desk: Desk) -> None:
    count(simple(r__sfra=101, r__efra=110, r__frame_step=3, r__frs_sec=30, r__frs_sec_base=1.001))
    parameters = parameters_of(plan(desk))
    assert (parameters.frames, parameters.fps) == ((101, 104, 107, 110), "30000/1001")


def test_a_scene_is_chosen_by_name_else_the_active_one(count: Any, desk: Desk) -> None:
    two = Blend().scene(0x1000).scene(0x2000, id__name="SCBühne", r__efra=3)
    two.add(b"GLOB", "FileGlobal", curscene=0x2000)
    assert count(two.data)["frames"] == 3
    assert count(scene="Scene")["frames"] == 24
    with pytest.raises(RequestError, match=r"input\.scene: scene\.blend has no scene 'Hall'; it has 'Scene', 'Bühne'"):
        count(scene="Hall")


def test_the_same_work_has_the_same_plan_and_changed_work_another(count: Any, desk: Desk) -> None:
    first = count(simple())["planHash"]
    assert count()["planHash"] == first
    assert count(framesPerJob="2")["planHash"] != first
    assert count(samples=8)["planHash"] != first
    assert count(simple(r__ysch=91))["planHash"] != first


def test_other_slices_keep_the_look_and_with_it_the_frames_that_stand(count: Any, desk: Desk) -> None:
    looks = []
    for more in ({}, {"framesPerJob": "8"}, {"frames": "1-99"}, {"percent": 25}, {"samples": 4}):
        count(simple(), **more)
        looks.append(parameters_of(plan(desk)).look.hash)
    assert len(set(looks[:3])) == 1
    assert len(set(looks)) == 3


def test_a_run_that_starts_again_is_no_longer_complete(count: Any, desk: Desk) -> None:
    count(simple())
    desk.put("Rendering/manifest.json", b"{}")
    desk.put("Rendering/output.mp4", b"film")
    count()
    assert "Rendering/manifest.json" not in desk.listing("Rendering")
    assert "Rendering/output.mp4" in desk.listing("Rendering")


def test_what_another_plan_showed_goes_but_rendered_frames_stay(count: Any, desk: Desk) -> None:
    count(simple())
    for key in ("output.mp4", "contact_sheet.png", "preview.png", "frames/000001.png", "results/aa/000001.png"):
        desk.put(f"Rendering/{key}", b"old")
    count(percent=50)
    assert desk.listing("Rendering") == ["Rendering/plan.json", "Rendering/results/aa/000001.png"]


def test_eevee_is_warned_of_because_it_wants_a_gpu(count: Any) -> None:
    [warning] = count(simple(r__engine="BLENDER_EEVEE"))["warnings"]
    assert "GPU" in warning


def refused(count: Any, blend: bytes | None, kind: type[FanoutError], **more: Any) -> str:
    with pytest.raises(kind) as caught:
        count(blend, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    ("blend", "words"),
    [
        (b"<html>", "not a .blend file"),
        (simple()[:300], "truncated"),
        (Blend(version=503).scene().data, "saved by Blender 5.3; the renderer has 5.2"),
        (Blend(version=249).scene().data, "saved by Blender 2.49: open it in Blender 2.80 or newer"),
        (Blend(order=">", version=279).scene().data, "big-endian"),
        (simple(r__engine="BLENDER_RENDER"), "left Blender with 2.80"),
        (simple(r__engine="LUXCORE"), "an add-on that the renderer lacks"),
        (Blend().scene(camera=0).data, "scene 'Scene' has no camera"),
        (simple(r__sfra=9, r__efra=3), "ends before it begins"),
        (simple(r__efra=1_048_574), "1,048,574 of them; a run may have 200,000"),
        (simple(r__sfra=-5), "Blender renders frames 0 to"),
        (simple(r__size=1), "rendered at 1 %, which of 160 × 90 pixels is 1 × 0: nothing to render"),
        (
            Blend()
            .scene()
            .add(b"LI", "Library", name="//set.blend")
            .add(b"IM", "Image", name="/oak.png", source=1)
            .data,
            "2 of the files it refers to are missing: image /oak.png, library //set.blend. Pack them",
        ),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_the_reason(count: Any, desk: Desk, blend: bytes, words: str) -> None:
    assert words in refused(count, blend, BlendError)
    assert desk.listing("Rendering") == []


def test_a_camera_in_another_scene_or_library_is_left_for_blender_to_find(count: Any) -> None:
    assert count(Blend().scene(camera=0).add(b"CA", "Camera").data)["frames"] == 24
    linked = Blend().scene(camera=0).add(b"LI", "Library", name="//set.blend")
    assert count(linked.data, ignoreMissingAssets=True)["frames"] == 24


def test_assets_beside_the_blend_in_a_folder_are_found(count: Any, desk: Desk) -> None:
    blend = Blend().scene().add(b"IM", "Image", name="//tex/oak.png", source=1)
    desk.put("project/shot.blend", blend.data)
    folder = f"s3://{BUCKET}/project/"
    assert "image //tex/oak.png" in refused(count, None, BlendError, inputUri=folder)
    desk.put("project/tex/oak.png", b"oak")
    assert count(inputUri=folder)["frames"] == 24


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"framesPerJob": "0"}, "input: framesPerJob '0' is neither"),
        ({"framesPerJob": "many"}, "framesPerJob 'many' is neither"),
        ({"framesPerJob": -1}, "framesPerJob -1 is neither"),
        ({"frames": "10-1"}, "input.frames: '10-1' ends before it begins"),
        ({"percent": 0}, "input.percent"),
        ({"percent": 1}, "input.percent: 1 % of 160 × 90 pixels is 1 × 0: nothing to render"),
        ({"samples": 0}, "input.samples"),
        ({"fps": 25}, "unknown field `fps`"),
        ({"jobName": "my film"}, "input.jobName"),
        ({"jobName": "f" * 121}, "input.jobName"),
    ],
)
def test_an_input_that_breaks_the_contract_is_refused_by_field(count: Any, more: dict[str, Any], words: str) -> None:
    assert words in refused(count, simple(), RequestError, **more)


def test_an_absent_file_is_refused(count: Any) -> None:
    assert "no such object" in refused(count, None, UriError)


FRUGAL = r"""
import re, sys, time
began = time.process_time()
import count_frames
from fanout.errors import BlendError
from fanout.s3 import ObjectSummary
from tests.unit.fanout.blendsources import MemorySource

def peak():
    return re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1]

class Shelf(count_frames.Objects):
    data = open(sys.argv[1], "rb").read()
    def find(self, uri): return ObjectSummary(uri, len(self.data), "etag")
    def get_range(self, uri, start, stop, *, etag): return self.data[start:stop]

names = ("jobName", "inputUri", "outputUri", "jobDefinitionArn", "jobQueueArn")
request = dict.fromkeys(names, "x") | {"inputUri": "s3://b/x.blend", "outputUri": "s3://b/out"}
try:
    count_frames.count(count_frames.parse_request(request, count_frames.CountRequest), Shelf())
except BlendError as error:
    print(time.process_time() - began, peak(), error)
"""


def test_a_refusal_takes_less_than_two_seconds_and_200_megabytes(tmp_path: Path) -> None:
    """Everything that Lambda loads included."""
    broken = tmp_path / "broken.blend"
    broken.write_bytes(simple()[:-40] + bytes(1 << 22))
    paths = [ROOT, ROOT / "functions", ROOT / "layers" / "fanout"]
    done = subprocess.run(
        [sys.executable, "-c", FRUGAL, broken],
        env={"PYTHONPATH": ":".join(map(str, paths)), "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, kilobytes, _ = done.stdout.split(maxsplit=2)
    assert float(seconds) < 2
    assert int(kilobytes) < 200_000
