"""The records pipeline on the local cloud: overlapping, truthful, repeatable."""

import itertools
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.local.cloud_process import Cloud
from tests.local.executions import PATIENCE, Execution

nights = itertools.count(1)


def start(cloud: Cloud, **request: Any) -> Execution:
    return Execution.start(cloud, "NToNStateMachineArn", request)


@pytest.fixture
def night() -> str:
    """A moment that no other test uses."""
    return f"2026-01-01T00:{next(nights):02d}:00Z"


def document(cloud: Cloud, output: str, name: str) -> Any:
    bucket, _, prefix = output.removeprefix("s3://").partition("/")
    return json.loads(cloud.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/{name}")["Body"].read())


def delivered(cloud: Cloud, run: str) -> dict[str, int]:
    """Node -> records in its file in the egress bucket."""
    s3, bucket = cloud.client("s3"), cloud.outputs["EgressBucketName"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{run}/")
    keys = [row["Key"] for page in pages for row in page.get("Contents", []) if row["Key"].endswith("/records.jsonl")]
    bodies = {key.split("/")[-3]: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    return {node: len(body.splitlines()) for node, body in bodies.items()}


def test_started_with_nothing_at_all_a_run_delivers_every_record(cloud: Cloud) -> None:
    execution = start(cloud)
    answer = execution.output()
    assert answer["runId"] == execution.arn.rpartition(":")[2]
    counts = delivered(cloud, answer["runId"])
    assert (sum(counts.values()), len(counts)) == (answer["records"], answer["nodes"])
    manifest = document(cloud, answer["outputUri"], "manifest.json")
    listed = {file["path"] for file in manifest["files"]}
    assert {f"{node}/results/records.jsonl" for node in counts} <= listed
    assert {"plan.json", "ids.txt", "summary.json", "timings.json", "timeline.svg"} <= listed


def test_steps_overlap_child_by_child_in_queues_of_their_own(cloud: Cloud, night: str) -> None:
    execution = start(cloud, scheduledTime=night, records=400, recordsPerNode=10)
    answer = execution.output()
    jobs = execution.jobs()
    assert len({jobs[step]["jobQueue"] for step in ("procure", "process", "deliver")}) == 3
    for earlier, later in itertools.pairwise(("procure", "process", "deliver")):
        assert jobs[later]["dependsOn"] == [{"jobId": jobs[earlier]["jobId"], "type": "N_TO_N"}]
        for before, after in zip(execution.children(earlier), execution.children(later), strict=True):
            assert before["stoppedAt"] <= after["startedAt"]
    timings = document(cloud, answer["outputUri"], "timings.json")
    assert [step["step"] for step in timings["steps"]] == ["procure", "process", "deliver"]
    assert timings["steps"][1]["overlap"] > 0.5


def test_a_single_node_runs_as_plain_jobs_with_plain_dependencies(cloud: Cloud, night: str) -> None:
    execution = start(cloud, scheduledTime=night, records=40)
    assert execution.output()["nodes"] == 1
    jobs = execution.jobs()
    assert [name for name, job in jobs.items() if job.get("arrayProperties", {}).get("size")] == []
    assert [set(on) for on in jobs["deliver"]["dependsOn"]] == [{"jobId"}]


def test_the_runs_files_are_removed_unless_they_are_to_be_kept(cloud: Cloud, night: str) -> None:
    kept = start(cloud, scheduledTime=night, records=80, keep=True)
    assert kept.output()["status"] == "COMPLETE"
    assert "clean" not in kept.submitted()
    again = start(cloud, scheduledTime=night, records=80)
    assert again.output()["status"] == "COMPLETE"
    assert again.log("clean") == ["clean removed 2 nodes"]


def test_two_executions_for_the_same_moment_are_one_run(cloud: Cloud, night: str) -> None:
    first = start(cloud, scheduledTime=night)
    answer = first.output()
    second = start(cloud, scheduledTime=night)
    assert second.output() == answer
    assert set(second.submitted()) == {"clean"}


def test_a_child_that_fails_costs_its_own_records_and_a_repeated_run_does_only_those(cloud: Cloud, night: str) -> None:
    request = {"scheduledTime": night, "records": 400, "recordsPerNode": 10}
    execution = start(cloud, **request)
    process = execution.awaited_job("process")
    cloud.client("batch").cancel_job(jobId=f"{process}:39", reason="lost")
    ended = execution.ended()
    assert (ended["status"], ended["error"]) == ("FAILED", "ResultsIncompleteError")
    assert "10 of 400 records are not delivered, in 1 of 40 nodes" in ended["cause"]
    assert f"node 39, 10 records from R0000390 to R0000399: process child 39 (job {process})" in ended["cause"]
    children = execution.children("deliver")
    assert [index for index, child in enumerate(children) if child["status"] == "FAILED"] == [39]
    assert "startedAt" not in children[39] or not children[39]["startedAt"]
    run = datetime.fromisoformat(night).strftime("%Y%m%dT%H%M%SZ")
    assert len(delivered(cloud, run)) == 39
    again = start(cloud, **request)
    answer = again.output()
    assert (answer["status"], answer["records"]) == ("COMPLETE", 400)
    assert set(again.submitted()) == {"procure", "process", "deliver", "clean"}
    assert not again.jobs()["procure"].get("arrayProperties", {}).get("size")
    assert len(delivered(cloud, run)) == 40


def test_a_clean_up_that_fails_is_red_and_says_that_everything_was_delivered(cloud: Cloud, night: str) -> None:
    batch, queue = cloud.client("batch"), cloud.outputs["OnDemandQueueArn"]
    batch.update_job_queue(jobQueue=queue, state="DISABLED")
    try:
        ended = start(cloud, scheduledTime=night, records=80).ended()
    finally:
        batch.update_job_queue(jobQueue=queue, state="ENABLED")
    assert (ended["status"], ended["error"]) == ("FAILED", "CleanUpFailed")
    assert "every record is delivered" in ended["cause"]
    again = start(cloud, scheduledTime=night, records=80)
    assert again.output()["status"] == "COMPLETE"
    assert again.log("clean") == ["clean removed 2 nodes"]


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"records": 0}, "records"),
        ({"recordsPerNod": 5}, "recordsPerNod"),
        ({"runId": "../x"}, "cannot name the run's directory"),
        ({"scheduledTime": "tonight"}, "scheduledTime"),
    ],
)
def test_bad_input_is_refused_by_name(cloud: Cloud, request_: dict[str, Any], named: str) -> None:
    ended = start(cloud, **request_).ended()
    assert (ended["status"], ended["error"]) == ("FAILED", "RequestError")
    assert named in ended["cause"]


def test_the_schedule_is_off_and_once_on_starts_a_run_named_after_its_time(cloud: Cloud) -> None:
    scheduler = cloud.client("scheduler")
    [name] = [row["Name"] for row in scheduler.list_schedules()["Schedules"] if "Nightly" in row["Name"]]
    schedule = scheduler.get_schedule(Name=name)
    assert (schedule["State"], schedule["FlexibleTimeWindow"]["Mode"]) == ("DISABLED", "FLEXIBLE")
    moment = datetime.now(UTC) + timedelta(seconds=3)
    scheduler.update_schedule(
        Name=name,
        State="ENABLED",
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=schedule["Target"],
    )
    run, prefix = f"{moment:%Y%m%dT%H%M%SZ}", f"{cloud.outputs['NToNStateMachineArn']}"
    machines, deadline = cloud.client("stepfunctions"), time.monotonic() + PATIENCE
    while True:
        rows = machines.list_executions(stateMachineArn=prefix, maxResults=10)["executions"]
        outputs = [machines.describe_execution(executionArn=row["executionArn"]).get("output", "") for row in rows]
        if any(run in output for output in outputs):
            break
        assert time.monotonic() < deadline, "no run was started for the schedule's time"
        time.sleep(0.2)
    assert sum(delivered(cloud, run).values()) >= 200
