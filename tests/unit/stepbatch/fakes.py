"""Clouds for tests: each service answers as AWS does, from plain data."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from fanout.s3 import Objects
from stepbatch.cloud import Cloud

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_logs import CloudWatchLogsClient

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:stepbatch-MonteCarlo"


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{operation} says {code}"}}, operation)


class Pages:
    """A paginator over answers that are computed when asked for."""

    def __init__(self, answer: Callable[..., Iterator[dict[str, Any]]]) -> None:
        self._answer = answer

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        return self._answer(**request)


class FakeS3:
    """Buckets that hold bytes."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.gets: list[str] = []

    @property
    def client(self) -> Objects:
        """Objects that lie here."""
        return Objects(cast("Any", self))

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.objects[Bucket, Key] = Body
        return {}

    def upload_file(self, path: str, bucket: str, key: str, **_: Any) -> None:
        self.objects[bucket, key] = Path(path).read_bytes()

    def get_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.gets.append(Key)
        if (Bucket, Key) not in self.objects:
            raise refusal("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def generate_presigned_url(self, operation: str, *, Params: dict[str, str], ExpiresIn: int) -> str:  # noqa: N803
        """A URL that no program can open: the object is asked for in the usual way then."""
        assert (operation, ExpiresIn > 0) == ("get_object", True)
        return f"memory://{Params['Bucket']}/{Params['Key']}"

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "list_objects_v2"
        return Pages(self._list)

    def _list(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        for bucket, key in sorted(self.objects):
            if bucket == Bucket and key.startswith(Prefix):
                body = self.objects[bucket, key]
                etag = hashlib.md5(body).hexdigest()
                yield {"Contents": [{"Key": key, "Size": len(body), "ETag": f'"{etag}"'}]}


@dataclass
class FakeStepFunctions:
    """One execution that goes through its moments, one at every description."""

    moments: list[dict[str, Any]]  # {"status", "events", "jobs", "output"?}
    begin: Callable[[dict[str, Any]], None] = lambda _: None
    started: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    page: int = 2  # events of one page of the history
    pages_read: int = 0
    now: int = -1

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: A002, N803
        self.started.append({"machine": stateMachineArn, "name": name, "input": json.loads(input)})
        self.begin(json.loads(input))
        return {"executionArn": execution_arn(name)}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        known = {execution_arn(each["name"]) for each in self.started}
        if executionArn not in known:
            raise refusal("ExecutionDoesNotExist", "DescribeExecution")
        self.now = min(self.now + 1, len(self.moments) - 1)
        moment = self.moments[self.now]
        answer = {"executionArn": executionArn, "status": moment["status"], "startDate": BEGIN}
        if moment["status"] != "RUNNING":
            answer["stopDate"] = BEGIN + timedelta(seconds=self.now)
        if "output" in moment:
            answer["output"] = json.dumps(moment["output"])
        return answer

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "get_execution_history"
        return Pages(self._history)

    def _history(self, executionArn: str, reverseOrder: bool, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert reverseOrder
        events = [event for moment in self.moments[: self.now + 1] for event in moment.get("events", [])][::-1]
        for first in range(0, len(events), self.page):
            self.pages_read += 1
            yield {"events": events[first : first + self.page]}

    def stop_execution(self, *, executionArn: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.stopped.append(executionArn)
        return {}


@dataclass
class FakeBatch:
    """Jobs as the current moment describes them."""

    stepfunctions: FakeStepFunctions | None = None
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    @property
    def client(self) -> "BatchClient":
        return cast("BatchClient", self)

    def describe_jobs(self, *, jobs: list[str]) -> dict[str, Any]:
        assert len(jobs) <= 100
        self.asked.append(jobs)
        known = self._known()
        return {"jobs": [known[job_id] for job_id in jobs if job_id in known]}

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "list_jobs"
        return Pages(self._list)

    def _list(self, arrayJobId: str, jobStatus: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        for job_id, job in self._known().items():
            if job_id.startswith(f"{arrayJobId}:") and job["status"] == jobStatus:
                yield {"jobSummaryList": [job]}

    def _known(self) -> dict[str, dict[str, Any]]:
        now = self.stepfunctions.moments[self.stepfunctions.now].get("jobs", {}) if self.stepfunctions else {}
        return self.jobs | now


@dataclass
class FakeLogs:
    """Log streams by (group, stream), two events a page."""

    streams: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @property
    def client(self) -> "CloudWatchLogsClient":
        return cast("CloudWatchLogsClient", self)

    def get_log_events(
        self,
        *,
        logGroupName: str,  # noqa: N803
        logStreamName: str,  # noqa: N803
        startFromHead: bool,  # noqa: N803
        limit: int | None = None,
        nextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        if (logGroupName, logStreamName) not in self.streams:
            raise refusal("ResourceNotFoundException", "GetLogEvents")
        lines = self.streams[logGroupName, logStreamName]
        if not startFromHead:
            return {"events": [{"message": line} for line in lines[-(limit or 100) :]]}
        first = int(nextToken)
        page = lines[first : first + 2]
        return {"events": [{"message": line} for line in page], "nextForwardToken": str(first + len(page))}


class FakeCloudFormation:
    def __init__(self, outputs: dict[str, str]) -> None:
        self.outputs = outputs

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName != "stepbatch":
            raise refusal("ValidationError", "DescribeStacks")
        rows = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"StackName": StackName, "Outputs": rows}]}


OUTPUTS = {"BucketName": "data", "MonteCarloStateMachineArn": MACHINE, "StateMachineArn": MACHINE}


def execution_arn(name: str) -> str:
    return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"


def cloud(
    stepfunctions: FakeStepFunctions | None = None,
    *,
    s3: FakeS3 | None = None,
    batch: FakeBatch | None = None,
    logs: FakeLogs | None = None,
    private: bool = True,
) -> Cloud:
    services: dict[str, Any] = {
        "stepfunctions": stepfunctions,
        "s3": s3 or FakeS3(),
        "batch": batch or FakeBatch(stepfunctions),
        "logs": logs or FakeLogs(),
        "cloudformation": FakeCloudFormation(OUTPUTS),
    }
    return Cloud(clients=services.__getitem__, stack="stepbatch", private=private, local=True)


def entered(number: int, name: str, *, previous: int = 0, kind: str = "TaskStateEntered") -> dict[str, Any]:
    return {
        "id": number,
        "previousEventId": previous,
        "timestamp": BEGIN + timedelta(seconds=number),
        "type": kind,
        "stateEnteredEventDetails": {"name": name},
    }


def exited(number: int, name: str, *, previous: int = 0, kind: str = "TaskStateExited") -> dict[str, Any]:
    return {
        "id": number,
        "previousEventId": previous,
        "timestamp": BEGIN + timedelta(seconds=number),
        "type": kind,
        "stateExitedEventDetails": {"name": name},
    }


def submitted(number: int, job_id: str, *, previous: int, kind: str = "TaskSubmitted") -> dict[str, Any]:
    details = {
        "resourceType": "batch",
        "resource": "submitJob.sync",
        "output": json.dumps({"JobId": job_id, "JobName": "book", "JobArn": f"arn:{job_id}"}),
    }
    key = "taskSubmittedEventDetails" if kind == "TaskSubmitted" else "taskSucceededEventDetails"
    return {
        "id": number,
        "previousEventId": previous,
        "timestamp": BEGIN + timedelta(seconds=number),
        "type": kind,
        key: details,
    }


def failed(number: int, error: str, cause: str, *, previous: int = 0) -> dict[str, Any]:
    return {
        "id": number,
        "previousEventId": previous,
        "timestamp": BEGIN + timedelta(seconds=number),
        "type": "ExecutionFailed",
        "executionFailedEventDetails": {"error": error, "cause": cause},
    }


def array_job(job_id: str, size: int, status: str, **counts: int) -> dict[str, Any]:
    return {
        "jobId": job_id,
        "jobName": "book",
        "status": status,
        "arrayProperties": {"size": size, "statusSummary": counts},
    }


def child(parent: str, index: int, status: str, *exits: int, stream: str = "") -> dict[str, Any]:
    """A child whose attempts ended with ``exits``."""
    tries = [
        {
            "container": {"exitCode": code, "reason": "", "logStreamName": f"{stream}/{n}"},
            "startedAt": 1,
            "stoppedAt": 2001,
        }
        for n, code in enumerate(exits)
    ]
    return {
        "jobId": f"{parent}:{index}",
        "jobName": "book",
        "status": status,
        "statusReason": "Essential container in task exited",
        "arrayProperties": {"index": index},
        "attempts": tries,
        "container": {"logStreamName": f"{stream}/{len(exits) - 1}"} if exits else {},
    }
