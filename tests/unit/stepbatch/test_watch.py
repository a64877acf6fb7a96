"""Following an execution."""

from stepbatch.watch import View, Watcher, follow
from tests.unit.stepbatch.fakes import (
    FakeBatch,
    FakeStepFunctions,
    array_job,
    cloud,
    entered,
    execution_arn,
    exited,
    submitted,
)

ARN = execution_arn("run")


def running_then_done() -> FakeStepFunctions:
    return FakeStepFunctions(
        [
            {
                "status": "RUNNING",
                "events": [entered(1, "Price"), submitted(2, "j", previous=1)],
                "jobs": {"j": array_job("j", 4, "PENDING", RUNNABLE=4)},
            },
            {"status": "RUNNING", "jobs": {"j": array_job("j", 4, "PENDING", RUNNING=1, SUCCEEDED=3)}},
            {"status": "RUNNING", "jobs": {"j": array_job("j", 4, "SUCCEEDED", SUCCEEDED=4)}},
            {
                "status": "SUCCEEDED",
                "events": [exited(3, "Price", previous=2)],
                "jobs": {},
                "output": {"status": "COMPLETE"},
            },
        ],
        started=[{"name": "run"}],
    )


def test_an_execution_is_shown_until_it_ends_and_its_output_is_known() -> None:
    views: list[View] = []
    pauses: list[float] = []
    last = follow(cloud(running_then_done()), ARN, views.append, wait=pauses.append)
    assert [view.status for view in views] == ["RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"]
    assert [view.jobs[0].succeeded for view in views] == [0, 3, 4, 4]
    assert last.output == {"status": "COMPLETE"}
    assert last.current == ()
    assert len(pauses) == 3
    assert pauses == sorted(pauses)


def test_a_job_that_ended_is_not_described_again() -> None:
    stepfunctions = running_then_done()
    batch = FakeBatch(stepfunctions)
    follow(cloud(stepfunctions, batch=batch), ARN, lambda _: None, wait=lambda _: None)
    assert batch.asked == [["j"]] * 3


def test_the_history_is_read_backwards_only_as_far_as_it_is_new() -> None:
    events = [entered(number, f"S{number}") for number in range(1, 8)]
    stepfunctions = FakeStepFunctions(
        [{"status": "RUNNING", "events": events[:5]}, {"status": "RUNNING", "events": events[5:]}],
        started=[{"name": "run"}],
        page=1,
    )
    watcher = Watcher(cloud(stepfunctions), ARN)
    watcher.look()
    assert stepfunctions.pages_read == 5
    assert [visit.name for visit in watcher.look().states] == [f"S{number}" for number in range(1, 8)]
    assert stepfunctions.pages_read == 5 + 3
