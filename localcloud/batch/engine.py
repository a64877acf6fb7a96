"""The scheduler at work: one lock around it, an executor for its commands, and those who wait."""

import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from uuid import uuid4

from localcloud.batch.commands import Changed, Command, Start
from localcloud.batch.dependencies import Submission, members
from localcloud.batch.executor import Executor
from localcloud.batch.jobs import ENDED, Job, Resources, Status
from localcloud.batch.launch import Launch
from localcloud.batch.ports import Logs
from localcloud.batch.scheduler import Scheduler


def milliseconds() -> int:
    """Since 1970."""
    return time.time_ns() // 1_000_000


class Engine:
    """Thread-safe. ``lock`` is held by whoever reads jobs that may change meanwhile."""

    def __init__(
        self,
        *,
        machine: Resources,
        prepare: Callable[[Start], Launch],
        logs: Logs,
        root: Path,
        stop_grace: int,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self.lock = threading.RLock()
        self.by_queue: dict[str, list[Job]] = {}  # the submitted jobs of a queue, oldest first
        self._changed = threading.Condition(self.lock)
        self._scheduler = Scheduler(machine, stop_grace=stop_grace)
        self._clock = clock
        self._executor = Executor(self, prepare, logs, clock, root)
        self.start, self.stop = self._executor.start, self._executor.stop

    def find(self, job_id: str) -> Job | None:
        """The job, parent or child with this id."""
        with self.lock:
            return self._scheduler.find(job_id)

    def submit(self, submission: Submission) -> Job:
        """Take a job in; it may have started when this returns."""
        with self.lock:
            commands = self._scheduler.submit(submission, self._clock())
            job = self._scheduler.jobs[submission.job_id]
            self.by_queue.setdefault(submission.spec.queue.arn, []).append(job)
            self._post(commands)
        return job

    def cancel(self, job: Job, reason: str) -> None:
        """CancelJob."""
        with self.lock:
            self._post(self._scheduler.cancel(job.id, reason, self._clock()))

    def terminate(self, job: Job, reason: str) -> None:
        """TerminateJob."""
        with self.lock:
            self._post(self._scheduler.terminate(job.id, reason, self._clock()))

    def interrupt(self, jobs: Sequence[Job] | None, count: int | None, notice: float) -> list[str]:
        """Reclaim the hosts of running attempts, of these jobs only, at most so many, the longest running first."""
        with self.lock:
            running = [job for job in self._scheduler.started if job.status is Status.RUNNING]
            if jobs is not None:
                wanted = {member for job in jobs for member in members(job)}
                running = [job for job in running if job in wanted]
            ids = [job.id for job in islice(running, count)]
            instance = f"i-{uuid4().hex[:17]}"
            self._post(self._scheduler.reclaim(ids, self._clock(), instance=instance, notice=round(1000 * notice)))
        return ids

    def wait(self, job: Job, timeout: float | None) -> bool:
        """Until the job has ended; False if ``timeout`` seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: job.ended, timeout)

    # --- what the executor tells

    def attempt_started(self, job_id: str, attempt: int) -> None:
        with self.lock:
            self._post(self._scheduler.attempt_started(job_id, attempt, self._clock()))

    def attempt_ended(self, job_id: str, attempt: int, *, exit_code: int | None, reason: str | None = None) -> None:
        with self.lock:
            commands = self._scheduler.attempt_ended(job_id, attempt, self._clock(), exit_code=exit_code, reason=reason)
            self._post(commands)

    def tick(self) -> int | None:
        now = self._clock()
        with self.lock:
            due = self._scheduler.next_due
            if due is not None and due <= now:
                self._post(self._scheduler.tick(now))
            due = self._scheduler.next_due
        return None if due is None else max(0, due - now)

    def _post(self, commands: list[Command]) -> None:
        """Under the lock, so that commands reach the executor in the order of the events."""
        if any(isinstance(each, Changed) and each.status in ENDED for each in commands):
            self._changed.notify_all()
        self._executor.post([each for each in commands if not isinstance(each, Changed)])
