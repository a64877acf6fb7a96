"""Which RUNNABLE job starts next, and what room it takes. Pure; the cost of a call does not grow with the jobs waiting.

Queues are served by priority, each first in, first out. The head of a queue that only waits for room on this machine
holds back everything behind it, queues of lower priority included, so that a big job is not overtaken for ever. A head
that its queue's environments can never hold blocks its own queue, as it does on AWS.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from localcloud.batch.jobs import Job, Queue, Resources, Spec, Status

TOO_LARGE = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - All compute environments have a maxVcpu setting that is "
    "smaller than the job requirements."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a running attempt occupies."""

    environment: str
    asked: Resources  # counts against the environment
    taken: Resources  # counts against this machine


@dataclass(slots=True)
class _Line:
    queue: Queue
    ready: deque[Job] = field(default_factory=deque)

    def head(self) -> Job | None:
        while self.ready and self.ready[0].status is not Status.RUNNABLE:
            self.ready.popleft()  # cancelled while it waited
        return self.ready[0] if self.ready else None


def never_fits(spec: Spec) -> bool:
    """Whether every environment of the job's queue is too small for it, however empty."""
    return all(spec.resources.cpu > environment.cpu for environment in spec.queue.environments)


class Admission:
    """The lines of RUNNABLE jobs, and what is free of ``machine``."""

    def __init__(self, machine: Resources) -> None:
        self.machine = machine
        self._lines: dict[str, _Line] = {}
        self._order: list[_Line] = []
        self._cpu = 0
        self._memory = 0
        self._used: dict[str, int] = {}  # thousandths of a vCPU by environment

    def register(self, queue: Queue) -> None:
        """Take note of a queue, or of its changed priority."""
        line = self._lines.get(queue.arn)
        if line is None:
            line = self._lines[queue.arn] = _Line(queue)
            self._order.append(line)
        line.queue = queue
        self._order.sort(key=lambda line: -line.queue.priority)

    def enqueue(self, job: Job) -> None:
        """Put a job that has become RUNNABLE at the end of its queue's line."""
        self._lines[job.spec.queue.arn].ready.append(job)

    def admit(self) -> Iterator[tuple[Job, Room]]:
        """The jobs that may start now, in order; each is taken from its line and its room is occupied."""
        while (found := self._next()) is not None:
            yield found

    def release(self, room: Room) -> None:
        """An attempt has ended."""
        self._cpu -= room.taken.cpu
        self._memory -= room.taken.memory
        self._used[room.environment] -= room.asked.cpu

    @property
    def idle(self) -> bool:
        """Whether nothing is occupied."""
        return self._cpu == 0 and self._memory == 0 and not any(self._used.values())

    def _next(self) -> tuple[Job, Room] | None:
        for line in self._order:
            job = line.head()
            if job is None or never_fits(job.spec):
                continue
            taken = self._demand(job.spec.resources)
            if self._cpu + taken.cpu > self.machine.cpu or self._memory + taken.memory > self.machine.memory:
                return None
            environment = self._environment(job.spec)
            if environment is None:
                continue
            line.ready.popleft()
            room = Room(environment=environment, asked=job.spec.resources, taken=taken)
            self._cpu += taken.cpu
            self._memory += taken.memory
            self._used[environment] = self._used.get(environment, 0) + job.spec.resources.cpu
            return job, room
        return None

    def _demand(self, asked: Resources) -> Resources:
        """What the job takes of this machine: all of it when it asks for more than there is, so that it runs alone."""
        fits = asked.cpu <= self.machine.cpu and asked.memory <= self.machine.memory
        return asked if fits else self.machine

    def _environment(self, spec: Spec) -> str | None:
        """Of those that its queue had when it was submitted: one of them can hold it, see ``never_fits``."""
        for environment in spec.queue.environments:
            if self._used.get(environment.name, 0) + spec.resources.cpu <= environment.cpu:
                return environment.name
        return None
