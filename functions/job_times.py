"""When the children of a run's jobs ran, and what that says of the run."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient


class ChildRun(msgspec.Struct, frozen=True, kw_only=True):
    """A child that ran; its last attempt counts."""

    index: int
    started: int  # milliseconds since 1970
    stopped: int
    succeeded: bool


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One job of a run."""

    name: str
    job_id: str
    runs: tuple[ChildRun, ...]  # by index; children that never ran are not there

    @property
    def started(self) -> int:
        return min(run.started for run in self.runs)

    @property
    def stopped(self) -> int:
        return max(run.stopped for run in self.runs)


class JobTimes:
    """Asks Batch. A question that fails costs the picture, never the run."""

    @cached_property
    def batch(self) -> "BatchClient":
        return boto3.client("batch")

    def steps(self, jobs: Mapping[str, str]) -> tuple[list[Step], str | None]:
        """Steps in the order of their first start, those without a run left out; what went wrong, if anything did."""
        try:
            steps = [Step(name=name, job_id=job_id, runs=self._runs(job_id)) for name, job_id in jobs.items()]
        except (BotoCoreError, ClientError) as error:
            return [], f"{type(error).__name__}: {error}"
        return sorted((step for step in steps if step.runs), key=lambda step: step.started), None

    def _runs(self, job_id: str) -> tuple[ChildRun, ...]:
        described = self.batch.describe_jobs(jobs=[job_id])["jobs"]
        if not described or not described[0].get("arrayProperties", {}).get("size"):
            return tuple(run for job in described if (run := child_run(job)))
        pages = self.batch.get_paginator("list_jobs")
        children = (
            child
            for status in ("SUCCEEDED", "FAILED")
            for page in pages.paginate(arrayJobId=job_id, jobStatus=status)
            for child in page["jobSummaryList"]
        )
        return tuple(sorted((run for child in children if (run := child_run(child))), key=lambda run: run.index))


def child_run(job: Mapping[str, Any]) -> ChildRun | None:
    """When a described or listed job ran; None if it never did."""
    started, stopped = job.get("startedAt"), job.get("stoppedAt")
    if not started or not stopped:
        return None
    index = job.get("arrayProperties", {}).get("index", 0)
    return ChildRun(index=index, started=started, stopped=stopped, succeeded=job["status"] == "SUCCEEDED")


def overlap(earlier: Step, later: Step) -> float:
    """The share of the later step's children that started before the earlier step had ended."""
    stopped = earlier.stopped  # once: it looks at every child
    return sum(run.started < stopped for run in later.runs) / len(later.runs)


def timings(steps: Sequence[Step], records: int) -> dict[str, Any]:
    """``timings.json``: durations in seconds; ``records`` is what the run delivered."""
    if not steps:
        return {"steps": []}
    seconds = (max(step.stopped for step in steps) - min(step.started for step in steps)) / 1000
    rows = [
        {
            "step": step.name,
            "jobId": step.job_id,
            "children": len(step.runs),
            "failed": sum(not run.succeeded for run in step.runs),
            "seconds": (step.stopped - step.started) / 1000,
            "childSeconds": sum(run.stopped - run.started for run in step.runs) / 1000,
        }
        for step in steps
    ]
    for row, (earlier, later) in zip(rows[1:], pairwise(steps), strict=True):
        row["overlap"] = overlap(earlier, later)
    return {"seconds": seconds, "recordsPerSecond": records / seconds if seconds else None, "steps": rows}
