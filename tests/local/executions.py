"""Executions on a local cloud, from their input to their jobs."""

import json
import time
from dataclasses import dataclass
from typing import Any

from tests.local.cloud_process import Cloud

PATIENCE = 300  # seconds: far beyond what it takes


@dataclass(frozen=True)
class Execution:
    """One execution of a state machine of the stack."""

    cloud: Cloud
    arn: str

    @classmethod
    def start(cls, cloud: Cloud, machine: str, request: dict[str, Any], name: str | None = None) -> "Execution":
        """``machine``: the stack's output with its ARN."""
        named = {"name": name} if name else {}
        answer = cloud.client("stepfunctions").start_execution(
            stateMachineArn=cloud.outputs[machine], input=json.dumps(request), **named
        )
        return cls(cloud, answer["executionArn"])

    def ended(self) -> dict[str, Any]:
        """Its description, once it has ended."""
        machines = self.cloud.client("stepfunctions")
        deadline = time.monotonic() + PATIENCE
        while (found := machines.describe_execution(executionArn=self.arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{self.arn} has not ended"
            time.sleep(0.1)
        return dict(found)

    def output(self) -> Any:
        """What it answered; it must have succeeded."""
        ended = self.ended()
        assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
        return json.loads(ended["output"])

    def submitted(self) -> dict[str, str]:
        """Name of each job that it has submitted so far, without the execution's own -> id."""
        pages = self.cloud.client("stepfunctions").get_paginator("get_execution_history")
        events = [event for page in pages.paginate(executionArn=self.arn) for event in page["events"]]
        details = {"TaskSubmitted": "taskSubmittedEventDetails", "TaskSucceeded": "taskSucceededEventDetails"}
        answers = [json.loads(e[details[e["type"]]]["output"]) for e in events if e["type"] in details]
        jobs = [answer for answer in answers if isinstance(answer, dict) and "JobName" in answer]
        return {job["JobName"].rpartition("-")[2]: job["JobId"] for job in jobs}

    def awaited_job(self, name: str) -> str:
        """The id of a job, once it has been submitted."""
        deadline = time.monotonic() + PATIENCE
        while name not in (found := self.submitted()):
            assert time.monotonic() < deadline, f"{self.arn} has submitted {found}, not {name}"
            time.sleep(0.02)
        return found[name]

    def jobs(self) -> dict[str, dict[str, Any]]:
        """Its jobs as Batch describes them."""
        ids = self.submitted()
        if not ids:
            return {}
        described = self.cloud.client("batch").describe_jobs(jobs=list(ids.values()))["jobs"]
        by_id = {job["jobId"]: job for job in described}
        return {name: by_id[job_id] for name, job_id in ids.items()}

    def children(self, name: str) -> list[dict[str, Any]]:
        """The children of an array, by index."""
        job_id = self.submitted()[name]
        batch = self.cloud.client("batch")
        size = batch.describe_jobs(jobs=[job_id])["jobs"][0]["arrayProperties"]["size"]
        described = batch.describe_jobs(jobs=[f"{job_id}:{index}" for index in range(size)])["jobs"]
        return sorted(map(dict, described), key=lambda child: child["arrayProperties"]["index"])

    def log(self, name: str) -> list[str]:
        """What a plain job of it printed."""
        container = self.jobs()[name]["container"]
        group = container["logConfiguration"]["options"]["awslogs-group"]
        page = self.cloud.client("logs").get_log_events(
            logGroupName=group, logStreamName=container["logStreamName"], startFromHead=True
        )
        return [event["message"] for event in page["events"]]
