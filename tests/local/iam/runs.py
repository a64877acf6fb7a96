"""Runs of the pipelines that between them use every permission that can be used on this machine."""

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.local.cloud_process import Cloud
from tests.local.executions import PATIENCE, Execution
from tests.local.iam.evidence import Evidence

POSITION = {"notional": 1_000_000, "strike": 3500, "barrier": 1.0}
numbers = itertools.count()


class Runs:
    """Starts executions side by side, and waits for all of them."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.bucket = cloud.outputs["BucketName"]
        self._started: list[tuple[Execution, str]] = []

    def start(self, machine: str, request: dict[str, Any], *, ends: str = "SUCCEEDED") -> Execution:
        execution = Execution.start(self.cloud, machine, request)
        self._started.append((execution, ends))
        return execution

    def finish(self) -> None:
        for execution, ends in self._started:
            ended = execution.ended()
            assert ended["status"] == ends, (execution.arn, ended.get("error"), ended.get("cause"))

    def put(self, key: str, body: bytes) -> str:
        self.cloud.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def book(self, positions: int, **more: Any) -> dict[str, Any]:
        """A request to price so many positions, each in a child of its own."""
        folder = f"iam/{next(numbers)}"
        body = json.dumps({"positions": [POSITION | {"strike": 3500 + index} for index in range(positions)]})
        uri = self.put(f"{folder}/book.json", body.encode())
        request = {"jobName": "book", "inputUri": uri, "outputUri": f"s3://{self.bucket}/{folder}/out"}
        return request | {"positionsPerJob": 1, "maxPaths": 2**12} | more

    def objects(self, *bodies: bytes) -> dict[str, Any]:
        """A request for an array workflow over objects of these contents."""
        folder = f"iam/{next(numbers)}"
        for index, body in enumerate(bodies):
            self.put(f"{folder}/in/{index}.csv", body)
        return {"inputUri": f"s3://{self.bucket}/{folder}/in", "outputUri": f"s3://{self.bucket}/{folder}/out"}

    def broken(self, output: str) -> str:
        """A definition like the one of the stack's output ``output``, whose program refuses its command."""
        batch = self.cloud.client("batch")
        arn = self.cloud.outputs[output]
        [found] = batch.describe_job_definitions(jobDefinitions=[arn])["jobDefinitions"]
        container = found["containerProperties"]
        kept = {key: container[key] for key in ("image", "jobRoleArn", "resourceRequirements", "logConfiguration")}
        made = batch.register_job_definition(
            jobDefinitionName=f"{self.cloud.stack}-broken-{output}",
            type="container",
            containerProperties=kept | {"command": ["no-such-action"]},
            retryStrategy=found["retryStrategy"],
        )
        return str(made["jobDefinitionArn"])

    def stop_at(self, machine: str, request: dict[str, Any], job: str) -> None:
        """Stop an execution as soon as it has submitted a job whose name contains ``job``."""
        execution = self.start(machine, request, ends="ABORTED")
        await_true(lambda: any(job in name for name in execution.submitted()))
        self.cloud.client("stepfunctions").stop_execution(executionArn=execution.arn)
        name = self.cloud.outputs[machine].rpartition(":")[2]
        self.wait_for(f"{name}Role", "batch:TerminateJob")

    @contextlib.contextmanager
    def blocked(self, queue: str) -> Iterator[None]:
        """Let nothing run in a queue: what is at its head never fits."""
        batch = self.cloud.client("batch")
        never = {"resourceRequirements": [{"type": "VCPU", "value": "1000"}]}
        definition = self.cloud.outputs["PricerJobDefinitionArn"]
        name = f"{self.cloud.stack}-{queue}"
        job = batch.submit_job(jobName="blocker", jobQueue=name, jobDefinition=definition, containerOverrides=never)
        yield
        batch.cancel_job(jobId=job["jobId"], reason="over")

    def damage(self, prefix: str, suffix: str) -> None:
        """Cut every object below a prefix whose key ends with ``suffix``."""
        s3 = self.cloud.client("s3")
        for row in s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)["Contents"]:
            if row["Key"].endswith(suffix):
                s3.put_object(Bucket=self.bucket, Key=row["Key"], Body=b"torn")

    def status(self, job: str) -> str:
        [found] = self.cloud.client("batch").describe_jobs(jobs=[job])["jobs"]
        return str(found["status"])

    def wait_for(self, role: str, action: str) -> None:
        """Until a role has been allowed an action."""

        def happened() -> bool:
            decisions = Evidence.of(self.cloud).decisions
            return any(each["role"].endswith(role) and each["action"] == action for each in decisions)

        await_true(happened)


def await_true(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.1)


def soon() -> str:
    """A schedule's expression for the next moment that is still to come."""
    return f"at({datetime.now(UTC) + timedelta(seconds=3):%Y-%m-%dT%H:%M:%S})"
