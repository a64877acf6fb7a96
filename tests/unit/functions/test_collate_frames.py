"""Collating frames: green only if every frame stands, red with the frames and the reasons."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

import collate_frames
import count_frames
from failed_children import FailedChildren, job_id_of
from fanout.blendplan import frame_uri, parameters_of
from fanout.errors import PlanError, ResultsIncompleteError
from fanout.plan import read_plan
from fanout.s3 import Objects, S3Uri
from job_effort import Effort, JobEffort
from tests.unit.fanout.blendwriter import simple
from tests.unit.functions.conftest import BUCKET, Desk

EVENTS = Path(__file__).parents[3] / "events"
OUTPUT = S3Uri(BUCKET, "Rendering")


class ToldReasons:
    """Knows why children of jobs failed."""

    def __init__(self, told: dict[str, dict[int, str]]) -> None:
        self.told = told

    def reasons(self, job: Mapping[str, Any]) -> dict[int, str]:
        job_id = job_id_of(job)
        return FailedChildren().reasons(job) if job_id is None else self.told.get(job_id, {})


def told_effort(job_id: str | None) -> Effort:
    """As if every job had taken four attempts, the preview one."""
    return {"array": Effort(attempts=4, seconds=61.5), "preview": Effort(attempts=1, seconds=2.0)}.get(
        job_id or "", Effort()
    )


@pytest.fixture
def collate(desk: Desk, context: LambdaContext, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Collates a run of eight frames, three a child, of which all but ``missing`` were rendered."""
    for module in (count_frames, collate_frames):
        monkeypatch.setattr(module, "objects", Objects(desk.client))
    monkeypatch.setattr(collate_frames, "job_effort", SimpleNamespace(of=told_effort))
    monkeypatch.setattr(
        collate_frames,
        "failed_children",
        ToldReasons({"array": {1: "exit code 1"}, "film": {0: "exit code 3"}, "preview": {-1: "exit code 2"}}),
    )

    def invoke(missing: tuple[int, ...] = (), **more: Any) -> dict[str, Any]:
        six = json.loads((EVENTS / "start_rendering.json").read_text())
        six |= {"inputUri": desk.put("scene.blend", simple(r__efra=8)), "outputUri": str(OUTPUT), "framesPerJob": "3"}
        count_frames.handler(six, context)
        parameters = parameters_of(read_plan(Objects(desk.client), OUTPUT))
        for frame in set(parameters.frames) - set(missing):
            desk.put(frame_uri(OUTPUT, parameters.look, frame).key, b"png")
        return collate_frames.handler({"jobName": "film", "outputUri": str(OUTPUT)} | more, context)

    return invoke


def test_a_run_with_every_frame_is_complete(collate: Any) -> None:
    assert collate(warnings=["slow"], job={"jobId": "array"}, preview={"jobId": "preview"}) == {
        "jobName": "film",
        "status": "COMPLETE",
        "frames": 8,
        "filmUri": f"{OUTPUT}/output.mp4",
        "framesUri": f"{OUTPUT}/frames",
        "outputUri": str(OUTPUT),
        "warnings": ["slow"],
        "attempts": 5,
        "childSeconds": 63.5,
    }


def test_missing_frames_are_named_with_their_childs_reason(collate: Any) -> None:
    with pytest.raises(ResultsIncompleteError) as caught:
        collate(missing=(3, 4, 8), job={"jobId": "array"})
    assert str(caught.value).splitlines() == [
        "3 of 8 frames are missing: 3-4, 8",
        "slice 1 (frames 3-4): exit code 1",
        "slice 2 (frames 8): its child ended without rendering them",
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"Error": "States.TaskFailed", "Cause": json.dumps({"JobId": "preview", "Status": "FAILED"})}, "exit code 2"),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout"),
    ],
)
def test_a_preview_that_failed_is_told_by_its_frame_and_not_as_a_slice(
    collate: Any, error: dict[str, str], reason: str
) -> None:
    with pytest.raises(ResultsIncompleteError) as caught:
        collate(missing=tuple(range(1, 9)), preview=error)
    assert str(caught.value) == f"the preview, frame 5, failed: {reason}"


def test_an_empty_frame_is_a_missing_one(collate: Any, desk: Desk) -> None:
    collate()
    [key] = [key for key in desk.listing("Rendering/results") if key.endswith("/000005.png")]
    desk.put(key, b"")
    with pytest.raises(ResultsIncompleteError, match="1 of 8 frames are missing: 5"):
        collate(missing=(5,))


def test_an_array_that_failed_after_its_frames_were_rendered_does_no_harm(collate: Any) -> None:
    assert collate(job={"jobId": "array"})["status"] == "COMPLETE"


def test_a_film_that_was_not_made_is_red_with_the_reason(collate: Any) -> None:
    with pytest.raises(ResultsIncompleteError, match="the film was not made: exit code 3"):
        collate(film={"jobId": "film"})


def test_a_frame_that_vanished_before_stitching_is_named(collate: Any) -> None:
    with pytest.raises(ResultsIncompleteError, match=r"missing: 7\nslice 2 \(frames 7\)"):
        collate(missing=(7,), job={}, film={"jobId": "film"})


def test_another_plan_than_the_one_that_was_started_is_refused(collate: Any) -> None:
    with pytest.raises(PlanError, match="another run uses the same output URI"):
        collate(planHash="ab" * 32)


class ToldJobs:
    """Batch, as far as it is asked here."""

    def __init__(self, jobs: dict[str, dict[str, Any]]) -> None:
        self.jobs = jobs

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        assert len(jobs) <= 100
        return {"jobs": [self.jobs[job] for job in jobs if job in self.jobs]}


def effort_of(jobs: dict[str, dict[str, Any]], job_id: str | None) -> Effort:
    asked = JobEffort()
    asked.__dict__["batch"] = ToldJobs(jobs)
    return asked.of(job_id)


def test_the_effort_of_an_array_is_that_of_every_attempt_of_every_child() -> None:
    tried: dict[str, Any] = {
        "attempts": [{"startedAt": 1_000, "stoppedAt": 3_500}, {"startedAt": 4_000, "stoppedAt": 5_000}]
    }
    never: dict[str, Any] = {"attempts": [{"stoppedAt": 9_000}]}
    array = {"a": {"arrayProperties": {"size": 250}}, **{f"a:{index}": tried for index in range(249)}, "a:249": never}
    assert effort_of(array, "a") == Effort(attempts=499, seconds=249 * 3.5)
    assert effort_of({"lone": tried}, "lone") == Effort(attempts=2, seconds=3.5)


def test_the_effort_of_what_nobody_knows_is_nothing() -> None:
    assert effort_of({}, "gone") == effort_of({}, None) == Effort()
