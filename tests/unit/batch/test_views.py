"""Responses have botocore's shapes, whatever state a job is in."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from localcloud.batch.dependencies import Submission, members
from localcloud.batch.jobs import Job
from localcloud.batch.requests import parse
from localcloud.batch.views import Views

if TYPE_CHECKING:
    from tests.unit.batch.conftest import Desk

ARN = "arn:aws:batch:us-east-1:123456789012"
DEFINITION = {
    "jobDefinitionName": "d",
    "jobDefinitionArn": f"{ARN}:job-definition/d:3",
    "type": "container",
    "parameters": {"action": "price"},
    "retryStrategy": {"attempts": 3, "evaluateOnExit": [{"onExitCode": "2", "action": "EXIT"}]},
    "timeout": {"attemptDurationSeconds": 600},
    "containerProperties": {
        "image": "i",
        "command": ["Ref::action"],
        "jobRoleArn": "arn:aws:iam::123456789012:role/r",
        "environment": [{"name": "A", "value": "1"}],
        "resourceRequirements": [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "512"}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g"}},
    },
}
QUEUE = {
    "jobQueueName": "q",
    "jobQueueArn": f"{ARN}:job-queue/q",
    "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": f"{ARN}:compute-environment/spot"}],
}
VIEWS = Views(account="123456789012", region="us-east-1")
MODEL = ServiceModel(Loader().load_service_model("batch", "service-2"))


def assert_shaped(operation: str, answer: dict[str, Any]) -> None:
    shape = MODEL.operation_model(operation).output_shape
    assert shape is not None
    assert ParamValidator().validate(answer, shape).generate_report() == ""


@pytest.fixture
def submit(desk: "Desk") -> Any:
    def submit(name: str, **body: Any) -> Job:
        request = {"jobName": name, "jobQueue": "q", "jobDefinition": "d", **body}
        size = body.get("arrayProperties", {}).get("size")
        spec = parse(request, DEFINITION, QUEUE)
        submission = Submission(job_id=name, spec=spec, size=size, tags=body.get("tags", {}))
        desk.obey(desk.scheduler.submit(submission, desk.now))
        return desk.scheduler.jobs[name]

    return submit


@pytest.fixture
def one_of_each(desk: "Desk", submit: Any) -> list[Job]:
    """Jobs in every status, after every kind of end; an array and its children."""
    jobs = {name: submit(name, tags={"team": "desk"}) for name in ("starting", "running", "good", "bad", "reclaimed")}
    desk.run(jobs["running"])
    for name in ("good", "bad", "reclaimed"):
        desk.run(jobs[name])
    desk.end(jobs["good"])
    desk.end(jobs["bad"], 2)
    desk.obey(desk.scheduler.reclaim(["reclaimed"], desk.now, instance="i-0", notice=0))
    desk.end(jobs["reclaimed"], 137)
    unstarted = submit("unstarted")
    for _ in range(3):
        desk.end(unstarted, None, "CannotPullContainerError: no such image")
    array = submit("array", arrayProperties={"size": 30}, containerOverrides={"command": ["Ref::action", "x"]})
    desk.terminate(members(array)[29])
    queued = submit("queued")
    terminated = submit("terminated")
    desk.terminate(terminated)
    return [*jobs.values(), unstarted, array, *members(array)[:2], members(array)[29], queued, terminated]


def test_every_job_is_described_in_the_services_shape(one_of_each: list[Job]) -> None:
    for job in one_of_each:
        assert_shaped("DescribeJobs", {"jobs": [VIEWS.detail(job)]})
        assert_shaped("ListJobs", {"jobSummaryList": [VIEWS.summary(job)]})


def test_the_validator_itself_would_notice(one_of_each: list[Job]) -> None:
    detail = VIEWS.detail(one_of_each[0])
    for wrong in ({**detail, "colour": "red"}, {**detail, "createdAt": "today"}, {**detail, "attempts": {}}):
        with pytest.raises(AssertionError):
            assert_shaped("DescribeJobs", {"jobs": [wrong]})


def test_a_parent_shows_counts_that_sum_to_its_size(submit: Any) -> None:
    detail = VIEWS.detail(submit("array", arrayProperties={"size": 30}))
    summary = detail["arrayProperties"]["statusSummary"]
    assert set(summary) == {"SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"}
    assert sum(summary.values()) == detail["arrayProperties"]["size"] == 30
    assert detail["status"] == "PENDING"


def test_a_child_shows_its_index_and_its_parents_tags(submit: Any) -> None:
    child = VIEWS.detail(members(submit("array", arrayProperties={"size": 2}, tags={"team": "desk"}))[1])
    assert child["jobId"] == "array:1"
    assert child["jobArn"] == f"{ARN}:job/array:1"
    assert child["arrayProperties"] == {"index": 1, "statusSummary": {}}
    assert child["tags"] == {"team": "desk"}


def test_attempts_carry_exit_code_reason_and_log_stream(desk: "Desk", submit: Any) -> None:
    job = submit("job")
    desk.run(job)
    desk.wait(5)
    desk.end(job, 137, "OutOfMemoryError: Container killed due to memory usage")
    desk.run(job)
    detail = VIEWS.detail(job)
    (attempt,) = detail["attempts"]
    assert attempt["startedAt"] + 5000 == attempt["stoppedAt"]
    assert attempt["statusReason"] == "Essential container in task exited"
    assert attempt["container"]["exitCode"] == 137
    assert attempt["container"]["reason"].startswith("OutOfMemoryError")
    assert attempt["container"]["logStreamName"] != detail["container"]["logStreamName"]
    assert "exitCode" not in detail["container"], "the second attempt runs"


def test_a_container_that_never_started_names_no_log(desk: "Desk", submit: Any) -> None:
    job = submit("job")
    desk.scheduler.terminate(job.id, "not wanted", desk.now)
    desk.end(job, None, "CannotPullContainerError: not here")
    detail = VIEWS.detail(job)
    assert detail["container"]["reason"] == "CannotPullContainerError: not here"
    assert "logStreamName" not in detail["container"]
    assert "logStreamName" not in detail["attempts"][0]["container"]


def test_the_container_shows_the_submissions_overrides(submit: Any) -> None:
    overrides = {
        "command": ["run", "Ref::action"],
        "environment": [{"name": "B", "value": "2"}],
        "resourceRequirements": [{"type": "MEMORY", "value": "1024"}],
    }
    container = VIEWS.detail(submit("job", containerOverrides=overrides))["container"]
    assert container["command"] == ["run", "price"]
    assert container["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert {each["type"]: each["value"] for each in container["resourceRequirements"]} == {
        "VCPU": "0.5",
        "MEMORY": "1024",
    }


def test_what_was_asked_for_is_shown(submit: Any) -> None:
    detail = VIEWS.detail(submit("job", timeout={"attemptDurationSeconds": 60}, parameters={"x": "y"}))
    assert detail["timeout"] == {"attemptDurationSeconds": 60}
    assert detail["parameters"] == {"action": "price", "x": "y"}
    assert detail["retryStrategy"]["attempts"] == 3
    assert detail["jobDefinition"].endswith("d:3")
    assert detail["startedAt"] == 0
