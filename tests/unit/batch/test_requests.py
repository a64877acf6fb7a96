"""What SubmitJob accepts and how it refuses."""

from typing import Any

import pytest

from localcloud.batch.jobs import Resources, RetryRule, TimeLimit
from localcloud.batch.requests import RefusedError, check, interruption, parse, parse_queue

QUEUE = {
    "jobQueueName": "q",
    "jobQueueArn": "arn:aws:batch:us-east-1:1:job-queue/q",
    "priority": 7,
    "computeEnvironmentOrder": [
        {"order": 2, "computeEnvironment": "arn:aws:batch:us-east-1:1:compute-environment/ondemand"},
        {
            "order": 1,
            "computeEnvironment": "arn:aws:batch:us-east-1:1:compute-environment/spot",
            "detail": {"computeResources": {"maxvCpus": 8}},
        },
    ],
    "jobStateTimeLimitActions": [
        {"reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "state": "RUNNABLE", "maxTimeSeconds": 600}
    ],
}


def definition(container: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "jobDefinitionName": "d",
        "jobDefinitionArn": "arn:aws:batch:us-east-1:1:job-definition/d:1",
        "type": "container",
        "containerProperties": {"image": "i", "command": ["Ref::action", "-n", "Ref::count"], **(container or {})},
        "parameters": {"action": "price", "count": "3"},
        **more,
    }


def body(**more: Any) -> dict[str, Any]:
    return {"jobName": "job", "jobQueue": "q", "jobDefinition": "d", **more}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (body(jobName="-job"), "Job name should match valid pattern"),
        (body(jobName="a" * 129), "Job name should match valid pattern"),
        (body(jobName="a:b"), "Job name should match valid pattern"),
        (body(jobName="job\n"), "Job name should match valid pattern"),
        (body(arrayProperties={"size": 0}), "Array size must be between 2 and 10,000, got 0"),
        (body(arrayProperties={"size": 1}), "Array size must be between 2 and 10,000, got 1"),
        (body(arrayProperties={"size": 10_001}), "Array size must be between 2 and 10,000, got 10001"),
        (body(arrayProperties={}), "Array size must be between 2 and 10,000, got None"),
        (body(parameters={"x": "y" * 31_000}), "Job size must be less than 30 KiB, got 31 KiB"),
        (body(dependsOn=[{"jobId": "j"}] * 21), "Job cannot have more than 20 dependencies"),
        (body(dependsOn=[{"jobId": "j", "type": "N_TO_N"}]), "can only be specified for an array job"),
        (body(dependsOn=[{"type": "SEQUENTIAL"}]), "can only be specified for an array job"),
        (body(arrayProperties={"size": 2}, dependsOn=[{"jobId": "j", "type": "SEQUENTIAL"}]), "cannot have a jobId"),
        (body(arrayProperties={"size": 2}, dependsOn=[{"type": "N_TO_N"}]), "must have a jobId"),
        (body(dependsOn=[{}]), "must have a jobId"),
        (body(dependsOn=[{"jobId": "j", "type": "LATER"}]), "LATER is not one of N_TO_N, SEQUENTIAL"),
        (body(tags={str(n): "" for n in range(51)}), "more than 50 tags"),
        (body(tags={"k" * 129: ""}), "1 to 128 characters"),
        (body(tags={"": ""}), "1 to 128 characters"),
        (body(tags={"aws:team": ""}), "cannot start with aws:"),
        (body(tags={"team": "v" * 257}), "The value of tag team must have at most 256 characters, got 257"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_in_words(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check(request_)
    assert message in str(refused.value)


def test_what_is_just_within_the_limits_is_accepted() -> None:
    check(body(jobName="9" + "a-_" * 42 + "z"))
    check(body(arrayProperties={"size": 2}, dependsOn=[{"type": "SEQUENTIAL"}, {"jobId": "j", "type": "N_TO_N"}]))
    check(body(arrayProperties={"size": 10_000}))
    check(body(tags={"k" * 128: "v" * 256}))
    check(body(dependsOn=[{"jobId": str(n)} for n in range(20)]))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (body(containerOverrides={"command": ["Ref::missing"]}), "No parameter found for reference missing"),
        (body(containerOverrides={"command": ["echo", ""]}), "Command field cannot have empty strings"),
        (body(parameters={"count": ""}), "Command field cannot have empty strings"),
        (body(timeout={"attemptDurationSeconds": 59}), "must be at least 60, got 59"),
        (body(retryStrategy={"attempts": 11}), "between 1 and 10, got 11"),
        (body(retryStrategy={"attempts": 0}), "between 1 and 10, got 0"),
        (body(retryStrategy={"evaluateOnExit": [{"action": "EXIT"}]}), "RetryAttempts must be provided"),
        (body(retryStrategy={"attempts": 2, "evaluateOnExit": [{"action": "EXIT"}] * 6}), "more than 5 entries"),
        (body(retryStrategy={"attempts": 2, "evaluateOnExit": [{"action": "STOP"}]}), "RETRY or EXIT, got STOP"),
        (
            body(retryStrategy={"attempts": 2, "evaluateOnExit": [{"action": "EXIT", "onExitCode": "1*2"}]}),
            "onExitCode should match valid pattern, got 1*2",
        ),
        (
            body(retryStrategy={"attempts": 2, "evaluateOnExit": [{"action": "EXIT", "onReason": "*full"}]}),
            "onReason should match valid pattern, got *full",
        ),
        (
            body(containerOverrides={"environment": [{"name": "AWS_BATCH_JOB_ID", "value": "x"}]}),
            "cannot start with AWS_BATCH",
        ),
        (
            body(containerOverrides={"resourceRequirements": [{"type": "MEMORY", "value": "2"}]}),
            "at least 4 MiB, got 2",
        ),
        (body(containerOverrides={"environment": [{"value": "x"}]}), "Environment variables must have a name"),
        (body(containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "many"}]}), "must be numbers"),
        (body(containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "inf"}]}), "must be numbers"),
        (body(containerOverrides={"resourceRequirements": [{"type": "DISK", "value": "1"}]}), "DISK is not one of"),
        (body(containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "0"}]}), "greater than 0, got 0"),
        (body(shareIdentifier="a"), "fair share scheduling policy"),
        (body(nodeOverrides={"numNodes": 2}), "nodeOverrides does not apply to a container job"),
    ],
)
def test_a_request_that_its_definition_does_not_allow_is_refused(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse(request_, definition(), QUEUE)
    assert message in str(refused.value)


def test_references_are_replaced_by_the_submissions_parameters_then_the_definitions() -> None:
    spec = parse(body(parameters={"count": "9", "other": "x"}), definition(), QUEUE)
    assert spec.command == ("price", "-n", "9")
    assert spec.parameters == {"action": "price", "count": "9", "other": "x"}


def test_a_reference_inside_a_word_is_left_as_it_is() -> None:
    overrides = {"command": ["--n=Ref::count", "Ref::count"]}
    assert parse(body(containerOverrides=overrides), definition(), QUEUE).command == ("--n=Ref::count", "3")


def test_the_submission_overrides_command_environment_retries_and_timeout() -> None:
    given = definition(
        {"environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        retryStrategy={"attempts": 5},
        timeout={"attemptDurationSeconds": 600},
    )
    assert (parse(body(), given, QUEUE).attempts, parse(body(), given, QUEUE).timeout) == (5, 600)
    spec = parse(
        body(
            containerOverrides={"command": ["run"], "environment": [{"name": "B", "value": "3"}]},
            retryStrategy={"attempts": 2, "evaluateOnExit": [{"onExitCode": "2", "action": "exit"}]},
            timeout={"attemptDurationSeconds": 60},
        ),
        given,
        QUEUE,
    )
    assert spec.command == ("run",)
    assert spec.environment == {"A": "1", "B": "3"}
    assert (spec.attempts, spec.retry_rules) == (2, (RetryRule(action="EXIT", on_exit_code="2"),))
    assert spec.timeout == 60


@pytest.mark.parametrize(
    ("container", "overrides", "expected"),
    [
        ({"vcpus": 2, "memory": 128}, {}, (2000, 128)),
        ({"vcpus": 2, "memory": 128}, {"vcpus": 4, "memory": 256}, (4000, 256)),
        (
            {"resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]},
            {},
            (250, 512),
        ),
        (
            {"resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "512"}]},
            {"vcpus": 4, "resourceRequirements": [{"type": "MEMORY", "value": "1024"}]},
            (2000, 1024),  # the deprecated vcpus does not override a requirement of the definition
        ),
    ],
)
def test_resources_come_from_requirements_first(
    container: dict[str, Any], overrides: dict[str, Any], expected: tuple[int, int]
) -> None:
    spec = parse(body(containerOverrides=overrides), definition(container), QUEUE)
    assert spec.resources == Resources(cpu=expected[0], memory=expected[1])


def test_overrides_too_long_for_ecs_are_accepted_and_fail_the_job() -> None:
    long = {"environment": [{"name": "TEXT", "value": "x" * 8192}]}
    assert parse(body(containerOverrides=long), definition(), QUEUE).fault == (
        "Container Overrides length must be at most 8192"
    )
    short = {"environment": [{"name": "TEXT", "value": "x" * 8000}]}
    assert parse(body(containerOverrides=short), definition(), QUEUE).fault is None
    parameters = {"count": "x" * 8192}
    assert parse(body(parameters=parameters), definition(), QUEUE).fault is not None


def test_more_tags_than_a_task_may_have_fail_a_job_that_propagates_them() -> None:
    many = definition(tags={f"d{n}": "" for n in range(30)})
    request = body(tags={f"j{n}": "" for n in range(30)})
    assert parse(request, many, QUEUE).fault is None
    assert "60 tags" in str(parse({**request, "propagateTags": True}, many, QUEUE).fault)


def test_a_queues_environments_are_in_its_order_of_preference() -> None:
    queue = parse_queue(QUEUE)
    assert [environment.name for environment in queue.environments] == ["spot", "ondemand"]
    assert queue.environments[0].cpu == 8000
    assert queue.environments[1].cpu > 10**9  # not described: it does not limit
    assert queue.time_limits == (TimeLimit(reason="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", seconds=600),)


def test_definitions_of_other_types_are_refused() -> None:
    with pytest.raises(RefusedError, match="not of type container"):
        parse(body(), definition(type="multinode"), QUEUE)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"jobs": "x"},
        {"jobs": [1]},
        {"count": -1},
        {"count": True},
        {"count": 1, "noticeSeconds": -1},
        {"count": 1, "noticeSeconds": float("inf")},
        {"count": 1, "noticeSeconds": "2"},
    ],
)
def test_an_interruption_of_nothing_or_at_no_time_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="InterruptJobs takes jobs"):
        interruption(request_)


def test_an_interruption_names_jobs_or_how_many() -> None:
    assert interruption({"count": 3}) == (3, 3, 2.0)
    assert interruption({"jobs": ["a"], "count": 1, "noticeSeconds": 0}) == (["a"], 1, 0.0)
