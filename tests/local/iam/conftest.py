"""One local cloud of the product's template, on which every pipeline but rendering has run."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.deploy.answers import Answers
from tests.local.cloud_process import Cloud, start_cloud, stop_cloud
from tests.local.executions import PATIENCE
from tests.local.iam.evidence import Evidence
from tests.local.iam.runs import Runs, await_true, soon

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
NIGHT = {"records": 20, "recordsPerNode": 10}
RENDERING = ("Rendering", "CountFrames", "CollateFrames", "RendererJob")  # tests/render runs these


@pytest.fixture(scope="session")
def exercised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("roles")
    cloud = start_cloud(TEMPLATE, "--stack", "roles", "--state", str(folder / "state"), log=folder / "stderr")
    try:
        exercise(Runs(cloud), folder / "state" / "filesystems")
        yield cloud
    finally:
        stop_cloud(cloud)


def exercise(runs: Runs, file_systems: Path) -> None:
    """Every way through the pipelines that a machine without Blender can take."""
    workflow = runs.objects(b"a\n1\n", b"a\n2\n") | {"itemsPerJob": 1}
    _succeed(runs, workflow)
    _fail(runs)
    _lose_files(runs, file_systems)
    _by_schedule(runs)
    runs.finish()
    _stop(runs, workflow)
    runs.finish()
    _empty(runs)


@pytest.fixture(scope="session")
def evidence(exercised: Cloud) -> Evidence:
    """Of all roles but those that only rendering uses."""
    return Evidence.of(exercised).of_roles(lambda role: not role.startswith(RENDERING))


def _succeed(runs: Runs, workflow: dict[str, Any]) -> None:
    runs.start("MonteCarloStateMachineArn", runs.book(2))
    runs.start("NToNStateMachineArn", NIGHT | {"scheduledTime": "2026-01-01T00:00:00Z"})
    runs.start("ArrayWorkflowStateMachineArn", workflow)


def _fail(runs: Runs) -> None:
    """Children that end red, so that somebody asks why and reads what they said last."""
    broken = runs.broken("PricerJobDefinitionArn")
    runs.start("MonteCarloStateMachineArn", runs.book(2, jobDefinitionArn=broken), ends="FAILED")
    runs.start("ArrayWorkflowStateMachineArn", runs.objects(b"\xff\x00") | {"itemsPerJob": 1}, ends="FAILED")


def _lose_files(runs: Runs, file_systems: Path) -> None:
    """What was procured is gone before it can be processed."""
    with runs.blocked("ProcessingQueue"):
        night = runs.start("NToNStateMachineArn", NIGHT | {"scheduledTime": "2026-01-02T00:00:00Z"}, ends="FAILED")
        procured = night.awaited_job("procure")
        await_true(lambda: runs.status(procured) == "SUCCEEDED")
        for path in file_systems.glob("*/20260102T000000Z"):
            shutil.rmtree(path)


def _stop(runs: Runs, workflow: dict[str, Any]) -> None:
    """A workflow again; and executions that are stopped while they wait for a job, which Step Functions then ends."""
    again = runs.start("ArrayWorkflowStateMachineArn", workflow)
    again.output()
    with runs.blocked("JobQueue"):
        runs.stop_at("MonteCarloStateMachineArn", runs.book(2), "")
    with runs.blocked("OnDemandQueue"):
        runs.stop_at("NToNStateMachineArn", NIGHT | {"scheduledTime": "2026-01-01T00:00:00Z"}, "clean")
        runs.stop_at("ArrayWorkflowStateMachineArn", runs.objects(b"a\n1\n"), "conclude")


def _by_schedule(runs: Runs) -> None:
    scheduler = runs.cloud.client("scheduler")
    [name] = [each["Name"] for each in scheduler.list_schedules()["Schedules"]]
    found = scheduler.get_schedule(Name=name)
    kept = {key: found[key] for key in ("Name", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**kept, ScheduleExpression=soon(), State="ENABLED")
    runs.wait_for("NightlyRunsRole", "states:StartExecution")
    scheduler.update_schedule(**kept, ScheduleExpression="rate(1 days)", State="DISABLED")


def _empty(runs: Runs) -> None:
    """What happens to the buckets when the stack is deleted: its function empties them."""
    s3 = runs.cloud.client("s3")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    for bucket in buckets:
        s3.put_object(Bucket=bucket, Key="left", Body=b"")
        s3.create_multipart_upload(Bucket=bucket, Key="never ended")
    with Answers() as answers:
        request = {
            "RequestType": "Delete",
            "ResponseURL": answers.url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "EmptiedBuckets",
            "PhysicalResourceId": "buckets",
            "ResourceProperties": {"Buckets": buckets},
        }
        name = f"{runs.cloud.stack}-EmptyBucketsFunction"
        runs.cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(request))
        assert answers.wait(PATIENCE)["Status"] == "SUCCESS"
