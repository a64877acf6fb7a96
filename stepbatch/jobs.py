"""Batch jobs as a user asks about them: how far, how often tried, what failed, what was logged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepbatch.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_logs import CloudWatchLogsClient

DESCRIBE_LIMIT = 100  # ids of one DescribeJobs call
DEFAULT_LOG_GROUP = "/aws/batch/job"
ENDED = {"SUCCEEDED", "FAILED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is; a plain job counts as an array of one."""

    job_id: str
    name: str
    label: str  # the state that submitted it
    size: int
    status: str
    counts: Mapping[str, int]  # status -> children in it
    reason: str = ""

    @property
    def succeeded(self) -> int:
        return self.counts.get("SUCCEEDED", 0)

    @property
    def failed(self) -> int:
        return self.counts.get("FAILED", 0)

    @property
    def running(self) -> int:
        return self.counts.get("RUNNING", 0) + self.counts.get("STARTING", 0)

    @property
    def ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a job or child."""

    job_id: str
    number: int  # from 1
    exit_code: int | None
    reason: str
    started: int | None  # milliseconds since 1970
    stopped: int | None
    log_stream: str

    @property
    def seconds(self) -> float | None:
        return (self.stopped - self.started) / 1000 if self.started and self.stopped else None


def describe(batch: "BatchClient", job_ids: Iterable[str]) -> dict[str, Any]:
    """``DescribeJobs`` of any number of ids: id -> description; an unknown id is left out."""
    ids = list(job_ids)
    found: dict[str, Any] = {}
    for first in range(0, len(ids), DESCRIBE_LIMIT):
        answer = batch.describe_jobs(jobs=ids[first : first + DESCRIBE_LIMIT])
        found.update({job["jobId"]: job for job in answer["jobs"]})
    return found


def describe_one(batch: "BatchClient", job_id: str) -> Any:
    """One job's description. Raises UsageError if there is none."""
    found = describe(batch, [job_id])
    if job_id not in found:
        raise UsageError(f"there is no job {job_id!r} here; stepbatch watch EXECUTION shows the ids of a run's jobs")
    return found[job_id]


def progress(job: Mapping[str, Any], label: str = "") -> JobProgress:
    """How far a described job is."""
    array = job.get("arrayProperties", {})
    size = array.get("size") if "index" not in array else None
    counts = array.get("statusSummary") if size else {job["status"]: 1}
    return JobProgress(
        job_id=job["jobId"],
        name=job["jobName"],
        label=label or job["jobName"],
        size=size or 1,
        status=job["status"],
        counts=counts or {},
        reason=job.get("statusReason", ""),
    )


def children(batch: "BatchClient", parent: str, status: str) -> Iterator[Any]:
    """The children of an array that are in one status."""
    request: dict[str, Any] = {"arrayJobId": parent, "jobStatus": status}
    for page in batch.get_paginator("list_jobs").paginate(**request):
        yield from page["jobSummaryList"]


def members(batch: "BatchClient", job: Mapping[str, Any]) -> list[Any]:
    """Descriptions of what runs for a described job: its children by index, or the job itself."""
    size = progress(job).size
    if size == 1:
        return [job]
    found = describe(batch, (f"{job['jobId']}:{index}" for index in range(size)))
    return sorted(found.values(), key=lambda child: child["arrayProperties"]["index"])


def attempts(job: Mapping[str, Any]) -> list[Attempt]:
    """Every try of a described job or child, the first first."""
    return [
        Attempt(
            job_id=job["jobId"],
            number=number,
            exit_code=each.get("container", {}).get("exitCode"),
            reason=each.get("container", {}).get("reason") or each.get("statusReason") or "",
            started=each.get("startedAt"),
            stopped=each.get("stoppedAt"),
            log_stream=each.get("container", {}).get("logStreamName", ""),
        )
        for number, each in enumerate(job.get("attempts", []), start=1)
    ]


def log_group(job: Mapping[str, Any]) -> str:
    options = job.get("container", {}).get("logConfiguration", {}).get("options", {})
    return str(options.get("awslogs-group", DEFAULT_LOG_GROUP))


def log_stream(job: Mapping[str, Any]) -> str:
    """The stream of the job's latest attempt, empty before the first began."""
    running: str = job.get("container", {}).get("logStreamName", "")
    tried = attempts(job)
    return running or (tried[-1].log_stream if tried else "")


def log_lines(logs: "CloudWatchLogsClient", group: str, stream: str) -> Iterator[str]:
    """Every line of a log stream, from its beginning. Only a token that comes again is the end: a page may be empty."""
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)  # type: ignore[arg-type]
        yield from (event["message"] for event in page["events"])
        following = page.get("nextForwardToken")
        if not following or following == token.get("nextToken"):
            return
        token = {"nextToken": following}


def last_log_lines(logs: "CloudWatchLogsClient", job: Mapping[str, Any], count: int) -> Sequence[str]:
    """The end of the latest attempt's log; empty if there is none."""
    from botocore.exceptions import ClientError

    stream = log_stream(job)
    if not stream:
        return []
    try:
        page = logs.get_log_events(logGroupName=log_group(job), logStreamName=stream, startFromHead=False, limit=count)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return []
    return [event["message"] for event in page["events"]][-count:]
