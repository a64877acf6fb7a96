"""How a run ended."""

import pytest

from stepbatch.history import Failure
from stepbatch.jobs import JobProgress
from stepbatch.outcome import Status, input_errors, status_of
from stepbatch.watch import View

JOB = JobProgress(job_id="j", name="book", label="Price", size=2, status="SUCCEEDED", counts={"SUCCEEDED": 2})


def view(status: str, error: str | None = None, output: object = None, *jobs: JobProgress) -> View:
    failure = Failure(error=error, cause="") if error else None
    return View(arn="a", status=status, seconds=1.0, states=(), current=(), jobs=jobs, output=output, failure=failure)


@pytest.mark.parametrize(
    ("ended", "status", "exit_status"),
    [
        (view("SUCCEEDED", output={"status": "COMPLETE"}), Status.COMPLETE, 0),
        (view("SUCCEEDED", output=None), Status.COMPLETE, 0),
        (view("SUCCEEDED", output={"status": "PARTIAL"}), Status.PARTIAL, 3),
        (view("FAILED", "ResultsIncompleteError"), Status.FAILED, 1),
        (view("TIMED_OUT", "States.Timeout"), Status.FAILED, 1),
        (view("ABORTED", "ExecutionAborted"), Status.FAILED, 1),
        (view("FAILED", "PortfolioError"), Status.REFUSED, 2),
        (view("FAILED", "PlanError"), Status.REFUSED, 2),
        (view("FAILED", "PlanError", None, JOB), Status.FAILED, 1),
    ],
)
def test_the_exit_status_says_whether_to_mend_the_input_or_to_try_again(
    ended: View, status: Status, exit_status: int
) -> None:
    assert status_of(ended) is status
    assert status_of(ended).exit_status == exit_status


def test_every_error_of_the_input_is_known_by_its_bare_name() -> None:
    assert input_errors() >= {"RequestError", "UriError", "PortfolioError", "MarketError", "PlanError"}
    assert not input_errors() & {"FanoutError", "ResultsIncompleteError", "Interrupted"}
