"""What the scheduler tells others to do."""

from dataclasses import dataclass

from localcloud.batch.jobs import Job, Status


@dataclass(frozen=True, slots=True)
class Start:
    """Run this attempt of the job in that compute environment."""

    job: Job
    attempt: int
    environment: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Send the attempt's processes SIGTERM, or SIGKILL."""

    job_id: str
    attempt: int
    kill: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """A job that was submitted, not a child, has entered a status."""

    job_id: str
    status: Status


type Command = Start | Stop | Changed
