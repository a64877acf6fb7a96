"""What waits for what, and the parents of arrays, by hand."""

from typing import TYPE_CHECKING

from localcloud.batch.dependencies import members
from localcloud.batch.jobs import Job, Status

if TYPE_CHECKING:
    from tests.unit.batch.conftest import Desk


def statuses(job: Job) -> list[Status]:
    return [each.status for each in members(job)]


def child(job: Job, index: int) -> Job:
    return members(job)[index]


def count(job: Job, status: Status) -> int:
    assert job.array
    return job.array.summary[status]


def test_a_job_runs_after_what_it_depends_on_has_succeeded(desk: "Desk") -> None:
    first = desk.submit("first")
    second = desk.submit("second", after=[first])
    assert statuses(second) == [Status.PENDING]
    desk.end(first)
    assert statuses(second) == [Status.STARTING]


def test_a_failed_dependency_fails_the_dependent_unrun(desk: "Desk") -> None:
    first = desk.submit("first")
    second = desk.submit("second", after=[first])
    third = desk.submit("third", after=[second])
    desk.end(first, 1)
    assert (second.status, second.status_reason) == (Status.FAILED, "Dependent Job failed")
    assert third.status is Status.FAILED
    assert desk.started() == ["first"]


def test_a_dependency_that_has_ended_already_counts(desk: "Desk") -> None:
    good, bad = desk.submit("good"), desk.submit("bad")
    desk.end(good)
    desk.end(bad, 1)
    assert desk.submit("after-good", after=[good]).status is Status.STARTING
    assert desk.submit("after-bad", after=[good, bad]).status is Status.FAILED
    array = desk.submit("array-after-bad", after=[bad], size=3)
    assert array.status is Status.FAILED
    assert array.status_reason == "Dependent Job failed"


def test_an_array_waits_for_the_whole_of_another(desk: "Desk") -> None:
    first = desk.submit("first", size=2)
    second = desk.submit("second", size=2, after=[first])
    desk.end(child(first, 0))
    assert statuses(second) == [Status.PENDING, Status.PENDING]
    desk.end(child(first, 1))
    assert statuses(second) == [Status.STARTING, Status.STARTING]


def test_an_array_waits_for_each_of_several_jobs(desk: "Desk") -> None:
    first, second = desk.submit("first"), desk.submit("second")
    array = desk.submit("array", size=2, after=[first, second])
    desk.end(first)
    assert statuses(array) == [Status.PENDING, Status.PENDING]
    desk.end(second)
    assert statuses(array) == [Status.STARTING, Status.STARTING]


def test_n_to_n_children_overlap_with_the_array_they_depend_on(desk: "Desk") -> None:
    first = desk.submit("first", size=3)
    second = desk.submit("second", size=3, n_to_n=[first])
    desk.end(child(first, 1))
    assert statuses(second) == [Status.PENDING, Status.STARTING, Status.PENDING]


def test_if_child_3_fails_only_its_counterpart_fails_unrun(desk: "Desk") -> None:
    first = desk.submit("first", size=4)
    second = desk.submit("second", size=4, n_to_n=[first])
    desk.end(child(first, 3), 1)
    assert statuses(second) == [Status.PENDING] * 3 + [Status.FAILED]
    for index in range(3):
        desk.end(members(first)[index])
        desk.end(members(second)[index])
    assert (first.status, second.status) == (Status.FAILED, Status.FAILED)
    assert count(second, Status.SUCCEEDED) == 3


def test_n_to_n_with_an_array_that_is_half_done(desk: "Desk") -> None:
    first = desk.submit("first", size=3)
    desk.end(child(first, 0))
    desk.end(child(first, 1), 1)
    second = desk.submit("second", size=3, n_to_n=[first])
    assert statuses(second) == [Status.STARTING, Status.FAILED, Status.PENDING]


def test_sequential_children_run_one_after_the_other(desk: "Desk") -> None:
    job = desk.submit("job", size=3, sequential=True)
    assert statuses(job) == [Status.STARTING, Status.PENDING, Status.PENDING]
    desk.end(child(job, 0))
    assert statuses(job) == [Status.SUCCEEDED, Status.STARTING, Status.PENDING]
    desk.end(child(job, 1), 1)
    assert statuses(job) == [Status.SUCCEEDED, Status.FAILED, Status.FAILED]
    assert desk.started() == ["job:0", "job:1"]


def test_all_kinds_at_once(desk: "Desk") -> None:
    gate = desk.submit("gate")
    first = desk.submit("first", size=2)
    job = desk.submit("job", size=2, after=[gate], n_to_n=[first], sequential=True)
    desk.end(child(first, 0))
    desk.end(child(first, 1))
    assert statuses(job) == [Status.PENDING, Status.PENDING]
    desk.end(gate)
    assert statuses(job) == [Status.STARTING, Status.PENDING]
    desk.end(child(job, 0))
    assert statuses(job) == [Status.SUCCEEDED, Status.STARTING]


def test_a_job_may_depend_on_one_child_of_an_array(desk: "Desk") -> None:
    first = desk.submit("first", size=2)
    second = desk.submit("second", after=[child(first, 1)])
    desk.end(child(first, 0))
    assert statuses(second) == [Status.PENDING]
    desk.end(child(first, 1))
    assert statuses(second) == [Status.STARTING]


def test_a_child_that_was_cancelled_stays_so_when_the_arrays_dependency_succeeds(desk: "Desk") -> None:
    gate = desk.submit("gate")
    job = desk.submit("job", size=2, after=[gate])
    desk.cancel(child(job, 0))
    desk.end(gate)
    assert statuses(job) == [Status.FAILED, Status.STARTING]


def test_a_chain_of_ten_thousand_fails_without_exhausting_the_stack(desk: "Desk") -> None:
    job = desk.submit("job", size=10_000, sequential=True)
    desk.end(child(job, 0), 1)
    assert count(job, Status.FAILED) == 10_000


def test_the_parent_shows_only_its_own_statuses_and_its_counts_sum_to_size(desk: "Desk") -> None:
    job = desk.submit("job", size=3)
    assert job.status is Status.PENDING
    for each in members(job):
        assert sum(count(job, status) for status in Status) == 3
        desk.run(each)
        desk.end(each)
    assert (job.status, job.status_reason) == (Status.SUCCEEDED, None)


def test_a_failed_child_fails_the_parent_after_all_have_ended(desk: "Desk") -> None:
    job = desk.submit("job", size=3)
    desk.end(child(job, 1), 1)
    assert job.status is Status.PENDING
    desk.end(child(job, 0))
    desk.end(child(job, 2))
    assert (job.status, job.status_reason) == (Status.FAILED, "Array Child Job failed")
