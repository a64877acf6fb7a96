"""What Batch says of failed children becomes one line a child."""

import json
from typing import Any

import pytest

from failed_children import FailedChildren, job_id_of, reason

GROUP = {"options": {"awslogs-group": "/aws/batch/desk"}}


class Batch:
    """Batch, knowing one array of 2,002 children of which two failed, on the second page."""

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        known = {
            "array": {"status": "FAILED", "arrayProperties": {"size": 2002}},
            "lone": {"status": "FAILED", "statusReason": "Host EC2 (instance i-1) terminated.", "attempts": [{}] * 5},
            "array:7": {
                "statusReason": "Essential container in task exited",
                "arrayProperties": {"index": 7},
                "attempts": [{}, {}],
                "container": {"exitCode": 137, "logStreamName": "pricer/7", "logConfiguration": GROUP},
            },
            "array:2001": {"statusReason": "Dependent Job failed", "arrayProperties": {"index": 2001}},
        }
        return {"jobs": [known[name] for name in jobs if name in known]}

    def get_paginator(self, operation: str) -> "Batch":
        assert operation == "list_jobs"
        return self

    def paginate(self, **query: Any) -> list[dict[str, Any]]:
        assert query == {"arrayJobId": "array", "jobStatus": "FAILED"}
        first = {"arrayProperties": {"index": 7}, "container": {"exitCode": 137}, "statusReason": "exited"}
        return [{"jobSummaryList": [first]}, {"jobSummaryList": [{"arrayProperties": {"index": 2001}}]}]


class Logs:
    def get_log_events(self, **query: Any) -> dict[str, Any]:
        assert (query["logGroupName"], query["logStreamName"]) == ("/aws/batch/desk", "pricer/7")
        return {"events": [{"message": "pricing\n"}, {"message": "MemoryError\n"}]}


@pytest.fixture
def children() -> FailedChildren:
    made = FailedChildren()
    made.__dict__ |= {"batch": Batch(), "logs": Logs()}
    return made


def cause(job_id: str) -> dict[str, str]:
    return {"Error": "States.TaskFailed", "Cause": json.dumps({"JobId": job_id, "Status": "FAILED"})}


def test_a_failed_child_is_told_with_exit_code_attempts_and_the_end_of_its_log(children: FailedChildren) -> None:
    assert children.reasons(cause("array")) == {
        7: "exit code 137, Essential container in task exited after 2 attempts; its log ends: pricing | MemoryError",
        2001: "Dependent Job failed",
    }


def test_a_lone_jobs_reason_stands_for_every_child(children: FailedChildren) -> None:
    assert children.reasons(cause("lone")) == {-1: "Host EC2 (instance i-1) terminated. after 5 attempts"}


def test_a_job_that_batch_forgot_is_said_to_be_forgotten(children: FailedChildren) -> None:
    assert children.reasons(cause("old")) == {-1: "Batch no longer knows job old"}


def test_a_job_that_was_never_accepted_is_told_with_the_services_error(children: FailedChildren) -> None:
    job = {"Error": "Batch.ClientException", "Cause": "JobQueue nowhere not found"}
    assert children.reasons(job) == {-1: "Batch.ClientException: JobQueue nowhere not found"}
    assert children.reasons({"Error": "States.Timeout"}) == {-1: "States.Timeout"}


@pytest.mark.parametrize(
    ("job", "expected"),
    [({"jobId": "a"}, "a"), (cause("b"), "b"), ({"Cause": "no JSON"}, None), ({"Cause": "[]"}, None), ({}, None)],
)
def test_the_jobs_id_comes_from_the_result_or_the_error(job: dict[str, Any], expected: str | None) -> None:
    assert job_id_of(job) == expected


def test_a_reason_is_never_empty() -> None:
    assert reason({}) == "failed without a reason"
