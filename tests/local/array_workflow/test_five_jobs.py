"""The Batch guide's five jobs on the local cloud."""

import itertools
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from localcloud.batch.jobs import task_id
from stepbatch.pipelines.sample_objects import write_objects
from tests.local.cloud_process import Cloud
from tests.local.executions import PATIENCE, Execution

runs = itertools.count(1)


class Run:
    """A folder of objects, and executions over it."""

    def __init__(self, cloud: Cloud, folder: Path, count: int) -> None:
        self.cloud, self.place = cloud, f"workflows/{next(runs)}"
        self.bucket = cloud.outputs["BucketName"]
        if count:
            folder.mkdir()
        for name, path in write_objects(folder, count, seed=1).items():
            self.put(name, path.read_bytes())

    def put(self, name: str, body: bytes) -> None:
        self.cloud.client("s3").put_object(Bucket=self.bucket, Key=f"{self.place}/in/{name}", Body=body)

    @property
    def request(self) -> dict[str, str]:
        root = f"s3://{self.bucket}/{self.place}"
        return {"inputUri": f"{root}/in", "outputUri": f"{root}/out"}

    def start(self, **more: Any) -> Execution:
        return Execution.start(self.cloud, "ArrayWorkflowStateMachineArn", self.request | more)

    def document(self, name: str) -> Any:
        body = self.cloud.client("s3").get_object(Bucket=self.bucket, Key=f"{self.place}/out/{name}")["Body"].read()
        return json.loads(body)

    def listing(self) -> list[str]:
        pages = self.cloud.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=f"{self.place}/out/")
        return [row["Key"].removeprefix(f"{self.place}/out/") for page in found for row in page.get("Contents", [])]

    def rows(self) -> int:
        """In the table, of this run's objects."""
        pages = self.cloud.client("dynamodb").get_paginator("scan")
        table = self.cloud.outputs["WorkflowTableName"]
        rows = [row for page in pages.paginate(TableName=table) for row in page["Items"]]
        mine = [row for row in rows if row["run"]["S"].endswith(f"@{self.request['outputUri']}")]
        return sum(row["item"]["S"].startswith("item/") for row in mine)


@pytest.fixture
def make(cloud: Cloud, tmp_path: Path) -> Any:
    return lambda count: Run(cloud, tmp_path / "objects", count)


def test_five_jobs_run_in_their_order_and_one_message_tells_of_it(make: Any) -> None:
    run = make(40)
    longest = "k" * (1_024 - len(f"{run.place}/in/") - 4) + ".csv"
    run.put(longest, b"a\n1\n")
    execution = run.start(itemsPerJob=4, recipient="desk@example.com")
    answer = execution.output()
    assert (answer["status"], answer["items"], answer["processed"]) == ("COMPLETE", 41, 41)
    jobs = execution.jobs()
    assert list(jobs) == ["validate", "statistics", "profile", "check", "conclude"]
    assert jobs["check"]["dependsOn"] == [{"jobId": jobs["profile"]["jobId"]}, {"type": "SEQUENTIAL"}]
    for before, after in zip(execution.children("statistics"), execution.children("profile"), strict=True):
        assert jobs["validate"]["stoppedAt"] <= before["startedAt"]
        assert before["stoppedAt"] <= after["startedAt"]
    steps = execution.children("check")
    assert max(child["stoppedAt"] for child in execution.children("profile")) <= steps[0]["startedAt"]
    assert all(earlier["stoppedAt"] <= later["startedAt"] for earlier, later in itertools.pairwise(steps))
    assert run.document("notification.json")["messageId"] == answer["messageId"]
    assert run.rows() == 41
    assert not [key for key in run.listing() if key.startswith("work/")]
    assert "manifest.json" in run.listing()


def test_one_object_runs_as_plain_jobs(make: Any) -> None:
    execution = make(1).start(validationSteps=1)
    assert execution.output()["items"] == 1
    assert [name for name, job in execution.jobs().items() if job.get("arrayProperties", {}).get("size")] == []


def test_no_object_is_an_input_error(make: Any) -> None:
    ended = make(0).start().ended()
    assert (ended["status"], ended["error"]) == ("FAILED", "RequestError")
    assert "there is no object under" in ended["cause"]


def test_a_corrupt_object_is_named_and_the_tolerance_decides(make: Any) -> None:
    run = make(9)
    run.put("broken.csv.gz", b"\x1f\x8bnothing")
    strict = run.start(itemsPerJob=2)
    ended = strict.ended()
    assert (ended["status"], ended["error"]) == ("FAILED", "ResultsIncompleteError")
    assert "job A" in ended["cause"]
    assert "broken.csv.gz" in ended["cause"]
    assert {job["status"] for job in strict.jobs().values()} == {"FAILED"}
    tolerant = run.start(itemsPerJob=2, toleratedFailurePercentage=10)
    answer = tolerant.output()
    assert (answer["status"], answer["processed"], answer["rejected"]) == ("PARTIAL", 9, 1)
    assert "manifest.json" not in run.listing()
    assert "broken.csv.gz" in run.document("notification.json")["message"]


def test_a_child_that_fails_leaves_a_hole_that_is_told_and_filled_by_a_repeated_run(make: Any) -> None:
    run = make(30)
    execution = run.start(itemsPerJob=1)
    batch = run.cloud.client("batch")
    statistics = execution.awaited_job("statistics")
    batch.cancel_job(jobId=f"{statistics}:29", reason="lost")
    ended = execution.ended()
    assert (ended["status"], ended["error"]) == ("FAILED", "ResultsIncompleteError")
    assert f"job B ({statistics}) failed: child 29" in ended["cause"]
    assert "1 object has no result" in ended["cause"]
    jobs = execution.jobs()
    profiles = execution.children("profile")
    assert [index for index, child in enumerate(profiles) if child["status"] == "FAILED"] == [29]
    assert not profiles[29].get("startedAt")
    assert jobs["check"]["status"] == jobs["conclude"]["status"] == "FAILED"
    assert not jobs["conclude"].get("startedAt")
    assert run.document("summary.json")["status"] == "FAILED"
    assert "failed in job B" in run.document("notification.json")["subject"]
    assert "manifest.json" not in run.listing()
    answer = run.start(itemsPerJob=1).output()
    assert (answer["status"], answer["processed"]) == ("COMPLETE", 30)
    assert run.rows() == 30


def kill(child: str, attempt: int) -> None:
    """Kills the process of one attempt at a child with -9, as soon as it is there."""
    home, deadline = task_id(child, attempt), time.monotonic() + PATIENCE
    while True:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "cwd").readlink().name == home:
                    os.kill(int(process.name), signal.SIGKILL)
                    return
        assert time.monotonic() < deadline, f"no process of attempt {attempt} at {child}"
        time.sleep(0.01)


def test_a_child_that_is_killed_whenever_it_is_tried_leaves_nothing_that_claims_completion(make: Any) -> None:
    run = make(3)
    run.put("zzz.csv", b"a,b\n" + b"1,2\n" * 2_000_000)  # seconds of work
    execution = run.start(itemsPerJob=1)
    child = f"{execution.awaited_job('statistics')}:3"
    for attempt in range(1, 6):
        kill(child, attempt)
    ended = execution.ended()
    assert (ended["status"], ended["error"]) == ("FAILED", "ResultsIncompleteError")
    assert "child 3: exit code 137" in ended["cause"]
    assert "after 5 attempts" in ended["cause"]
    assert not execution.jobs()["conclude"].get("startedAt")
    assert run.document("summary.json")["status"] == "FAILED"
    assert "failed in job B" in run.document("notification.json")["subject"]
    assert "manifest.json" not in run.listing()
    again = run.start(itemsPerJob=1)
    kill(f"{again.awaited_job('statistics')}:3", attempt=1)
    assert again.output()["status"] == "COMPLETE"
    assert [len(tried["attempts"]) for tried in again.children("statistics")] == [1, 1, 1, 2]
    assert run.document("notification.json")["subject"].endswith("complete: 4 of 4 objects processed")
