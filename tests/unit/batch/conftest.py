"""A scheduler driven by hand: no clock, no processes."""

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.batch.commands import Command, Start, Stop
from localcloud.batch.dependencies import Submission
from localcloud.batch.jobs import Environment, Job, Queue, Resources, Spec, Status
from localcloud.batch.scheduler import Scheduler

QUEUE = Queue(arn="arn:queue", name="queue", priority=1, environments=(Environment(name="spot", cpu=16_000),))
DEFINITION = {"jobDefinitionName": "d", "jobDefinitionArn": "arn:d:1", "containerProperties": {"image": "i"}}


class Desk:
    """Submits, answers for the processes, keeps what was commanded."""

    def __init__(self, vcpus: float) -> None:
        self.scheduler = Scheduler(Resources(cpu=round(1000 * vcpus), memory=4096), stop_grace=30_000)
        self.now = 1_000_000
        self.commands: list[Command] = []

    def submit(self, name: str, *, queue: Queue = QUEUE, vcpus: float = 1, memory: int = 64, **more: Any) -> Job:
        """``more``: fields of Submission, and of Spec."""
        submission = {key: more.pop(key) for key in ("size", "after", "n_to_n", "sequential", "tags") if key in more}
        fields = {
            "name": name,
            "queue": queue,
            "definition": DEFINITION,
            "request": {},
            "command": (),
            "parameters": {},
            "environment": {},
            "resources": Resources(cpu=round(1000 * vcpus), memory=memory),
            **more,
        }
        spec = Spec(**fields)
        self.obey(self.scheduler.submit(Submission(job_id=name, spec=spec, **submission), self.now))
        return self.scheduler.jobs[name]

    def obey(self, commands: list[Command]) -> None:
        self.commands += commands

    def started(self) -> list[str]:
        """Ids of the attempts commanded to start, in order."""
        return [command.job.id for command in self.commands if isinstance(command, Start)]

    def stops(self) -> list[tuple[str, bool]]:
        return [(command.job_id, command.kill) for command in self.commands if isinstance(command, Stop)]

    def run(self, job: Job) -> None:
        """Its process runs."""
        assert job.status is Status.STARTING
        self.obey(self.scheduler.attempt_started(job.id, len(job.attempts) + 1, self.now))

    def end(self, job: Job, code: int | None = 0, reason: str | None = None) -> None:
        """Its process has exited."""
        attempt = len(job.attempts) + 1
        self.obey(self.scheduler.attempt_ended(job.id, attempt, self.now, exit_code=code, reason=reason))

    def cancel(self, job: Job) -> None:
        self.obey(self.scheduler.cancel(job.id, "not wanted", self.now))

    def terminate(self, job: Job) -> None:
        self.obey(self.scheduler.terminate(job.id, "stop it", self.now))

    def wait(self, seconds: float) -> None:
        self.now += round(1000 * seconds)
        self.obey(self.scheduler.tick(self.now))


@pytest.fixture
def make_desk() -> Callable[[float], Desk]:
    return Desk


@pytest.fixture
def desk() -> Desk:
    return Desk(4)
