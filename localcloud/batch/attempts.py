"""An attempt while it runs, and what follows from its end. Pure."""

from dataclasses import dataclass, field
from enum import Enum, auto

from localcloud.batch.admission import Room
from localcloud.batch.jobs import Attempt, Job
from localcloud.batch.retries import retries

EXITED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"


@dataclass(slots=True, eq=False)
class Running:
    """An attempt between its Start and its end."""

    job: Job
    attempt: int
    room: Room
    started_at: int | None = None
    stop: str | None = None  # why it is being stopped, once it is
    final: bool = False  # that stop is none that may be retried
    hostless: bool = False  # its host is gone: nothing reports its exit code
    timers: list[int] = field(default_factory=list)


class Verdict(Enum):
    """What an attempt's end means for its job."""

    SUCCEEDED = auto()
    RETRY = auto()
    FAILED = auto()


def judge(running: Running, now: int, *, exit_code: int | None, reason: str | None) -> tuple[Attempt, Verdict]:
    """The record of an attempt that ended ``now``, and what follows.

    A job that was told to stop has failed, whatever its container exited with.
    """
    attempt = Attempt(
        started_at=running.started_at,
        stopped_at=now,
        exit_code=None if running.hostless else exit_code,
        reason=reason,
        status_reason=running.stop or (NOT_STARTED if running.started_at is None else EXITED),
    )
    if attempt.exit_code == 0 and running.stop is None:
        return attempt, Verdict.SUCCEEDED
    spec = running.job.spec
    again = not running.final and running.attempt < spec.attempts
    if again and retries(
        spec.retry_rules, exit_code=attempt.exit_code, reason=reason, status_reason=attempt.status_reason
    ):
        return attempt, Verdict.RETRY
    return attempt, Verdict.FAILED
