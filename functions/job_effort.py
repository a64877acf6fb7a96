"""How often the children of a job were tried, and for how long: what a run cost, reclaimed work included."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

DESCRIBED_AT_ONCE = 100  # jobs of one DescribeJobs call


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Of all children together."""

    attempts: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(attempts=self.attempts + other.attempts, seconds=self.seconds + other.seconds)


class JobEffort:
    """Asks Batch. A question that fails costs the figure, never the run."""

    @cached_property
    def batch(self) -> "BatchClient":
        return boto3.client("batch")

    def of(self, job_id: str | None) -> Effort:
        """Nothing where Batch does not know the job, or does not answer."""
        try:
            tries = [attempt for job in self._members(job_id) for attempt in job.get("attempts", [])] if job_id else []
        except (BotoCoreError, ClientError):
            return Effort()
        return Effort(attempts=len(tries), seconds=sum(map(duration, tries)))

    def _members(self, job_id: str) -> Iterator[Mapping[str, Any]]:
        described = self.batch.describe_jobs(jobs=[job_id])["jobs"]
        size = described[0].get("arrayProperties", {}).get("size", 0) if described else 0
        if not size:
            yield from described
        for first in range(0, size, DESCRIBED_AT_ONCE):
            ids = [f"{job_id}:{index}" for index in range(first, min(first + DESCRIBED_AT_ONCE, size))]
            yield from self.batch.describe_jobs(jobs=ids)["jobs"]


def duration(attempt: Mapping[str, Any]) -> float:
    """Seconds that one attempt ran; 0 if it never did."""
    started, stopped = attempt.get("startedAt"), attempt.get("stoppedAt")
    return (stopped - started) / 1000 if started and stopped else 0.0
