"""The renderer's command line: what each action reads and leaves, and how it ends."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from fanout.blendplan import Look, Measurement, frame_uri, parameters_of
from fanout.errors import BlendError, PlanError
from fanout.manifest import Manifest
from fanout.plan import Plan
from fanout.s3 import sha256
from renderer import __main__ as program
from renderer.mp4 import Film
from renderer.slices import Stop
from renderer.stitch import FramesMissingError, frames_ahead
from tests.unit.renderer.conftest import DEATH, OUTPUT, REFUSAL, Painter, Studio
from tests.unit.renderer.pictures import picture

ROOT = Path(__file__).parents[3]
Run = Callable[..., int]


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> Painter:
    """Takes Blender's place."""
    made = Painter()
    monkeypatch.setattr(program.Job, "blender", lambda _: made.start())
    return made


@pytest.fixture
def run(studio: Studio, painter: Painter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Runs an action as a child of an array would."""
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(program, "stop", Stop())
    monkeypatch.setattr(program, "Objects", lambda: studio.objects)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("AWS_BATCH_JOB_ARRAY_INDEX", "PLAN_HASH", "RENDER_THREADS"):
        monkeypatch.delenv(name, raising=False)

    def invoke(action: str, *, child: int | None = None, plan: str = "", per_job: str = "2") -> int:
        if child is not None:
            monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", str(child))
        monkeypatch.setenv("PLAN_HASH", plan)
        return program.main([action, "-i", "s3://data/scene.blend", "-o", str(OUTPUT), "-f", per_job])

    yield invoke
    signal.signal(signal.SIGTERM, handler)


def looks(plan: Plan) -> Look:
    return parameters_of(plan).look


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_child_renders_its_slice_and_no_other(run: Run, studio: Studio, painter: Painter) -> None:
    plan = studio.plan((1, 2, 3, 4, 5))
    assert run("render", child=1, plan=plan.hash) == 0
    assert painter.painted == [2, 3]  # five frames in three slices: 1, 2-3, 4-5


def test_a_lone_job_renders_everything(run: Run, studio: Studio, painter: Painter) -> None:
    studio.plan((7, 9), per_job=9)
    assert run("render", per_job="9") == 0
    assert painter.painted == [7, 9]


def test_frames_that_stand_cost_no_blender(run: Run, studio: Studio, painter: Painter) -> None:
    plan = studio.plan((1, 2))
    for frame in (1, 2):
        studio.frame(looks(plan), frame)
    assert run("render") == 0
    assert painter.opened == 0


def test_an_attempt_after_an_interruption_renders_only_what_is_missing(
    run: Run, studio: Studio, painter: Painter
) -> None:
    plan = studio.plan((1, 2, 3, 4), per_job=4)
    studio.frame(looks(plan), 1)
    studio.frame(looks(plan), 2)
    assert run("render", per_job="4") == 0
    assert painter.painted == [3, 4]


def test_terminated_while_it_renders_it_keeps_the_frame_and_exits_75(
    run: Run, studio: Studio, painter: Painter
) -> None:
    plan = studio.plan((1, 2, 3), per_job=3)
    painter.during = lambda frame: terminate() if frame == 2 else None
    assert run("render", per_job="3") == 75
    assert [studio.objects.find(frame_uri(OUTPUT, looks(plan), frame)) is not None for frame in (1, 2, 3)] == [
        True,
        True,
        False,
    ]


def test_terminated_during_the_last_frame_it_is_done(run: Run, studio: Studio, painter: Painter) -> None:
    studio.plan((1, 2))
    painter.during = lambda frame: terminate() if frame == 2 else None
    assert run("render") == 0


def test_terminated_while_blender_starts_it_exits_75_at_once(
    run: Run, studio: Studio, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def starting(_: object) -> Any:
        terminate()
        yield painter

    studio.plan((1, 2))
    monkeypatch.setattr(program.Job, "blender", starting)
    assert run("render") == 75
    assert painter.painted == []


def test_terminated_again_and_again_it_still_exits_75(
    run: Run, studio: Studio, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def starting(_: object) -> Any:
        try:
            terminate()
            yield painter
        finally:
            terminate()

    studio.plan((1, 2))
    monkeypatch.setattr(program.Job, "blender", starting)
    monkeypatch.setattr(program, "log", lambda event, **_: terminate() if event == "render failed" else None)
    assert run("render") == 75


def test_terminated_while_it_tidies_up_after_its_work_it_is_done(
    run: Run, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Folder(TemporaryDirectory[str]):
        def cleanup(self) -> None:
            terminate()
            super().cleanup()

        def __exit__(self, *error: object) -> None:
            self.cleanup()

    studio.plan((1, 2))
    monkeypatch.setattr(program, "TemporaryDirectory", Folder)
    assert run("render") == 0


def test_terminated_over_a_frame_that_fails_it_starts_no_other_blender(
    run: Run, studio: Studio, painter: Painter
) -> None:
    plan = studio.plan((1, 2))
    painter.during = lambda frame: terminate() if frame == 2 else None
    painter.fails = {2: [DEATH]}
    assert run("render") == 75
    assert (painter.opened, painter.closed) == (1, 1)
    assert studio.objects.find(frame_uri(OUTPUT, looks(plan), 1))


def test_what_blender_refuses_exits_2_with_its_words(
    run: Run, studio: Studio, painter: Painter, capfd: pytest.CaptureFixture[str]
) -> None:
    studio.plan((1, 2))
    painter.fails = {1: [REFUSAL, REFUSAL]}
    assert run("render") == 2
    assert "scene.blend, frame 1: Blender says: Cannot render, no camera" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"plan": "ab" * 32}, "another run uses the same output URI"),
        ({"child": 9}, "child 9 has no slice"),
        ({"per_job": "1"}, "slice 0 has 2 frames, the job was started for 1"),
    ],
)
def test_a_job_of_another_plan_exits_2(
    run: Run, studio: Studio, capfd: pytest.CaptureFixture[str], arguments: dict[str, Any], words: str
) -> None:
    studio.plan((1, 2))
    assert run("render", **arguments) == 2
    assert words in capfd.readouterr().err


def test_without_a_plan_it_exits_2(run: Run, studio: Studio) -> None:
    assert run("render") == 2


def test_the_preview_is_the_middle_frame_and_a_measurement(run: Run, studio: Studio, painter: Painter) -> None:
    plan = studio.plan((1, 2, 3, 4, 5), per_job=5)
    assert run("preview", per_job="5") == 0
    assert painter.painted == [3]
    assert studio.objects.get(OUTPUT / "preview.png") == studio.objects.get(frame_uri(OUTPUT, looks(plan), 3))
    found = msgspec.json.decode(studio.objects.get(OUTPUT / "measurement.json"), type=Measurement)
    assert (found.look, found.frame, found.frame_seconds) == (looks(plan).hash, 3, 0.25)
    assert found.startup_seconds >= 0


def test_a_frame_that_was_previewed_is_not_rendered_again(run: Run, studio: Studio, painter: Painter) -> None:
    studio.plan((1, 2, 3), per_job=3)
    run("preview", per_job="3")
    run("render", per_job="3")
    assert painter.painted == [2, 1, 3]


def test_stitching_refuses_gaps_by_their_numbers_and_leaves_nothing(
    run: Run, studio: Studio, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = studio.plan((1, 2, 3, 4, 5))
    for frame in (1, 4):
        studio.frame(looks(plan), frame)
    before = studio.keys()
    assert run("stitch") == FramesMissingError.exit_code == 2
    assert "3 of 5 frames are missing: 2-3, 5" in capfd.readouterr().err
    assert studio.keys() == before


def test_stitching_removes_a_damaged_frame_so_that_it_is_rendered_again(
    run: Run, studio: Studio, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = studio.plan((1, 2))
    studio.frame(looks(plan), 1, picture()[:-20])
    studio.frame(looks(plan), 2)
    assert run("stitch") == 2
    assert "frame 1 is damaged" in capfd.readouterr().err
    assert studio.objects.find(frame_uri(OUTPUT, looks(plan), 1)) is None


def test_a_film_that_s3_takes_in_parts_only_is_published_with_its_hash(
    run: Run, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = studio.plan((1,))
    studio.frame(looks(plan), 1)
    large = os.urandom(9 << 20)

    def feed(command: list[str], pictures: Iterator[bytes]) -> None:
        list(pictures)
        Path(command[-1]).write_bytes(large)

    monkeypatch.setattr("renderer.ffmpeg.feed", feed)
    monkeypatch.setattr("renderer.ffmpeg.executable", lambda: "ffmpeg")
    film = Film(
        frames=1,
        rate=Fraction(24),
        width=2,
        height=2,
        codec="avc1",
        colours=None,
        full_range=False,
        streamable=True,
        sound=False,
    )
    monkeypatch.setattr("renderer.stitch.check_film", lambda *_, **__: film)
    assert run("stitch") == 0
    listed = msgspec.json.decode(studio.objects.get(OUTPUT / "manifest.json"), type=Manifest).files
    row = next(file for file in listed if file.path == "output.mp4")
    assert studio.objects.get(OUTPUT / "output.mp4") == large
    assert (row.size, row.sha256) == (len(large), sha256(large))


def test_large_frames_are_not_fetched_far_ahead() -> None:
    assert [frames_ahead(size) for size in (1_000, 32 << 20, 100 << 20, 1 << 30)] == [8, 8, 2, 1]


def test_a_plan_for_another_blender_is_refused(studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan = studio.plan((1,))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "scene.blend").touch()
    ended: list[bool] = []
    old = SimpleNamespace(opened=SimpleNamespace(blender="4.5.3"), close=lambda: ended.append(True))
    monkeypatch.setattr(program, "Blender", lambda *_, **__: old)
    job = program.Job(
        objects=studio.objects, output=OUTPUT, plan=plan, parameters=parameters_of(plan), folder=tmp_path, began=0.0
    )
    with pytest.raises(PlanError, match=r"this renderer has Blender 4\.5\.3, the plan is for 5\.2\.3"):
        job.blender()
    assert ended == [True]


def test_the_image_has_the_blender_that_plans_are_made_for() -> None:
    folder = ROOT / "containers" / "renderer"
    blender = Look(version="", kind="file", blend="", scene="").blender
    for name in ("requirements.in", "requirements.txt"):
        assert f"bpy=={blender}" in (folder / name).read_text()
    assert 'ENTRYPOINT ["python", "-m", "renderer"]' in (folder / "Dockerfile").read_text()


def test_only_blenders_own_program_imports_blender() -> None:
    sources = (ROOT / "containers").glob("*/[!.]*/**/*.py")
    of_blender = {path for path in sources if "import bpy" in path.read_text()}
    assert of_blender == set((ROOT / "containers" / "renderer" / "blender_program").glob("*.py"))
    assert all("GPL-3.0-or-later" in path.read_text() for path in of_blender)


def test_errors_of_blender_have_the_exit_codes_of_the_retry_rules() -> None:
    assert BlendError("scene.blend", "broken").exit_code == 2
