"""What ``stepbatch run rendering`` asks for, checks, counts and shows."""

import inspect
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
import typer
from moto import mock_aws
from rich.console import Console
from rich.spinner import Spinner

from fanout.blendplan import Look, RenderParameters, frame_uri
from fanout.errors import BlendError
from fanout.plan import Plan, Source, Work, write_plan
from fanout.s3 import Objects, S3Uri
from stepbatch.commands.rendering import rendering, whole
from stepbatch.errors import UsageError
from stepbatch.pipelines.frame_counter import FrameCounter
from stepbatch.pipelines.rendering import Rendering, cost, frames_per_job
from stepbatch.progress import Lines, picture
from stepbatch.watch import View
from tests.unit.fanout.blendwriter import Blend, simple

ROOT = Path(__file__).parents[3]
INPUTS, OUTPUT = S3Uri("data", "runs/film-1f/input"), S3Uri("data", "runs/film-1f/output")
LOOK = Look(version="etag", kind="file", blend="scene.blend", scene="Scene")


@pytest.fixture
def blend(tmp_path: Path) -> Path:
    path = tmp_path / "My scène (2).blend"
    path.write_bytes(simple())
    return path


def test_a_single_file_is_uploaded_under_its_own_name(blend: Path) -> None:
    pipeline = Rendering(blend=blend)
    assert pipeline.files() == {blend.name: blend}
    assert pipeline.job_name == "My-sc-ne-2"
    assert pipeline.request(INPUTS, OUTPUT) == {
        "jobName": "My-sc-ne-2",
        "inputUri": f"{INPUTS}/{blend.name}",
        "outputUri": str(OUTPUT),
    }


def test_what_is_given_is_asked_for(blend: Path) -> None:
    pipeline = Rendering(
        blend=blend,
        file="a.blend",
        scene="Night",
        frames="1-10",
        frames_per_job=4,
        percent=25,
        samples=16,
        run_scripts=True,
        ignore_missing_assets=True,
    )
    asked = pipeline.request(INPUTS, OUTPUT)
    assert {key: asked[key] for key in asked if key not in {"jobName", "inputUri", "outputUri"}} == {
        "blend": "a.blend",
        "scene": "Night",
        "frames": "1-10",
        "framesPerJob": 4,
        "percent": 25,
        "samples": 16,
        "runScripts": True,
        "ignoreMissingAssets": True,
    }


def test_a_folder_is_uploaded_with_its_tree_but_without_backups_hidden_files_and_results(tmp_path: Path) -> None:
    root = tmp_path / "project"
    for name in (
        "shot.blend",
        "textures/oak.png",
        "out/.stepbatch/run.json",
        "out/frames/000001.png",
        ".git/index",
        "shot.blend1",
        "shot.blend12",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"?")
    pipeline = Rendering(blend=root)
    assert set(pipeline.files()) == {"project/shot.blend", "project/textures/oak.png"}
    assert pipeline.request(INPUTS, OUTPUT)["inputUri"] == f"{INPUTS}/project/"


def test_a_dry_run_reads_the_file_as_counting_does(blend: Path) -> None:
    assert Rendering(blend=blend).check() == (
        "24 frames (1-24) of scene 'Scene', 160 × 90 at 24 a second, CYCLES, saved by Blender 4.2"
    )
    draft = Rendering(blend=blend, percent=50, frames="3,5-6").check()
    assert draft.startswith("3 frames (3, 5-6) of scene 'Scene', 80 × 45 at 24 a second")
    blend.write_bytes(simple(r__engine="BLENDER_EEVEE", r__frs_sec=30, r__frs_sec_base=1.001))
    told, warning = Rendering(blend=blend).check().splitlines()
    assert "at 29.97 a second" in told
    assert "GPU" in warning


def test_a_dry_run_finds_what_counting_would_refuse(blend: Path) -> None:
    blend.write_bytes(Blend().scene().add(b"IM", "Image", name="//oak.png", source=1).data)
    with pytest.raises(BlendError, match=r"image //oak\.png"):
        Rendering(blend=blend).check()
    assert Rendering(blend=blend, ignore_missing_assets=True).check()
    with pytest.raises(UsageError, match=r"--scene: .* has no scene 'Night'; it has 'Scene'"):
        Rendering(blend=blend, scene="Night", ignore_missing_assets=True).check()
    blend.write_bytes(b"<html>")
    with pytest.raises(BlendError, match=r"not a \.blend file"):
        Rendering(blend=blend).check()


@pytest.mark.parametrize("packed", [False, True])
def test_a_dry_run_looks_into_folders_and_zips(tmp_path: Path, packed: bool) -> None:
    files = {
        "project/shot.blend": Blend().scene().add(b"IM", "Image", name="//oak.png", source=1).data,
        "project/oak.png": b"oak",
        "project/old/shot.blend": simple(r__efra=2),
    }
    for name, body in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    source = tmp_path / "project"
    if packed:
        source = tmp_path / "project.zip"
        with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in files.items():
                archive.writestr(name, body)
    assert Rendering(blend=source).check().startswith("24 frames")
    old = "project/old/shot.blend" if packed else "old/shot.blend"
    assert Rendering(blend=source, file=old).check().startswith("2 frames")


def test_an_option_that_does_not_fit_the_file_is_named(blend: Path, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    for name in ("a.blend", "b.blend"):
        (tmp_path / "two" / name).write_bytes(simple())
    (tmp_path / "none").mkdir()
    for pipeline, words in (
        (Rendering(blend=blend, frames="5-1"), "--frames: '5-1' ends before it begins"),
        (Rendering(blend=tmp_path / "two"), "--file: .*two holds 'a.blend', 'b.blend': say which one to render"),
        (Rendering(blend=tmp_path / "none"), "--blend: .*none holds no .blend file"),
    ):
        with pytest.raises(UsageError, match=words):
            pipeline.brief()


def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scene.blend")
    with pytest.raises(UsageError, match=r"--blend .*scene\.blend is no regular file"):
        Rendering(blend=tmp_path / "scene.blend").files()


def test_a_single_file_is_not_chosen_from(blend: Path) -> None:
    assert Rendering(blend=blend, file=blend.name).check()
    with pytest.raises(
        UsageError, match=r"--file: 'other\.blend' is to be chosen of a folder or zip; .* a single file"
    ):
        Rendering(blend=blend, file="other.blend").check()


def test_a_size_that_leaves_no_pixel_is_refused(blend: Path) -> None:
    assert ", 3 × 1 at" in Rendering(blend=blend, percent=2).check()
    with pytest.raises(UsageError, match=r"--percent: 1 % of 160 × 90 pixels is 1 × 0: nothing to render"):
        Rendering(blend=blend, percent=1).check()
    blend.write_bytes(simple(r__size=1))
    with pytest.raises(BlendError, match=r"is rendered at 1 %, which of 160 × 90 pixels is 1 × 0"):
        Rendering(blend=blend).check()


@pytest.mark.parametrize("text", ["0", "-1", "1001", "nan", "2.5", "٣", "", "9" * 30])
def test_a_percentage_that_is_none_is_named(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"^{text} is not a whole number from 1 to 1000$"):
        whole(1, 1_000)(text)


def test_a_broken_zip_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "film.ZIP"
    path.write_bytes(b"PK but no more")
    with pytest.raises(BlendError, match=r"film\.ZIP: damaged"):
        Rendering(blend=path).check()


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "٣"])
def test_frames_per_job_is_a_count_or_auto(text: str) -> None:
    with pytest.raises(UsageError, match=f"--frames-per-job {text}: give a whole number"):
        frames_per_job(text)


@pytest.mark.parametrize("document", ["examples/rendering/README.md", "containers/renderer/README.md"])
def test_every_option_that_a_document_gives_to_the_command_exists(document: str) -> None:
    known = {name for option in inspect.signature(rendering).parameters.values() for name in names_of(option)}
    given = re.findall(r"^stepbatch run rendering (.*?)(?:#.*)?$", (ROOT / document).read_text(), re.MULTILINE)
    used = {option for line in given for option in re.findall(r"(--[a-z-]+)", line)}
    assert given
    assert used - known == set()


def names_of(option: inspect.Parameter) -> list[str]:
    """``--frames-per-job`` of ``frames_per_job``, or what its declaration says."""
    [declared] = option.annotation.__metadata__
    return list(declared.param_decls) or [f"--{option.name.replace('_', '-')}"]


def test_frames_per_job_may_be_left_to_the_pipeline() -> None:
    assert [frames_per_job(text) for text in (None, "auto", "12")] == [None, "auto", 12]


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        client.create_bucket(Bucket="data")
        yield Objects(client)


def planned(objects: Objects, frames: int) -> None:
    parameters = RenderParameters(look=LOOK, frames=tuple(range(1, frames + 1)), fps="24", sound=False)
    work = Work(
        pipeline="rendering",
        inputs={},
        slices=(0, frames),
        parameters=msgspec.json.decode(msgspec.json.encode(parameters)),
    )
    plan = Plan.of(work, sources={"blend": Source(uri="s3://data/scene.blend", etag="etag")}, files={})
    write_plan(objects, OUTPUT, plan)


def render(objects: Objects, *frames: int) -> None:
    for frame in frames:
        objects.put(frame_uri(OUTPUT, LOOK, frame), b"png", "image/png")


@pytest.fixture
def counter(objects: Objects, tmp_path: Path) -> FrameCounter:
    return FrameCounter(objects=objects, output=OUTPUT, preview=tmp_path / "preview.png", timer=lambda: 0.0)


def test_frames_are_counted_and_the_time_left_is_told(counter: FrameCounter, objects: Objects) -> None:
    assert counter(0.0) == ""
    planned(objects, 24)
    render(objects, 1, 2)  # stood before: they say nothing about the pace
    assert counter(10.0) == "2 of 24 frames"
    render(objects, 3, 4)
    assert counter(20.0) == "4 of 24 frames, about 01:40 left"
    render(objects, *range(5, 25))
    assert counter(90.0) == "24 of 24 frames"


def test_a_reclaim_waits_for_frames_that_it_can_lose(counter: FrameCounter, objects: Objects) -> None:
    planned(objects, 24)
    render(objects, 1, 2, 3)
    counter(0.0)
    assert not counter.ripe()  # those stood before
    render(objects, 12)
    counter(1.0)
    assert not counter.ripe()  # that may have been the preview
    render(objects, 4)
    counter(2.0)
    assert [counter.ripe(), counter.ripe()] == [True, False]


def test_the_preview_is_fetched_as_soon_as_it_is_there_and_pointed_at_for_a_while(
    counter: FrameCounter, objects: Objects
) -> None:
    planned(objects, 24)
    assert counter(0.0) == "0 of 24 frames"
    objects.put(OUTPUT / "preview.png", b"picture", "image/png")
    assert counter(1.0) == f"0 of 24 frames; preview: {counter.preview}"
    assert counter.preview.read_bytes() == b"picture"
    assert counter(10.9) == f"0 of 24 frames; preview: {counter.preview}"
    assert counter(11.0) == "0 of 24 frames"


def test_looking_takes_no_more_than_a_tenth_of_the_time(objects: Objects, tmp_path: Path) -> None:
    planned(objects, 4)
    times = iter([0.0, 2.0, 19.9, 20.1, 20.2])  # looks at 0 and 20.1; one look took two seconds
    counter = FrameCounter(objects=objects, output=OUTPUT, preview=tmp_path / "p.png", timer=lambda: next(times))
    assert counter(0.0) == "0 of 4 frames"
    render(objects, 1)
    assert counter(19.9) == "0 of 4 frames"
    assert counter(20.1).startswith("1 of 4 frames")


def viewed(seconds: float, note: str, status: str = "RUNNING") -> View:
    return View(arn="arn", status=status, seconds=seconds, states=(), current=(), jobs=(), note=note)


def test_a_pipe_gets_a_line_about_frames_now_and_then_and_the_last_one() -> None:
    lines: list[str] = []
    show = Lines(lines.append).show
    for second in range(12):
        show(viewed(float(second), f"{second} of 12 frames"))
    show(viewed(12.0, "12 of 12 frames", "SUCCEEDED"))
    assert lines == [
        "00:00 0 of 12 frames",
        "00:05 5 of 12 frames",
        "00:10 10 of 12 frames",
        "00:12 12 of 12 frames",
        "00:12 succeeded",
    ]


def test_a_terminal_shows_the_frames() -> None:
    file = io.StringIO()
    Console(file=file, width=100).print(picture(viewed(3.0, "5 of 12 frames, about 00:09 left"), Spinner("dots")))
    assert "5 of 12 frames, about 00:09 left" in file.getvalue()


def timings(**changes: Any) -> dict[str, Any]:
    told = {"renderSeconds": 60.0, "startupSeconds": 20.0, "childSeconds": 100.0, "attempts": 5}
    return told | {"frames": [{"frame": frame} for frame in range(24)]} | changes


def test_what_a_render_cost_is_told() -> None:
    assert cost(timings()) == (
        "2.50 s a frame, 0.24 frames a second of children's time; start-up took 20 % of it, "
        "20 % was lost or spent on transfers (5 attempts)"
    )


def test_frames_of_an_earlier_run_do_not_make_losses_negative() -> None:
    told = cost(timings(childSeconds=30.0, attempts=1))
    assert told == "2.50 s a frame, 1 attempt of children; some frames stood from an earlier run"


def test_the_result_is_the_film_its_cost_and_where_it_is(tmp_path: Path) -> None:
    film = {"frames": 24, "width": 160, "height": 90, "seconds": 1.0, "framesPerSecond": "24", "file": "output.mp4"}
    film |= {"sound": False, "silentBecause": "the scene has no sound"}
    (tmp_path / "aggregate.json").write_text(json.dumps({"scene": "Wave", "film": film}))
    (tmp_path / "timings.json").write_text(json.dumps(timings()))
    text = io.StringIO()
    Rendering(blend=Path("scene.blend")).show(tmp_path, Console(file=text, width=200))
    first, second, third = text.getvalue().splitlines()
    assert first == ("24 frames of scene 'Wave', 160 × 90, 1.00 s at 24 a second, silent: the scene has no sound")
    assert second.startswith("2.50 s a frame")
    assert third == f"files: {tmp_path} (output.mp4, contact_sheet.png, frames/)"
