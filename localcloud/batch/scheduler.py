"""The Batch scheduler: events in, commands out. No clock, no I/O, no threads: times are arguments in milliseconds.

The cost of an event does not depend on how many jobs there are; an event that concerns a whole array (its submission,
the end of what it waits for, its termination) costs one step a child.
"""

from collections import deque
from collections.abc import Iterable

from localcloud.batch.admission import TOO_LARGE, Admission, never_fits
from localcloud.batch.attempts import Running, Verdict, judge
from localcloud.batch.commands import Changed, Command, Start, Stop
from localcloud.batch.dependencies import Submission, build, dependents, members
from localcloud.batch.jobs import ENDED, Job, Resources, Status
from localcloud.batch.timers import Alarm, Timer, Timers

STOP_GRACE = 30_000  # milliseconds from SIGTERM to SIGKILL: ECS's stop timeout
TIMED_OUT = "Job attempt duration exceeded timeout"
DEPENDENCY_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"


class Scheduler:
    """All jobs of a machine. Every method that takes ``now`` is an event and returns what is to be done about it."""

    def __init__(self, machine: Resources, *, stop_grace: int = STOP_GRACE) -> None:
        self.jobs: dict[str, Job] = {}  # the submitted ones, oldest first; children hang on their parents
        self._admission = Admission(machine)
        self._running: dict[Job, Running] = {}
        self._timers = Timers()
        self._stop_grace = stop_grace
        self._commands: list[Command] = []
        self._settled: deque[Job] = deque()  # ended, but who waits for them is not told yet

    def find(self, job_id: str) -> Job | None:
        """The job, parent or child with this id."""
        root, colon, index = job_id.partition(":")
        job = self.jobs.get(root)
        if job is None or not colon:
            return job
        children = job.array.children if job.array else []
        known = index.isdecimal() and int(index) < len(children) and index == str(int(index))
        return children[int(index)] if known else None

    @property
    def next_due(self) -> int | None:
        """When ``tick`` wants to be called next."""
        return self._timers.next_due

    @property
    def started(self) -> list[Job]:
        """The jobs that are STARTING or RUNNING, in the order in which they were started."""
        return list(self._running)

    @property
    def idle(self) -> bool:
        """Whether no attempt occupies anything."""
        return not self._running and self._admission.idle

    # --- events

    def submit(self, submission: Submission, now: int) -> list[Command]:
        """A job enters SUBMITTED and at once what follows from its dependencies."""
        self._admission.register(submission.spec.queue)
        job, doomed = build(submission, now)
        self.jobs[job.root] = job
        self._commands.append(Changed(job.id, job.status))
        if job.array:
            self._move(job, Status.PENDING, now)
        for each in members(job):
            if each.unmet:
                self._move(each, Status.PENDING, now)
            elif job not in doomed and each not in doomed:
                self._ready(each, now)
        for each in doomed:
            self._fail(each, DEPENDENCY_FAILED, now)
        return self._finish(now)

    def attempt_started(self, job_id: str, attempt: int, now: int) -> list[Command]:
        """The attempt's process runs."""
        running = self._find_running(job_id, attempt)
        if running is not None and running.started_at is None:
            self._mark_started(running, now)
        return self._finish(now)

    def attempt_ended(
        self, job_id: str, attempt: int, now: int, *, exit_code: int | None, reason: str | None = None
    ) -> list[Command]:
        """The attempt's process has exited; without an exit code it never started, ``reason`` says why."""
        running = self._find_running(job_id, attempt)
        if running is not None:
            if exit_code is not None and running.started_at is None:
                self._mark_started(running, now)
            self._end_attempt(running, exit_code, reason, now)
        return self._finish(now)

    def cancel(self, job_id: str, reason: str, now: int) -> list[Command]:
        """CancelJob: what has not started fails; what is STARTING or RUNNING goes on."""
        job = self.find(job_id)
        if job is None:
            return []
        for each in members(job):
            if not each.ended and each not in self._running:
                each.cancelled = job.cancelled = True
                self._fail(each, reason, now)
        self._explain_parent(job, reason)
        return self._finish(now)

    def terminate(self, job_id: str, reason: str, now: int) -> list[Command]:
        """TerminateJob: what has not started fails, what has is stopped; nothing of it is retried."""
        job = self.find(job_id)
        if job is None:
            return []
        for each in members(job):
            if each.ended:
                continue
            each.terminated = job.terminated = True
            running = self._running.get(each)
            if running is None:
                self._fail(each, reason, now)
            elif not running.final:
                self._stop(running, reason, now)
        self._explain_parent(job, reason)
        return self._finish(now)

    def reclaim(self, job_ids: Iterable[str], now: int, *, instance: str, notice: int) -> list[Command]:
        """Take away the hosts of these attempts after ``notice`` milliseconds, as EC2 does with Spot instances."""
        reason = f"Host EC2 (instance {instance}) terminated."
        for job_id in job_ids:
            job = self.find(job_id)
            running = self._running.get(job) if job else None
            if running is not None:
                running.timers.append(self._timers.add(now + notice, Timer(Alarm.RECLAIM, running.job, reason)))
        return self.tick(now)

    def tick(self, now: int) -> list[Command]:
        """Time has passed."""
        for timer in self._timers.due(now):
            running = self._running.get(timer.job)
            if timer.alarm is Alarm.STATE_LIMIT:
                if timer.job.status is Status.RUNNABLE and timer.job.status_reason == TOO_LARGE:
                    timer.job.cancelled = True
                    self._fail(timer.job, timer.reason, now)
            elif running is None:
                continue
            elif timer.alarm is Alarm.GRACE_OVER:
                self._commands.append(Stop(timer.job.id, running.attempt, kill=True))
            elif timer.alarm is Alarm.TIMEOUT and running.stop is None:
                self._stop(running, TIMED_OUT, now)
            elif timer.alarm is Alarm.RECLAIM and running.stop is None:
                running.stop, running.hostless = timer.reason, True
                self._commands.append(Stop(timer.job.id, running.attempt, kill=True))
        return self._finish(now)

    # --- what follows from them

    def _find_running(self, job_id: str, attempt: int) -> Running | None:
        job = self.find(job_id)
        running = self._running.get(job) if job else None
        return running if running and running.attempt == attempt else None

    def _mark_started(self, running: Running, now: int) -> None:
        job = running.job
        running.started_at = job.started_at = now
        if job.parent and job.parent.started_at is None:
            job.parent.started_at = now
        self._move(job, Status.RUNNING, now)
        if job.spec.timeout is not None:
            due = now + 1000 * job.spec.timeout
            running.timers.append(self._timers.add(due, Timer(Alarm.TIMEOUT, job)))

    def _stop(self, running: Running, why: str, now: int) -> None:
        running.stop, running.final = why, True
        self._commands.append(Stop(running.job.id, running.attempt, kill=False))
        running.timers.append(self._timers.add(now + self._stop_grace, Timer(Alarm.GRACE_OVER, running.job)))

    def _end_attempt(self, running: Running, exit_code: int | None, reason: str | None, now: int) -> None:
        job = running.job
        del self._running[job]
        self._admission.release(running.room)
        for handle in running.timers:
            self._timers.cancel(handle)
        attempt, verdict = judge(running, now, exit_code=exit_code, reason=reason)
        job.attempts = (*job.attempts, attempt)
        if verdict is Verdict.SUCCEEDED:
            self._move(job, Status.SUCCEEDED, now, attempt.status_reason)
        elif verdict is Verdict.RETRY:
            self._ready(job, now)
        else:
            self._fail(job, attempt.status_reason, now)

    def _ready(self, job: Job, now: int) -> None:
        if job.spec.fault:
            self._fail(job, job.spec.fault, now)
            return
        too_large = never_fits(job.spec)
        self._move(job, Status.RUNNABLE, now, TOO_LARGE if too_large else None)
        self._admission.enqueue(job)
        for limit in job.spec.queue.time_limits if too_large else ():
            if limit.reason == TOO_LARGE.partition(" - ")[0]:
                self._timers.add(now + 1000 * limit.seconds, Timer(Alarm.STATE_LIMIT, job, limit.reason))

    @staticmethod
    def _explain_parent(job: Job, reason: str) -> None:
        """The parent of an array that a user ends shows the user's reason once its last child has ended."""
        if job.array and not job.ended and (job.cancelled or job.terminated):
            job.status_reason = reason

    def _fail(self, job: Job, reason: str, now: int) -> None:
        """An array fails child by child; its parent keeps the reason until the last of them has ended."""
        if job.array:
            job.status_reason = reason
        for each in members(job):
            if not each.ended:
                self._move(each, Status.FAILED, now, reason)

    def _move(self, job: Job, status: Status, now: int, reason: str | None = None) -> None:
        if not job.may_become(status):
            raise AssertionError(f"job {job.id}: {job.status} cannot become {status}")
        parent = job.parent
        if parent and parent.array:
            parent.array.summary[job.status] -= 1
            parent.array.summary[status] += 1
        job.status, job.status_reason = status, reason
        if status in ENDED:
            job.stopped_at = now
            self._settled.append(job)
        if parent is None:
            self._commands.append(Changed(job.id, status))

    def _finish(self, now: int) -> list[Command]:
        """Tell the dependents of what has ended, start what there is room for, hand out the commands."""
        while self._settled:
            job = self._settled.popleft()
            for waiter in dependents(job):
                if waiter.ended:
                    continue
                if job.status is Status.FAILED:
                    self._fail(waiter, DEPENDENCY_FAILED, now)
                else:
                    self._met(waiter, now)
            job.waiters = None
            if job.parent:
                self._end_parent(job.parent, now)
        for job, room in self._admission.admit():
            running = self._running[job] = Running(job, len(job.attempts) + 1, room)
            self._move(job, Status.STARTING, now)
            self._commands.append(Start(job, running.attempt, room.environment))
        commands, self._commands = self._commands, []
        return commands

    def _met(self, waiter: Job, now: int) -> None:
        waiter.unmet -= 1
        if waiter.unmet:
            return
        if waiter.array is None:
            self._ready(waiter, now)
            return
        for child in waiter.array.children:
            child.unmet -= 1
            if child.unmet == 0 and not child.ended:
                self._ready(child, now)

    def _end_parent(self, parent: Job, now: int) -> None:
        array = parent.array
        if array is None or parent.ended:
            return
        failed = array.summary[Status.FAILED]
        if failed + array.summary[Status.SUCCEEDED] == len(array.children):
            status = Status.FAILED if failed else Status.SUCCEEDED
            self._move(parent, status, now, (parent.status_reason or CHILD_FAILED) if failed else None)
