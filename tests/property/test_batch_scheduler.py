"""Laws of the Batch scheduler, whatever is submitted, however attempts end, whoever interferes."""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from localcloud.batch.commands import Changed, Command, Start, Stop
from localcloud.batch.dependencies import Submission, members
from localcloud.batch.jobs import (
    PARENT_TRANSITIONS,
    TRANSITIONS,
    Environment,
    Job,
    Queue,
    Resources,
    RetryRule,
    Spec,
    Status,
    TimeLimit,
)
from localcloud.batch.scheduler import Scheduler

MACHINE = Resources(cpu=3000, memory=1000)
SPOT = Environment(name="spot", cpu=8000)
TINY = Environment(name="tiny", cpu=2000)
LIMIT = TimeLimit(reason="MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE", seconds=600)
QUEUES = (
    Queue(arn="arn:low", name="low", priority=1, environments=(SPOT,)),
    Queue(arn="arn:high", name="high", priority=9, environments=(TINY, SPOT), time_limits=(LIMIT,)),
)
RULES = (
    RetryRule(action="RETRY", on_status_reason="Host EC2*"),
    RetryRule(action="EXIT", on_exit_code="2"),
    RetryRule(action="RETRY", on_exit_code="*"),
    RetryRule(action="EXIT", on_reason="*"),
)
ORDER = list(Status)

specs = st.builds(
    lambda queue, cpu, memory, attempts, rules, timeout: Spec(
        name="job", queue=queue, definition={}, request={}, command=(), parameters={}, environment={},
        resources=Resources(cpu=cpu, memory=memory), attempts=attempts, retry_rules=rules, timeout=timeout,
    ),
    st.sampled_from(QUEUES),
    st.sampled_from([250, 1000, 2000, 3000, 5000, 9000]),  # 5 vCPUs exceed this machine, 9 every environment
    st.sampled_from([4, 300, 2000]),
    st.integers(1, 3),
    st.sampled_from([(), RULES]),
    st.sampled_from([None, 60]),
)  # fmt: skip


@dataclass
class Model:
    """What a submission waits for, remembered beside the scheduler."""

    job: Job
    after: list[Job] = field(default_factory=list)
    n_to_n: list[Job] = field(default_factory=list)
    sequential: bool = False

    def dependencies(self, job: Job) -> list[Job]:
        needed = list(self.after)
        if job.index is not None:
            needed += [members(other)[job.index] for other in self.n_to_n]
            needed += [members(self.job)[job.index - 1]] if self.sequential and job.index else []
        return needed


class SchedulerMachine(RuleBasedStateMachine):
    jobs: Bundle[Job] = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.scheduler = Scheduler(MACHINE, stop_grace=30_000)
        self.models: dict[str, Model] = {}
        self.active: dict[tuple[str, int], Job] = {}
        self.doomed: set[Job] = set()  # cancelled, terminated or timed out by someone: no more attempts
        self.progress: dict[Job, tuple[int, int]] = {}
        self.told: dict[str, list[Status]] = {}

    def obey(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Start(job, attempt, _):
                    self.check_start(job, attempt)
                    self.active[job.id, attempt] = job
                case Stop(job_id, attempt, _):
                    assert (job_id, attempt) in self.active, "a process that has ended is not signalled"
                case Changed(job_id, status):
                    self.told.setdefault(job_id, []).append(status)

    def check_start(self, job: Job, attempt: int) -> None:
        needed = self.models[job.root].dependencies(job)
        assert all(each.status is Status.SUCCEEDED for each in needed), "nothing starts before what it depends on"
        assert attempt == len(job.attempts) + 1 <= job.spec.attempts
        assert job not in self.doomed, "what was stopped for good is not tried again"

    # --- events

    @rule(target=jobs, spec=specs, size=st.none() | st.integers(2, 5), data=st.data())
    def submit(self, spec: Spec, size: int | None, data: st.DataObject) -> Job:
        known = list(self.scheduler.jobs.values())
        needed = [each for job in known for each in dict.fromkeys((job, *members(job)))]
        after = data.draw(st.lists(st.sampled_from(needed), max_size=2)) if needed else []
        equal = [job for job in known if job.array and len(job.array.children) == size]
        n_to_n = data.draw(st.lists(st.sampled_from(equal), max_size=2)) if equal else []
        sequential = size is not None and data.draw(st.booleans())
        job_id = f"job{len(known)}"
        submission = Submission(job_id=job_id, spec=spec, size=size, after=after, n_to_n=n_to_n, sequential=sequential)
        commands = self.scheduler.submit(submission, self.now)
        job = self.scheduler.jobs[job_id]
        self.models[job_id] = Model(job, after, n_to_n, sequential)
        self.obey(commands)
        return job

    def choose(self, data: st.DataObject) -> tuple[str, int] | None:
        return data.draw(st.sampled_from(sorted(self.active))) if self.active else None

    @rule(data=st.data())
    def attempt_runs(self, data: st.DataObject) -> None:
        if (chosen := self.choose(data)) is not None:
            self.obey(self.scheduler.attempt_started(*chosen, self.now))

    @rule(data=st.data(), code=st.sampled_from([0, 0, 0, 1, 2, 137, None]))
    def attempt_ends(self, data: st.DataObject, code: int | None) -> None:
        if (chosen := self.choose(data)) is not None:
            del self.active[chosen]
            self.obey(self.scheduler.attempt_ended(*chosen, self.now, exit_code=code))

    @rule(chosen=st.tuples(st.integers(0, 30), st.integers(1, 3)), code=st.sampled_from([0, 1]))
    def a_report_of_no_running_attempt_changes_nothing(self, chosen: tuple[int, int], code: int) -> None:
        attempt = (f"job{chosen[0]}", chosen[1])
        if attempt not in self.active:
            assert self.scheduler.attempt_ended(*attempt, self.now, exit_code=code) == []

    def member(self, job: Job, which: int) -> Job:
        return (job, *members(job))[which % (len(members(job)) + 1)]

    @rule(job=jobs, which=st.integers(0, 5))
    def cancel(self, job: Job, which: int) -> None:
        chosen = self.member(job, which)
        before = {each: each.status for each in members(chosen)}
        self.doomed |= {each for each in before if each.status not in {Status.STARTING, Status.RUNNING}}
        self.obey(self.scheduler.cancel(chosen.id, "not wanted", self.now))
        for each, status in before.items():
            if status in {Status.STARTING, Status.RUNNING}:
                assert each.status is status, "cancelling leaves alone what has started"
            else:
                assert each.ended

    @rule(job=jobs, which=st.integers(0, 5))
    def terminate(self, job: Job, which: int) -> None:
        chosen = self.member(job, which)
        stopped = [each for each in members(chosen) if not each.ended]
        self.doomed |= set(stopped)
        self.obey(self.scheduler.terminate(chosen.id, "stop it", self.now))
        assert all(each.ended or each.status in {Status.STARTING, Status.RUNNING} for each in stopped)

    @rule(data=st.data(), notice=st.sampled_from([0, 2000]))
    def reclaim(self, data: st.DataObject, notice: int) -> None:
        if (chosen := self.choose(data)) is not None:
            commands = self.scheduler.reclaim([chosen[0]], self.now, instance="i-0", notice=notice)
            self.obey(commands)

    @rule(seconds=st.sampled_from([0, 1, 3, 30, 61, 601]))
    def time_passes(self, seconds: int) -> None:
        self.now += 1000 * seconds
        self.obey(self.scheduler.tick(self.now))

    # --- laws

    def each(self) -> list[tuple[Model, Job]]:
        return [(model, job) for model in self.models.values() for job in members(model.job)]

    @invariant()
    def counts_sum_to_size(self) -> None:
        for model in self.models.values():
            if model.job.array:
                children = model.job.array.children
                assert sum(model.job.array.summary.values()) == len(children)
                for status, count in model.job.array.summary.items():
                    assert count == sum(child.status is status for child in children)

    @invariant()
    def a_parent_ends_exactly_when_its_last_child_has(self) -> None:
        for model in self.models.values():
            parent = model.job
            if parent.array:
                assert parent.ended == all(child.ended for child in parent.array.children)
                assert parent.status in {Status.PENDING, Status.SUCCEEDED, Status.FAILED}
                failed = any(child.status is Status.FAILED for child in parent.array.children)
                assert not parent.ended or (parent.status is Status.FAILED) == failed

    @invariant()
    def a_job_waits_exactly_as_long_as_what_it_depends_on(self) -> None:
        """So a child of an N_TO_N array never waits for a sibling of its counterpart."""
        for model, job in self.each():
            needed = model.dependencies(job)
            if any(other.status is Status.FAILED for other in needed):
                assert job.ended
                assert not job.attempts
            elif not job.ended:
                assert (job.status is Status.PENDING) == any(not other.ended for other in needed)

    @invariant()
    def no_status_goes_backward(self) -> None:
        """Except to RUNNABLE, for another attempt."""
        for _, job in self.each():
            progress = (len(job.attempts), ORDER.index(job.status))
            assert progress >= self.progress.get(job, (0, 0))
            self.progress[job] = progress
        for job_id, statuses in self.told.items():
            legal = PARENT_TRANSITIONS if self.scheduler.jobs[job_id].array else TRANSITIONS
            assert all(after in legal[before] for before, after in pairwise(statuses))
            assert statuses[-1] is self.scheduler.jobs[job_id].status

    @invariant()
    def attempts_stay_within_their_limit(self) -> None:
        assert all(len(job.attempts) <= job.spec.attempts for _, job in self.each())

    @invariant()
    def no_resource_leaks_and_none_is_given_twice(self) -> None:
        started = [job for _, job in self.each() if job.status in {Status.STARTING, Status.RUNNING}]
        assert {job.id for job in started} == {job_id for job_id, _ in self.active}
        assert self.scheduler.idle == (not started)
        fit = [job for job in started if job.spec.resources.cpu <= MACHINE.cpu and job.spec.resources.memory <= 1000]
        assert sum(job.spec.resources.cpu for job in fit) <= MACHINE.cpu
        assert sum(job.spec.resources.memory for job in fit) <= MACHINE.memory
        assert len(fit) == len(started) or len(started) == 1, "what exceeds this machine runs alone"

    @invariant()
    def an_idle_machine_has_nothing_to_do(self) -> None:
        """Except jobs that no environment can hold, and what waits behind them."""
        if not self.active:
            for queue in QUEUES:
                waiting = [
                    job for _, job in self.each() if job.status is Status.RUNNABLE and job.spec.queue is queue
                ]  # fmt: skip
                assert not waiting or any(job.spec.resources.cpu == 9000 for job in waiting)

    def teardown(self) -> None:
        """Whatever happened: if all attempts end well from now on, every job that can run ends."""
        for job in list(self.scheduler.jobs.values()):
            if job.spec.resources.cpu == 9000:
                self.obey(self.scheduler.cancel(job.id, "never fits", self.now))
        while self.active:
            chosen = next(iter(self.active))
            del self.active[chosen]
            self.obey(self.scheduler.attempt_ended(*chosen, self.now, exit_code=0))
        self.obey(self.scheduler.tick(self.now))
        assert all(job.ended for _, job in self.each())
        assert self.scheduler.idle


SchedulerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBatchScheduler = SchedulerMachine.TestCase
