"""Watching: a run is over when all its jobs are seen to be over, and at no other time."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

import watch_jobs
from fanout.errors import JobsUnknownError, RequestError
from watch_jobs import ENDED, LONGEST_WAIT, UNDER_WAY, UNKNOWN_SECONDS, Memory, decide

ROOT = Path(__file__).parents[3]
JOBS = {"procure": "a", "process": "b", "deliver": "c"}
THROTTLED = ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "slow down"}}, "DescribeJobs")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "DescribeJobs")
NO_ANSWER = EndpointConnectionError(endpoint_url="https://batch")
UNCLEAR: dict[str, Any] = {
    "an empty reply": {},
    "a short reply of jobs that ended": {"a": "SUCCEEDED", "b": "SUCCEEDED"},
    "another short reply": {"c": "FAILED"},
    "other jobs": {"x": "SUCCEEDED", "y": "SUCCEEDED", "z": "SUCCEEDED"},
    "an unknown status": {"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "SUSPENDED"},
    "a status in lower case": {"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "succeeded"},
    "an empty status": {"a": "SUCCEEDED", "b": "SUCCEEDED", "c": ""},
    "throttling": THROTTLED,
    "no leave": DENIED,
    "no connection": NO_ANSWER,
    "a timeout": ReadTimeoutError(endpoint_url="https://batch"),
}


def look(reply: Any, memory: Memory | None = None, now: float = 0.0) -> Memory:
    return decide(JOBS, reply, memory or Memory(), now=now)


@pytest.mark.parametrize("reply", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_an_unclear_answer_is_never_taken_for_the_end(reply: Any) -> None:
    memory = look(reply)
    assert (memory.status, memory.unknown_since) == ("RUNNING", 0.0)


@pytest.mark.parametrize("last", sorted(UNDER_WAY))
def test_a_run_goes_on_while_one_job_does(last: str) -> None:
    for place in range(3):
        statuses = ["SUCCEEDED"] * 3
        statuses[place] = last
        assert look(dict(zip("abc", statuses, strict=True))).status == "RUNNING"


@pytest.mark.parametrize("first", sorted(ENDED))
@pytest.mark.parametrize("last", sorted(ENDED))
def test_a_run_is_over_when_every_job_has_succeeded_or_failed(first: str, last: str) -> None:
    assert look({"a": first, "b": "SUCCEEDED", "c": last}).status == "ENDED"


def test_a_job_that_failed_does_not_end_the_run_while_others_work() -> None:
    assert look({"a": "FAILED", "b": "RUNNING", "c": "PENDING"}).status == "RUNNING"


@pytest.mark.parametrize("reply", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_fifteen_minutes_without_a_clear_answer_are_red(reply: Any) -> None:
    memory = look(reply)
    memory = look(reply, memory, now=UNKNOWN_SECONDS - 1)
    assert memory.status == "RUNNING"
    with pytest.raises(JobsUnknownError, match="for 15 minutes Batch gave no clear answer about procure a, process b"):
        look(reply, memory, now=UNKNOWN_SECONDS)


def test_a_clear_answer_ends_the_silence() -> None:
    memory = look({})
    memory = look({"a": "RUNNING", "b": "PENDING", "c": "PENDING"}, memory, now=800)
    assert memory.unknown_since is None
    memory = look({}, memory, now=850)
    assert look({}, memory, now=850 + UNKNOWN_SECONDS - 1).status == "RUNNING"


def test_silence_is_noticed_in_time_however_long_the_wait_has_grown() -> None:
    memory = look({}, Memory(since=0.0), now=80_000)
    assert memory.wait_seconds <= 60


def watched(hours: float) -> tuple[int, float]:
    """Looks at a run of so many hours, and how late its end was noticed, in seconds."""
    memory, now, looks = Memory(), 0.0, 0
    while True:
        over = now >= hours * 3600
        memory = look(dict.fromkeys("abc", "SUCCEEDED" if over else "RUNNING"), memory, now=now)
        looks += 1
        if over:
            return looks, now - hours * 3600
        now += memory.wait_seconds


@pytest.mark.parametrize("hours", [0.001, 0.1, 1, 8, 24, 48])
def test_the_wait_grows_so_that_history_stays_small_and_the_end_is_noticed_soon(hours: float) -> None:
    looks, late = watched(hours)
    assert looks * 9 < 10_000  # events; an execution may have 25,000
    assert late <= max(1, min(LONGEST_WAIT, 0.05 * hours * 3600))


def test_a_day_takes_less_than_a_quarter_of_the_events_that_an_execution_may_have() -> None:
    assert watched(24)[0] * 9 < 25_000 / 4


class Batch:
    """Answers from a list, raising what is an exception."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def describe_jobs(self, jobs: list[str]) -> Any:
        assert jobs == ["a", "b", "c"]
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"jobs": [{"jobId": job_id, "status": status} for job_id, status in answer.items()]}


def test_the_handler_carries_its_memory_through_the_state(
    context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = {"a": "SUCCEEDED", "b": "RUNNING", "c": "PENDING"}
    batch = Batch(THROTTLED, {}, running, NO_ANSWER, dict.fromkeys("abc", "SUCCEEDED"))
    monkeypatch.setitem(watch_jobs.jobs.__dict__, "batch", batch)
    memory: dict[str, Any] = {}
    statuses = []
    for _ in range(5):
        memory = watch_jobs.handler({"jobs": JOBS, "watch": memory}, context)
        statuses.append((memory["status"], memory["unknownSince"] is not None))
    assert statuses == [("RUNNING", True), ("RUNNING", True), ("RUNNING", False), ("RUNNING", True), ("ENDED", False)]
    assert set(memory) == {"status", "waitSeconds", "since", "unknownSince"}


def test_a_run_without_jobs_is_refused(context: LambdaContext) -> None:
    with pytest.raises(RequestError, match="jobs"):
        watch_jobs.handler({"jobs": {}}, context)


def retries(error: str) -> int:
    """How often the state machine asks the watcher again after an error that ``States.TaskFailed`` stands for."""
    machine = json.loads((ROOT / "statemachine" / "nton.asl.json").read_text())
    rules = machine["States"]["Watch jobs"]["Retry"]
    return next((rule["MaxAttempts"] for rule in rules if {error, "States.TaskFailed"} & set(rule["ErrorEquals"])), 0)


@pytest.mark.parametrize(
    "error", ["Sandbox.Timedout", "Lambda.Unknown", "Runtime.ExitError", "Lambda.ServiceException"]
)
def test_a_watcher_that_dies_is_asked_again_and_the_run_goes_on(error: str) -> None:
    assert retries(error) >= 10


@pytest.mark.parametrize("error", ["JobsUnknownError", "RequestError"])
def test_what_the_watcher_says_itself_is_final(error: str) -> None:
    assert retries(error) == 0
