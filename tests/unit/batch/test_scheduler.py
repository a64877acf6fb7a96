"""Retries, timeouts, cancelling, terminating, reclaiming, and late reports, by hand."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from localcloud.batch.dependencies import members
from localcloud.batch.jobs import Job, RetryRule, Status

if TYPE_CHECKING:
    from tests.unit.batch.conftest import Desk

HOST_GONE = RetryRule(action="RETRY", on_status_reason="Host EC2*")
EXIT_2 = RetryRule(action="EXIT", on_exit_code="2")


def statuses(job: Job) -> list[Status]:
    return [each.status for each in members(job)]


def child(job: Job, index: int) -> Job:
    return members(job)[index]


def count(job: Job, status: Status) -> int:
    assert job.array
    return job.array.summary[status]


def test_attempts_are_listed_and_limited(desk: "Desk") -> None:
    job = desk.submit("job", attempts=3)
    for code in (1, 137, 4):
        desk.run(job)
        desk.end(job, code)
    assert job.status is Status.FAILED
    assert [attempt.exit_code for attempt in job.attempts] == [1, 137, 4]


def test_the_first_rule_that_matches_wins(desk: "Desk") -> None:
    rules = (EXIT_2, RetryRule(action="RETRY", on_exit_code="*"))
    job = desk.submit("job", attempts=5, retry_rules=rules)
    desk.end(job, 1)
    assert job.status is Status.STARTING
    desk.end(job, 2)
    assert (job.status, len(job.attempts)) == (Status.FAILED, 2)


def test_a_task_that_could_not_start_is_retried_by_its_reason(desk: "Desk") -> None:
    rules = (RetryRule(action="RETRY", on_reason="CannotPull*"), RetryRule(action="EXIT", on_reason="*"))
    job = desk.submit("job", attempts=2, retry_rules=rules)
    desk.end(job, None, "CannotPullContainerError: no such image")
    assert job.status is Status.STARTING
    desk.end(job, None, "CannotStartContainerError: no such file")
    assert (job.status, job.status_reason) == (Status.FAILED, "Task failed to start")
    assert job.attempts[1].started_at is None


def test_a_timeout_asks_then_kills_and_is_never_retried(desk: "Desk") -> None:
    job = desk.submit("job", attempts=3, timeout=60)
    desk.run(job)
    desk.wait(59.9)
    assert desk.stops() == []
    desk.wait(0.1)
    assert desk.stops() == [("job", False)]
    desk.wait(30)
    assert desk.stops() == [("job", False), ("job", True)]
    desk.end(job, 137)
    assert (job.status, job.status_reason) == (Status.FAILED, "Job attempt duration exceeded timeout")
    assert len(job.attempts) == 1


def test_a_job_that_is_being_terminated_does_not_time_out(desk: "Desk") -> None:
    job = desk.submit("job", timeout=60)
    desk.run(job)
    desk.wait(55)
    desk.terminate(job)
    desk.wait(10)
    desk.end(job, 143)
    assert job.status_reason == "stop it"
    assert desk.stops() == [("job", False)]


def test_the_timeout_is_each_attempts_own(desk: "Desk") -> None:
    job = desk.submit("job", attempts=2, timeout=60)
    desk.run(job)
    desk.wait(50)
    desk.end(job, 1)
    desk.run(job)
    desk.wait(50)
    assert desk.stops() == []
    desk.wait(10)
    assert desk.stops() == [("job", False)]


def test_terminating_stops_what_runs_with_grace_and_fails_what_does_not(make_desk: Callable[[float], "Desk"]) -> None:
    desk = make_desk(1)
    job = desk.submit("job", size=2, attempts=3)
    desk.run(child(job, 0))
    desk.terminate(job)
    assert statuses(job) == [Status.RUNNING, Status.FAILED]
    assert desk.stops() == [("job:0", False)]
    desk.end(child(job, 0), 0)  # it exits in good order, but it was terminated
    assert statuses(job) == [Status.FAILED, Status.FAILED]
    assert (job.status, job.status_reason) == (Status.FAILED, "stop it")
    assert [child.status_reason for child in members(job)] == ["stop it", "stop it"]


def test_a_job_that_ends_within_the_grace_is_not_killed(desk: "Desk") -> None:
    job = desk.submit("job")
    desk.run(job)
    desk.terminate(job)
    desk.end(job, 143)
    desk.wait(60)
    assert desk.stops() == [("job", False)]


def test_cancelling_leaves_alone_what_has_started(make_desk: Callable[[float], "Desk"]) -> None:
    desk = make_desk(1)
    job = desk.submit("job", size=3)
    desk.cancel(job)
    assert statuses(job) == [Status.STARTING, Status.FAILED, Status.FAILED]
    assert child(job, 1).status_reason == "not wanted"
    desk.end(child(job, 0))
    assert (job.status, job.status_reason) == (Status.FAILED, "not wanted")


def test_cancelling_a_running_job_changes_nothing(desk: "Desk") -> None:
    job = desk.submit("job")
    desk.run(job)
    desk.cancel(job)
    assert not job.cancelled
    desk.end(job)
    assert job.status is Status.SUCCEEDED


def test_a_reclaimed_host_is_retried_by_rule_and_reports_no_exit_code(desk: "Desk") -> None:
    job = desk.submit("job", attempts=2, retry_rules=(HOST_GONE, RetryRule(action="EXIT", on_reason="*")))
    desk.run(job)
    desk.obey(desk.scheduler.reclaim(["job"], desk.now, instance="i-0abc", notice=2000))
    assert desk.stops() == []
    desk.wait(2)
    assert desk.stops() == [("job", True)]
    desk.end(job, 137)
    assert job.status is Status.STARTING
    assert job.attempts[0].status_reason == "Host EC2 (instance i-0abc) terminated."
    assert job.attempts[0].exit_code is None


def test_a_job_that_ends_within_the_notice_has_ended(desk: "Desk") -> None:
    job = desk.submit("job", attempts=2)
    desk.run(job)
    desk.obey(desk.scheduler.reclaim(["job"], desk.now, instance="i-0abc", notice=2000))
    desk.end(job)
    desk.wait(10)
    assert job.status is Status.SUCCEEDED
    assert desk.stops() == []


def test_a_report_about_an_attempt_that_is_over_changes_nothing(desk: "Desk") -> None:
    job = desk.submit("job", attempts=2)
    desk.end(job, 1)
    assert desk.scheduler.attempt_ended("job", 1, desk.now, exit_code=0) == []
    assert desk.scheduler.attempt_started("job", 1, desk.now) == []
    assert desk.scheduler.attempt_ended("nobody", 1, desk.now, exit_code=0) == []
    assert job.status is Status.STARTING


def test_times_are_the_attempts(desk: "Desk") -> None:
    job = desk.submit("job", attempts=2)
    desk.wait(1)
    desk.run(job)
    desk.wait(2)
    desk.end(job, 1)
    desk.run(job)
    desk.wait(3)
    desk.end(job)
    assert [(each.started_at, each.stopped_at) for each in job.attempts] == [
        (1_001_000, 1_003_000),
        (1_003_000, 1_006_000),
    ]
    assert (job.created_at, job.started_at, job.stopped_at) == (1_000_000, 1_003_000, 1_006_000)


@pytest.mark.parametrize("job_id", ["job:3", "job:x", "job:-1", "job:01", "job:", "job:²", "other", "plain:0"])
def test_an_id_of_no_job_finds_nothing(desk: "Desk", job_id: str) -> None:
    desk.submit("job", size=3)
    desk.submit("plain")
    assert desk.scheduler.find(job_id) is None
