"""Who starts when, by hand."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from localcloud.batch.dependencies import members
from localcloud.batch.jobs import Environment, Job, Queue, Status, TimeLimit

if TYPE_CHECKING:
    from tests.unit.batch.conftest import Desk

SPOT = Environment(name="spot", cpu=16_000)
HIGH = Queue(arn="arn:high", name="high", priority=5, environments=(SPOT,))
LOW = Queue(arn="arn:low", name="low", priority=1, environments=(SPOT,))


def statuses(job: Job) -> list[Status]:
    return [each.status for each in members(job)]


def child(job: Job, index: int) -> Job:
    return members(job)[index]


def count(job: Job, status: Status) -> int:
    assert job.array
    return job.array.summary[status]


def test_children_start_only_while_their_requests_fit(desk: "Desk") -> None:
    job = desk.submit("job", size=4, vcpus=1.5)
    assert count(job, Status.STARTING) == 2
    desk.end(child(job, 0))
    assert count(job, Status.STARTING) == 2
    assert count(job, Status.RUNNABLE) == 1


def test_a_machine_is_filled_to_the_brim_and_not_beyond(desk: "Desk") -> None:
    assert count(desk.submit("vcpus", size=6, vcpus=1), Status.STARTING) == 4
    desk = type(desk)(8)
    assert count(desk.submit("memory", size=6, vcpus=1, memory=1024), Status.STARTING) == 4
    desk = type(desk)(32)
    assert count(desk.submit("environment", size=20, vcpus=1), Status.STARTING) == 16
    desk = type(desk)(2)
    assert count(desk.submit("quarters", size=20, vcpus=0.25), Status.STARTING) == 8


def test_a_job_as_large_as_an_environment_fits_it(desk: "Desk") -> None:
    assert desk.submit("job", vcpus=16).status is Status.STARTING


def test_memory_counts_too(desk: "Desk") -> None:
    job = desk.submit("job", size=4, vcpus=0.25, memory=1500)
    assert count(job, Status.STARTING) == 2


def test_what_exceeds_only_this_machine_runs_alone(desk: "Desk") -> None:
    small = desk.submit("small")
    large = desk.submit("large", vcpus=8)
    other = desk.submit("other")
    assert (large.status, other.status) == (Status.RUNNABLE, Status.RUNNABLE)
    desk.end(small)
    assert (large.status, other.status) == (Status.STARTING, Status.RUNNABLE)
    desk.end(large)
    assert other.status is Status.STARTING


def test_a_big_job_is_not_overtaken_by_queues_of_lower_priority(desk: "Desk") -> None:
    first = desk.submit("first", queue=HIGH, vcpus=3)
    big = desk.submit("big", queue=HIGH, vcpus=4)
    small = desk.submit("small", queue=LOW)
    assert small.status is Status.RUNNABLE
    desk.end(first)
    assert big.status is Status.STARTING


def test_the_queue_of_higher_priority_is_served_first(make_desk: Callable[[float], "Desk"]) -> None:
    desk = make_desk(1)
    running = desk.submit("running", queue=LOW)
    low, high = desk.submit("low", queue=LOW), desk.submit("high", queue=HIGH)
    desk.end(running)
    assert (low.status, high.status) == (Status.RUNNABLE, Status.STARTING)


def test_an_environment_holds_no_more_than_its_maximum_and_the_next_takes_over(desk: "Desk") -> None:
    environments = (Environment(name="spot", cpu=1000), Environment(name="ondemand", cpu=2000))
    queue = Queue(arn="arn:q", name="q", priority=1, environments=environments)
    job = desk.submit("job", size=4, queue=queue)
    assert count(job, Status.STARTING) == 3
    assert [command.environment for command in desk.commands if hasattr(command, "environment")] == [
        "spot",
        "ondemand",
        "ondemand",
    ]


def test_a_queues_new_priority_holds_from_its_next_job_and_its_new_environments_for_that(desk: "Desk") -> None:
    running = desk.submit("running", queue=LOW, vcpus=4)
    early = desk.submit("early", queue=LOW, vcpus=3)
    first = desk.submit("first", queue=HIGH)
    small = Environment(name="small", cpu=2000)
    late = desk.submit("late", queue=replace(LOW, priority=9, environments=(small,)), vcpus=2)
    desk.end(running)
    assert (early.status, first.status, late.status) == (Status.STARTING, Status.RUNNABLE, Status.RUNNABLE)
    desk.end(early)
    assert (first.status, late.status) == (Status.STARTING, Status.STARTING)
    assert [command.environment for command in desk.commands if hasattr(command, "environment")] == [
        "spot",
        "spot",
        "small",
        "spot",
    ]


def test_what_never_fits_stays_runnable_says_why_and_blocks_its_queue(desk: "Desk") -> None:
    limit = TimeLimit(reason="MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE", seconds=600)
    queue = Queue(arn="arn:q", name="q", priority=9, environments=(SPOT,), time_limits=(limit,))
    huge = desk.submit("huge", queue=queue, vcpus=17)
    behind = desk.submit("behind", queue=queue)
    elsewhere = desk.submit("elsewhere", queue=LOW)
    assert huge.status is Status.RUNNABLE
    assert (huge.status_reason or "").startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - ")
    assert (behind.status, elsewhere.status) == (Status.RUNNABLE, Status.STARTING)
    desk.wait(599)
    assert huge.status is Status.RUNNABLE
    desk.wait(1)
    assert (huge.status, huge.status_reason) == (Status.FAILED, limit.reason)
    assert behind.status is Status.STARTING


def test_without_a_time_limit_it_waits_for_ever(desk: "Desk") -> None:
    huge = desk.submit("huge", vcpus=17)
    desk.wait(10**6)
    assert huge.status is Status.RUNNABLE


def test_a_hundred_thousand_queued_children_do_not_slow_the_next_event(desk: "Desk") -> None:
    few, many = desk.submit("few", size=200, vcpus=4), None
    seconds = [_seconds_per_event(desk, members(few)[:100])]
    for number in range(10):
        many = desk.submit(f"many{number}", size=10_000, vcpus=4)
    seconds.append(_seconds_per_event(desk, members(few)[100:]))
    assert many is not None
    assert seconds[1] < 5 * seconds[0] + 0.001, seconds


def test_the_thousandth_job_that_waits_for_another_costs_no_more_than_the_first(desk: "Desk") -> None:
    first = desk.submit("first")
    waiting = [desk.submit(f"waiting{number}", after=[first]) for number in range(3)]
    kept = first.waiters
    waiting += [desk.submit(f"more{number}", after=[first]) for number in range(3)]
    assert first.waiters is kept, "nothing was copied"
    desk.end(first)
    assert [job.unmet for job in waiting] == [0] * 6


def _seconds_per_event(desk: "Desk", jobs: Sequence[Job]) -> float:
    times = []
    for job in jobs:
        start = perf_counter()
        desk.end(job)
        times.append(perf_counter() - start)
    return sorted(times)[len(times) // 2]
