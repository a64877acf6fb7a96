"""Why children failed: indices, reasons, and the end of their logs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from stepbatch.cloud import Cloud
from stepbatch.history import Failure
from stepbatch.jobs import JobProgress, attempts, children, describe, last_log_lines

CHILDREN_QUOTED = 3  # children whose logs are shown
LINES_QUOTED = 10
INDICES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedChild:
    """A child that failed for good."""

    job_id: str
    reason: str
    attempts: int
    log: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJob:
    """A job of which some children failed; a plain job is its own child."""

    job: JobProgress
    indices: tuple[int, ...]  # empty for a plain job
    quoted: tuple[FailedChild, ...]


def failed_jobs(cloud: Cloud, jobs: Iterable[JobProgress]) -> Iterator[FailedJob]:
    """What Batch and the logs say about each job with failures."""
    for job in jobs:
        if not job.failed:
            continue
        indices: list[int] = []
        ids = [job.job_id]
        if job.size > 1:
            summaries = children(cloud.batch, job.job_id, "FAILED")
            indices = sorted(child["arrayProperties"]["index"] for child in summaries)
            ids = [f"{job.job_id}:{index}" for index in indices[:CHILDREN_QUOTED]]
        described = describe(cloud.batch, ids)
        quoted = tuple(_failed_child(cloud, described[each]) for each in ids if each in described)
        yield FailedJob(job=job, indices=tuple(indices), quoted=quoted)


def _failed_child(cloud: Cloud, job: "dict[str, object]") -> FailedChild:
    tried = attempts(job)
    reason = str(job.get("statusReason") or "failed without a reason")
    if tried:
        last = tried[-1]
        code = f"exit code {last.exit_code}, " if last.exit_code is not None else ""
        reason = code + (last.reason or reason)
    log = last_log_lines(cloud.logs, job, LINES_QUOTED)
    return FailedChild(job_id=str(job["jobId"]), reason=reason, attempts=len(tried), log=tuple(log))


def show_failures(cloud: Cloud, failure: Failure | None, jobs: Iterable[JobProgress], to: Console) -> None:
    """Prints why an execution failed, and which children of each of its jobs did."""
    if failure:
        to.print(Text(failure.error, style="bold red"), soft_wrap=True)
        to.print(failure.cause, soft_wrap=True)
    for failed in failed_jobs(cloud, jobs):
        show_failed(failed, to)


def show_failed(failed: FailedJob, to: Console) -> None:
    """Prints what a person needs to see why."""
    job = failed.job
    indices = ", ".join(map(str, failed.indices[:INDICES_SHOWN]))
    more = ", …" if len(failed.indices) > INDICES_SHOWN else ""
    which = f"children {indices}{more}" if failed.indices else f"job {job.job_id}"
    to.print(Text(f"{job.label}: {job.failed} of {job.size} failed: {which}", style="red"), soft_wrap=True)
    for child in failed.quoted:
        tries = "1 attempt" if child.attempts == 1 else f"{child.attempts} attempts"
        to.print(f"  {child.job_id}: {child.reason} ({tries})", soft_wrap=True)
        for line in child.log:
            to.print(f"    | {line.rstrip()}", soft_wrap=True)
