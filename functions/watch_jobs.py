"""Look at the jobs of a run: are they all over? Only a complete and clear answer counts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from fanout.errors import JobsUnknownError
from fanout.request import parse_request

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

ENDED = frozenset({"SUCCEEDED", "FAILED"})
UNDER_WAY = frozenset({"SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"})
UNKNOWN_SECONDS = 15 * 60  # without a clear answer: then the run is red
SHARE = 0.05  # of the time watched so far is waited next: the end is noticed at most so much later
SHORTEST_WAIT, LONGEST_WAIT = 1, 300  # seconds; a poll costs nine events of the execution's 25,000

logger = Logger(service="watch-jobs")


class Memory(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one look hands to the next, through the state of the execution."""

    status: str = "RUNNING"  # or ENDED
    wait_seconds: int = SHORTEST_WAIT
    since: float | None = None  # when the first look was, seconds since 1970
    unknown_since: float | None = None  # when answers ceased to be clear; None while they are


class WatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The jobs, by the step they do, and what was found the time before."""

    jobs: Annotated[dict[str, str], msgspec.Meta(min_length=1)]  # step -> job id
    watch: Memory = Memory()


class Jobs:
    """Asks Batch."""

    @cached_property
    def batch(self) -> "BatchClient":
        return boto3.client("batch")

    def statuses(self, job_ids: list[str]) -> Mapping[str, str] | Exception:
        """Job id -> status of those that Batch told of, or why it told nothing."""
        try:
            described = self.batch.describe_jobs(jobs=job_ids)["jobs"]
        except (BotoCoreError, ClientError) as error:
            return error
        return {job.get("jobId", ""): job.get("status", "") for job in described}


jobs = Jobs()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """``{jobs, watch}`` -> the next ``watch``; its status is ENDED when every job is SUCCEEDED or FAILED.

    Raises JobsUnknownError after 15 minutes without a clear answer.
    """
    request = parse_request(event, WatchRequest)
    reply = jobs.statuses(sorted(request.jobs.values()))
    memory = decide(request.jobs, reply, request.watch, now=datetime.now(UTC).timestamp())
    logger.info("looked", extra={"reply": reply if isinstance(reply, dict) else repr(reply), "status": memory.status})
    answer: dict[str, Any] = msgspec.to_builtins(memory)
    return answer


def decide(jobs: Mapping[str, str], reply: Mapping[str, str] | Exception, memory: Memory, *, now: float) -> Memory:
    """What a reply means. ``now``: seconds since 1970. Raises JobsUnknownError."""
    since = now if memory.since is None else memory.since
    wait = min(LONGEST_WAIT, max(SHORTEST_WAIT, int((now - since) * SHARE)))
    problem = unclear(jobs, reply)
    if problem is None:
        assert not isinstance(reply, Exception)
        ended = all(reply[job_id] in ENDED for job_id in jobs.values())
        return Memory(status="ENDED" if ended else "RUNNING", wait_seconds=wait, since=since)
    unknown_since = now if memory.unknown_since is None else memory.unknown_since
    if now - unknown_since >= UNKNOWN_SECONDS:
        ids = ", ".join(f"{step} {job_id}" for step, job_id in jobs.items())
        raise JobsUnknownError(
            f"for {(now - unknown_since) / 60:.0f} minutes Batch gave no clear answer about {ids}; the last: {problem}"
            ". The jobs may still run; a repeated run with the same run id does only what is missing"
        )
    return Memory(wait_seconds=min(wait, UNKNOWN_SECONDS // 15), since=since, unknown_since=unknown_since)


def unclear(jobs: Mapping[str, str], reply: Mapping[str, str] | Exception) -> str | None:
    """What keeps a reply from telling the status of every job, or None."""
    if isinstance(reply, Exception):
        return f"{type(reply).__name__}: {reply}"
    if missing := [f"{step} ({job_id})" for step, job_id in jobs.items() if job_id not in reply]:
        return f"it did not mention {', '.join(missing)}"
    strange = {step: reply[job_id] for step, job_id in jobs.items() if reply[job_id] not in ENDED | UNDER_WAY}
    return f"it named statuses that this program does not know: {strange}" if strange else None
