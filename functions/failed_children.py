"""Why children of a job failed: exit code, Batch's reason and the last lines of their logs."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import JobDetailTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient

LOGS_SHOWN = 3  # children whose logs are quoted
LINES_SHOWN = 5  # last lines of each
LINE_SHOWN = 300  # characters of each
DEFAULT_LOG_GROUP = "/aws/batch/job"


class FailedChildren:
    """Asks Batch and its logs. A question that fails costs detail in a message, never the message."""

    @cached_property
    def batch(self) -> "BatchClient":
        return boto3.client("batch")

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return boto3.client("logs")

    def reasons(self, job: Mapping[str, Any]) -> dict[int, str]:
        """Child index -> why it failed; -1 stands for every child: a lone job's reason, or why nothing is known.

        ``job`` is the result of the state that ran it, or the error that the state ended with.
        """
        job_id = job_id_of(job)
        if job_id is None:
            return {-1: ": ".join(job[part] for part in ("Error", "Cause") if job.get(part))} if "Error" in job else {}
        try:
            return self._reasons(job_id)
        except (BotoCoreError, ClientError) as error:
            return {-1: f"Batch could not be asked about job {job_id}: {error}"}

    def _reasons(self, job_id: str) -> dict[int, str]:
        described = self.batch.describe_jobs(jobs=[job_id])["jobs"]
        if not described:
            return {-1: f"Batch no longer knows job {job_id}"}
        if not described[0].get("arrayProperties", {}).get("size"):
            return {-1: self._explain(described[0], quote=True)} if described[0]["status"] == "FAILED" else {}
        failed = self._failed_children(job_id)
        quoted = sorted(failed)[:LOGS_SHOWN]
        details = self.batch.describe_jobs(jobs=[f"{job_id}:{index}" for index in quoted])["jobs"] if quoted else []
        return failed | {job["arrayProperties"]["index"]: self._explain(job, quote=True) for job in details}

    def _failed_children(self, job_id: str) -> dict[int, str]:
        failed: dict[int, str] = {}
        pages = self.batch.get_paginator("list_jobs").paginate(arrayJobId=job_id, jobStatus="FAILED")
        for page in pages:
            for child in page["jobSummaryList"]:
                failed[child["arrayProperties"]["index"]] = reason(child)
        return failed

    def _explain(self, job: "JobDetailTypeDef", *, quote: bool) -> str:
        text = reason(job)
        attempts = len(job.get("attempts", []))
        text += f" after {attempts} attempts" if attempts > 1 else ""
        lines = self._last_lines(job) if quote else []
        return f"{text}; its log ends: {' | '.join(lines)}" if lines else text

    def _last_lines(self, job: "JobDetailTypeDef") -> list[str]:
        container = job.get("container", {})
        if not (stream := container.get("logStreamName")):
            return []
        options = container.get("logConfiguration", {}).get("options", {})
        group = options.get("awslogs-group", DEFAULT_LOG_GROUP)
        try:
            events = self.logs.get_log_events(logGroupName=group, logStreamName=stream, limit=LINES_SHOWN)["events"]
        except (BotoCoreError, ClientError) as error:
            return [f"({group}/{stream} could not be read: {error})"]
        return [event["message"].rstrip()[:LINE_SHOWN] for event in events]


def reason(job: Mapping[str, Any]) -> str:
    """``exit code 1, Essential container in task exited`` of a job or a job's summary."""
    container = job.get("container") or {}
    parts = [f"exit code {container['exitCode']}"] if container.get("exitCode") is not None else []
    parts += [text for text in (container.get("reason"), job.get("statusReason")) if text]
    return ", ".join(parts) or "failed without a reason"


def job_id_of(job: Mapping[str, Any]) -> str | None:
    """The job's id, from the state's result or from the error that Step Functions made of the failed job."""
    if "jobId" in job:
        return str(job["jobId"])
    try:
        cause = json.loads(job.get("Cause", ""))
    except ValueError:  # another error than a failed job's
        return None
    return cause.get("JobId") if isinstance(cause, dict) else None
