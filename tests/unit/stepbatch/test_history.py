"""What is read from an execution's history."""

import json
from typing import Any

from stepbatch.history import History, explained
from tests.unit.stepbatch.fakes import entered, exited, failed, submitted


def folded(*events: dict[str, Any]) -> History:
    history = History()
    history.add(events)
    return history


def test_the_job_belongs_to_the_state_whose_events_lead_to_it() -> None:
    history = folded(
        entered(1, "Count positions"),
        exited(2, "Count positions", previous=1),
        entered(3, "Price positions", previous=2),
        {"id": 4, "previousEventId": 3, "type": "TaskScheduled", "timestamp": None},
        submitted(5, "j-1", previous=4),
    )
    assert [(job.job_id, job.name, job.state) for job in history.jobs.values()] == [("j-1", "book", "Price positions")]
    assert history.current == ("Price positions",)


def test_a_job_of_a_state_that_does_not_wait_for_it_is_known_by_the_answer_of_submitjob() -> None:
    history = folded(entered(1, "Procure"), submitted(2, "j-1", previous=1, kind="TaskSucceeded"))
    assert list(history.jobs) == ["j-1"]


def test_the_answer_of_a_waiting_state_names_its_job_only_once() -> None:
    history = folded(
        entered(1, "Price"), submitted(2, "j-1", previous=1), submitted(3, "j-1", previous=2, kind="TaskSucceeded")
    )
    assert len(history.jobs) == 1


def test_a_lambda_that_answers_with_a_jobid_is_no_job() -> None:
    event = submitted(2, "j-1", previous=1)
    event["taskSubmittedEventDetails"]["resourceType"] = "lambda"
    assert folded(entered(1, "Count"), event).jobs == {}


def test_events_given_twice_and_out_of_order_count_once() -> None:
    first, second = entered(1, "Count"), exited(2, "Count", previous=1)
    history = folded(second, first)
    history.add([first])
    assert list(history.states) == ["Count"]
    assert history.current == ()
    assert history.last_id == 2


def test_states_that_only_decide_are_not_work() -> None:
    assert folded(entered(1, "Array or lone job", kind="ChoiceStateEntered")).states == {}


def test_a_loop_shows_its_state_once_and_at_work_again() -> None:
    history = folded(entered(1, "Watch"), exited(2, "Watch"), entered(3, "Watch"))
    assert list(history.states) == ["Watch"]
    assert history.current == ("Watch",)


def test_the_failure_carries_the_message_inside_a_lambdas_error_payload() -> None:
    cause = json.dumps({"errorMessage": "positions[17].barrier: -0.2 is not above 0", "errorType": "PortfolioError"})
    history = folded(entered(1, "Count"), failed(2, "PortfolioError", cause))
    assert history.failure is not None
    assert history.failure.error == "PortfolioError"
    assert history.failure.cause == "positions[17].barrier: -0.2 is not above 0"
    assert history.current == ()


def test_a_batch_description_as_cause_is_reduced_to_job_and_reason() -> None:
    cause = json.dumps({"JobId": "j-1", "Status": "FAILED", "StatusReason": "Array Child Job failed", "Container": {}})
    assert explained("States.TaskFailed", cause).cause == "job j-1: Array Child Job failed"


def test_a_cause_without_end_is_cut() -> None:
    assert len(explained("E", "x" * 100_000).cause) < 3_000
