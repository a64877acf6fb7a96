"""State machines for tests, and what can be read of their executions."""

import json
import time
from collections.abc import Callable
from typing import Any

from tests.local.cloud.conftest import PATIENCE, Finished
from tests.local.cloud_process import Cloud

Execute = Callable[..., Finished]


def one(state: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A machine of one state that ends, and whatever else it can lead to."""
    if state["Type"] not in ("Choice", "Fail", "Succeed") and "Next" not in state:
        state = state | {"End": True}
    return {"StartAt": "It", "States": {"It": state, **others}}


def mischief(little: Cloud, how: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": little.outputs["MischiefName"], "Payload": {"how": how}},
        "TimeoutSeconds": 60,
        **more,
    }


def job(little: Cloud, words: str, **more: Any) -> dict[str, Any]:
    parameters = {
        "JobName": "job",
        "JobQueue": little.outputs["QueueArn"],
        "JobDefinition": little.outputs["DefinitionArn"],
        "Parameters": {"words": words},
    }
    resource = "arn:aws:states:::batch:submitJob.sync"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "TimeoutSeconds": 60, **more}


def history(little: Cloud, arn: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = little.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    return events


def job_of(little: Cloud, arn: str) -> str:
    submitted = [e["taskSubmittedEventDetails"] for e in history(little, arn) if e["type"] == "TaskSubmitted"]
    return json.loads(submitted[0]["output"])["JobId"] if submitted else ""


def assert_terminated(little: Cloud, job_id: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := little.client("batch").describe_jobs(jobs=[job_id])["jobs"][0])["status"] != "FAILED":
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    assert found["statusReason"].startswith("Terminated by Step Functions")
