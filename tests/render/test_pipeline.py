"""The whole pipeline on the local cloud: the workshop's input in, frames and film out, whatever happens meanwhile."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from fanout.blendplan import frame_uri
from fanout.s3 import S3Uri
from renderer.mp4 import read_film
from tests.local.cloud_process import Cloud
from tests.render.crew import Crew, decoded

PATIENCE = 600  # seconds; on an idle machine a run takes twenty


@dataclass
class Run:
    """An execution of the state machine."""

    cloud: Cloud
    crew: Crew
    arn: str

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cloud.client("stepfunctions").describe_execution(executionArn=self.arn)
        return found

    def ended(self, meanwhile: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Its description when it is over."""
        deadline = time.monotonic() + PATIENCE
        while (described := self.described())["status"] == "RUNNING":
            assert time.monotonic() < deadline, "the execution has not ended"
            meanwhile()
            time.sleep(0.1)
        return described

    def jobs(self) -> list[dict[str, Any]]:
        """Every job it submitted, in order."""
        pages = (
            self.cloud.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=self.arn)
        )
        events = [event for page in pages for event in page["events"] if event["type"] == "TaskSubmitted"]
        ids = [json.loads(event["taskSubmittedEventDetails"]["output"])["JobId"] for event in events]
        described: list[dict[str, Any]] = self.cloud.client("batch").describe_jobs(jobs=ids)["jobs"]
        return described


@pytest.fixture
def start(cloud: Cloud, crew: Crew) -> Any:
    """Starts the state machine with the workshop's six fields and whatever else is given."""

    def begin(blend: Path, **more: Any) -> Run:
        source = S3Uri(crew.bucket, f"{crew.name}/{blend.name}")
        crew.objects.upload(blend, source, "application/octet-stream")
        six = {
            "jobName": "animation",
            "inputUri": str(source),
            "outputUri": str(crew.output),
            "jobDefinitionArn": cloud.outputs["RendererJobDefinitionArn"],
            "jobQueueArn": cloud.outputs["JobQueueArn"],
            "framesPerJob": "1",
        }
        machine = cloud.outputs["RenderingStateMachineArn"]
        stepfunctions = cloud.client("stepfunctions")
        started = stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps(six | more))
        return Run(cloud, crew, started["executionArn"])

    return begin


def reclaim(cloud: Cloud, job_id: str) -> list[str]:
    """Takes the host of a running child away, as Spot does."""
    body = json.dumps({"jobs": [job_id], "noticeSeconds": 0})
    request = AWSRequest("POST", f"{cloud.endpoint_url}/v1/interruptjobs", data=body)
    request.headers["Content-Type"] = "application/json"
    SigV4Auth(Credentials("test", "test"), "batch", cloud.region).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    assert answer.status_code == 200, answer.text
    found: list[str] = json.loads(answer.text)["jobs"]
    return found


def test_an_animation_whose_child_is_reclaimed_ends_up_whole(
    cloud: Cloud, crew: Crew, scene: Any, start: Any, clean: dict[int, bytes]
) -> None:
    run = start(scene(), framesPerJob=12)
    left: dict[int, str] = {}
    reclaimed: list[str] = []

    def interrupt_the_second_child() -> None:
        if reclaimed or not (submitted := run.jobs()):
            return
        second = f"{submitted[0]['jobId']}:1"
        [child] = cloud.client("batch").describe_jobs(jobs=[second])["jobs"]
        if child["status"] == "RUNNING":
            left.update(crew.standing())
            reclaimed.extend(reclaim(cloud, second))

    described = run.ended(interrupt_the_second_child)
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert (output["status"], output["frames"], output["filmUri"]) == ("COMPLETE", 24, f"{crew.output}/output.mp4")
    film = read_film(crew.fetch("output.mp4"))
    assert (film.frames, film.rate, film.width, film.height) == (24, Fraction(24), 160, 90)
    assert crew.pixels() == clean
    after = crew.standing()
    assert {frame: after[frame] for frame in left} == left
    array, stitch = run.jobs()
    [child] = cloud.client("batch").describe_jobs(jobs=[f"{array['jobId']}:1"])["jobs"]
    assert reclaimed == [child["jobId"]]
    assert [bool(a.get("statusReason", "").startswith("Host EC2")) for a in child["attempts"]] == [True, False]
    assert stitch["jobQueue"] != array["jobQueue"]


def test_left_to_itself_a_run_shows_a_preview_and_sizes_its_array(crew: Crew, scene: Any, start: Any) -> None:
    run = start(scene(), framesPerJob="auto", frames="1-5")
    described = run.ended()
    assert described["status"] == "SUCCEEDED", described
    assert [job["jobName"] for job in run.jobs()] == ["animation-preview", "animation", "animation-film"]
    assert decoded(crew.fetch("preview.png")) == crew.pixels()[3]
    timings = json.loads(crew.fetch("timings.json"))
    assert timings["attempts"] == 2
    assert timings["childSeconds"] > timings["renderSeconds"] + timings["startupSeconds"]


def test_a_damaged_frame_turns_the_run_red_by_its_number_and_the_next_one_repairs_it(
    crew: Crew, scene: Any, start: Any
) -> None:
    assert start(scene(), framesPerJob=4, frames="1-4").ended()["status"] == "SUCCEEDED"
    uri = frame_uri(crew.output, crew.parameters.look, 3)
    whole = crew.objects.get(uri)
    crew.objects.put(uri, whole[:-100], "image/png")
    red = start(scene(), framesPerJob=4, frames="1-4").ended()
    assert red["status"] == "FAILED"
    assert red["error"] == "ResultsIncompleteError"
    assert "1 of 4 frames are missing: 3" in red["cause"]
    assert "frame 3 is damaged" in red["cause"]
    assert crew.objects.find(crew.output / "manifest.json") is None
    assert start(scene(), framesPerJob=4, frames="1-4").ended()["status"] == "SUCCEEDED"
    assert crew.objects.get(uri) == whole


@pytest.mark.parametrize(
    ("frames_per_job", "words"),
    [(2, "3 of 3 frames are missing: 1-3"), ("auto", "the preview, frame 2, failed: exit code 2")],
)
def test_a_render_that_fails_inside_blender_is_red_with_blenders_reason(
    start: Any, blind: Path, frames_per_job: int | str, words: str
) -> None:
    red = start(blind, framesPerJob=frames_per_job, frames="1-3", scene="Blind").ended()
    assert (red["status"], red["error"]) == ("FAILED", "ResultsIncompleteError")
    assert words in red["cause"]
    assert "Blender says: Cannot render, no camera" in red["cause"]


def test_what_is_no_blend_file_is_refused_before_anything_is_submitted(start: Any, tmp_path: Path) -> None:
    picture = tmp_path / "scene.blend"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    run = start(picture)
    red = run.ended()
    assert (red["status"], red["error"]) == ("FAILED", "BlendError")
    assert "scene.blend: not a .blend file" in red["cause"]
