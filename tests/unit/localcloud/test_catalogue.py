"""Batch's control plane."""

from typing import Any

import pytest

from localcloud.catalogue import BatchCatalogue
from localcloud.errors import ApiError

REQUIREMENTS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]


def definition(**more: Any) -> dict[str, Any]:
    container = {"image": "repo/pricer:1", "resourceRequirements": REQUIREMENTS}
    return {"jobDefinitionName": "job", "type": "container", "containerProperties": container, **more}


@pytest.fixture
def catalogue() -> BatchCatalogue:
    made = BatchCatalogue(account="123456789012", region="eu-west-1")
    resources = {
        "type": "SPOT",
        "maxvCpus": 4,
        "subnets": ["s"],
        "instanceRole": "r",
        "instanceTypes": ["default_x86_64"],
    }
    for name in ("spot", "demand"):
        body = {"computeEnvironmentName": name, "type": "MANAGED", "computeResources": resources}
        made.handle("createcomputeenvironment", body)
    return made


def queue(**more: Any) -> dict[str, Any]:
    order = [{"order": 2, "computeEnvironment": "demand"}, {"order": 1, "computeEnvironment": "spot"}]
    return {"jobQueueName": "queue", "priority": 1, "computeEnvironmentOrder": order, **more}


def test_a_definition_is_kept_as_it_was_declared(catalogue: BatchCatalogue) -> None:
    rules = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onExitCode": "2", "action": "EXIT"}]
    strategy = {"attempts": 3, "evaluateOnExit": rules}
    environment = [{"name": "AWS_ENDPOINT_URL", "value": ""}]
    body = definition(
        retryStrategy=strategy, timeout={"attemptDurationSeconds": 60}, schedulingPriority=7, tags={"a": "b"}
    )
    body["containerProperties"]["environment"] = environment
    made = catalogue.handle("registerjobdefinition", body)
    assert made["jobDefinitionArn"] == "arn:aws:batch:eu-west-1:123456789012:job-definition/job:1"
    found = catalogue.job_definition("job")
    assert found is not None
    assert found["retryStrategy"] == strategy
    assert found["schedulingPriority"] == 7
    assert found["containerProperties"]["environment"] == environment
    assert found["containerProperties"]["mountPoints"] == []
    assert (found["revision"], found["status"], found["tags"]) == (1, "ACTIVE", {"a": "b"})


def test_a_name_means_the_latest_active_revision(catalogue: BatchCatalogue) -> None:
    arns = [catalogue.handle("registerjobdefinition", definition())["jobDefinitionArn"] for _ in range(3)]
    catalogue.handle("deregisterjobdefinition", {"jobDefinition": arns[2]})
    found = {name: catalogue.job_definition(name) for name in ("job", "job:1", arns[2], "job:9", "other")}
    revisions = {name: document and document["revision"] for name, document in found.items()}
    assert revisions == {"job": 2, "job:1": 1, arns[2]: 3, "job:9": None, "other": None}
    active = catalogue.handle("describejobdefinitions", {"jobDefinitionName": "job", "status": "ACTIVE"})
    assert [document["revision"] for document in active["jobDefinitions"]] == [2, 1]


def test_descriptions_come_in_pages(catalogue: BatchCatalogue) -> None:
    for _ in range(5):
        catalogue.handle("registerjobdefinition", definition())
    first = catalogue.handle("describejobdefinitions", {"maxResults": 3})
    rest = catalogue.handle("describejobdefinitions", {"maxResults": 3, "nextToken": first["nextToken"]})
    revisions = [document["revision"] for page in (first, rest) for document in page["jobDefinitions"]]
    assert revisions == [5, 4, 3, 2, 1]
    assert "nextToken" not in rest


def test_a_queue_carries_its_environments_in_order(catalogue: BatchCatalogue) -> None:
    limit = {
        "state": "RUNNABLE",
        "reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
        "maxTimeSeconds": 600,
        "action": "CANCEL",
    }
    catalogue.handle("createjobqueue", queue(jobStateTimeLimitActions=[limit]))
    found = catalogue.queue("arn:aws:batch:eu-west-1:123456789012:job-queue/queue")
    assert found is not None
    assert [entry["detail"]["computeEnvironmentName"] for entry in found["computeEnvironmentOrder"]] == [
        "spot",
        "demand",
    ]
    assert found["jobStateTimeLimitActions"] == [limit]
    [described] = catalogue.handle("describejobqueues", {"jobQueues": ["queue"]})["jobQueues"]
    assert described["computeEnvironmentOrder"][0] == {
        "order": 1,
        "computeEnvironment": "arn:aws:batch:eu-west-1:123456789012:compute-environment/spot",
    }
    assert catalogue.queue("other") is None


def test_an_environment_in_use_cannot_be_deleted(catalogue: BatchCatalogue) -> None:
    catalogue.handle("createjobqueue", queue())
    with pytest.raises(ApiError, match="found existing JobQueue relationship: spot"):
        catalogue.handle("deletecomputeenvironment", {"computeEnvironment": "spot"})
    catalogue.handle("deletejobqueue", {"jobQueue": "queue"})
    catalogue.handle("deletecomputeenvironment", {"computeEnvironment": "spot"})
    described = catalogue.handle("describecomputeenvironments", {})["computeEnvironments"]
    assert [environment["computeEnvironmentName"] for environment in described] == ["demand"]


def test_what_is_returned_cannot_change_what_is_kept(catalogue: BatchCatalogue) -> None:
    catalogue.handle("registerjobdefinition", definition())
    found = catalogue.job_definition("job")
    assert found is not None
    found["containerProperties"]["image"] = "other"
    again = catalogue.job_definition("job")
    assert again is not None
    assert again["containerProperties"]["image"] == "repo/pricer:1"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (definition(jobDefinitionName="a b"), "jobDefinitionName 'a b' does not match"),
        (definition(type="multinode"), "type 'multinode' is not emulated"),
        (definition(containerProperties={}), "containerProperties.image is required"),
        (definition(parameters={"a": 1}), "parameters.a is 1; parameters are strings"),
        (definition(timeout={"attemptDurationSeconds": 59}), "attemptDurationSeconds is 59; the minimum is 60"),
        (definition(retryStrategy={"attempts": 11}), "attempts is 11; it must be between 1 and 10"),
        (
            definition(retryStrategy={"evaluateOnExit": [{"action": "EXIT"}]}),
            "evaluateOnExit needs retryStrategy.attempts",
        ),
        (
            definition(retryStrategy={"attempts": 2, "evaluateOnExit": [{"action": "EXIT"}] * 6}),
            "evaluateOnExit has 6 rules; the limit is 5",
        ),
        (
            definition(retryStrategy={"attempts": 2, "evaluateOnExit": [{"action": "MAYBE"}]}),
            r"evaluateOnExit\[0\].action is 'MAYBE'",
        ),
        (
            definition(retryStrategy={"attempts": 2, "evaluateOnExit": [{"action": "EXIT", "onReason": "a*b"}]}),
            "onReason is 'a\\*b'; only the last character may be an asterisk",
        ),
        (  # and so does SubmitJob
            definition(retryStrategy={"attempts": 2, "evaluateOnExit": [{"action": "EXIT", "onReason": "Host (x)"}]}),
            "the others letters, digits, periods, colons and white space",
        ),
        (definition(containerProperties={"image": "i", "resourceRequirements": REQUIREMENTS[:1]}), "needs a MEMORY"),
        (
            definition(containerProperties={"image": "i", "vcpus": 1, "memory": "much"}),
            "resourceRequirements MEMORY is 'much', not a number",
        ),
    ],
)
def test_a_definition_that_batch_refuses_is_refused(
    catalogue: BatchCatalogue, body: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ApiError, match=problem) as refused:
        catalogue.handle("registerjobdefinition", body)
    assert (refused.value.status, refused.value.code) == (400, "ClientException")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (queue(priority=1001), "priority is 1001"),
        (queue(computeEnvironmentOrder=[]), "computeEnvironmentOrder has 0 entries; it takes 1 to 3"),
        (queue(computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "other"}]), "CE other does not exist"),
        (
            queue(
                jobStateTimeLimitActions=[
                    {"state": "RUNNABLE", "reason": "MISCONFIGURATION:X", "maxTimeSeconds": 599, "action": "CANCEL"}
                ]
            ),
            r"maxTimeSeconds is 599; it must be between 600 and 86400",
        ),
    ],
)
def test_a_queue_that_batch_refuses_is_refused(catalogue: BatchCatalogue, body: dict[str, Any], problem: str) -> None:
    with pytest.raises(ApiError, match=problem):
        catalogue.handle("createjobqueue", body)


def test_a_name_is_taken_once(catalogue: BatchCatalogue) -> None:
    catalogue.handle("createjobqueue", queue())
    with pytest.raises(ApiError, match="Object already exists"):
        catalogue.handle("createjobqueue", queue())


def test_tags_of_what_it_keeps_can_be_changed(catalogue: BatchCatalogue) -> None:
    catalogue.handle("createjobqueue", queue())
    tags = catalogue.tags_of("arn:aws:batch:eu-west-1:123456789012:job-queue/queue")
    assert tags == {}
    tags["a"] = "b"
    assert catalogue.handle("describejobqueues", {})["jobQueues"][0]["tags"] == {"a": "b"}
    assert catalogue.tags_of("arn:aws:batch:eu-west-1:123456789012:job/1") is None
