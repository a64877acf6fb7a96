"""Batch jobs as a user asks about them."""

from typing import Any

import pytest

from stepbatch.errors import UsageError
from stepbatch.failures import failed_jobs
from stepbatch.jobs import attempts, describe, describe_one, last_log_lines, log_lines, log_stream, members, progress
from stepbatch.look import job_log
from tests.unit.stepbatch.fakes import FakeBatch, FakeLogs, array_job, child, cloud

GROUP = "/aws/batch/job"


def array(size: int, **failures: tuple[int, ...]) -> FakeBatch:
    """An array of which the children in ``failures`` failed, by index as c3=(1, 1)."""
    broken = {int(name[1:]): codes for name, codes in failures.items()}
    children = [
        child("j", i, "FAILED", *broken[i], stream=f"s{i}")
        if i in broken
        else child("j", i, "SUCCEEDED", 0, stream=f"s{i}")
        for i in range(size)
    ]
    parent = array_job("j", size, "FAILED" if broken else "SUCCEEDED", SUCCEEDED=size - len(broken), FAILED=len(broken))
    return FakeBatch(jobs={"j": parent} | {each["jobId"]: each for each in children})


def test_any_number_of_jobs_is_described_a_hundred_at_a_time() -> None:
    batch = array(250)
    assert len(describe(batch.client, [f"j:{index}" for index in range(250)])) == 250
    assert [len(asked) for asked in batch.asked] == [100, 100, 50]


def test_an_unknown_job_is_named() -> None:
    with pytest.raises(UsageError, match="there is no job 'nope'"):
        describe_one(FakeBatch().client, "nope")


def test_the_members_of_an_array_are_its_children_in_order_and_of_a_plain_job_itself() -> None:
    batch = array(12)
    assert [each["arrayProperties"]["index"] for each in members(batch.client, batch.jobs["j"])] == list(range(12))
    plain = {"jobId": "p", "jobName": "n", "status": "SUCCEEDED"}
    assert members(batch.client, plain) == [plain]


def test_a_child_counts_as_one_though_it_has_array_properties() -> None:
    described = child("j", 3, "RUNNING")
    described["arrayProperties"]["size"] = 12  # some answers repeat the array's
    assert progress(described).size == 1
    assert progress(child("j", 3, "RUNNING")).running == 1


def test_attempts_tell_exit_code_duration_and_log() -> None:
    first, second = attempts(child("j", 3, "SUCCEEDED", 137, 0, stream="s"))
    assert (first.number, first.exit_code, first.seconds, first.log_stream) == (1, 137, 2.0, "s/0")
    assert (second.number, second.exit_code) == (2, 0)


def test_the_log_of_a_job_is_its_latest_attempts() -> None:
    assert log_stream(child("j", 3, "FAILED", 1, 1, stream="s")) == "s/1"
    assert log_stream(child("j", 3, "RUNNABLE")) == ""


def test_a_log_is_read_to_its_last_page() -> None:
    logs = FakeLogs({(GROUP, "s"): [f"line {number}" for number in range(7)]})
    assert list(log_lines(logs.client, GROUP, "s")) == [f"line {number}" for number in range(7)]


def test_an_empty_page_is_not_the_end_of_a_log() -> None:
    class Halting(FakeLogs):
        """AWS may answer with an empty page while there is more."""

        def get_log_events(self, *, nextToken: str = "0", **request: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
            if nextToken.startswith("pause "):
                return super().get_log_events(nextToken=nextToken.removeprefix("pause "), **request)
            page = super().get_log_events(nextToken=nextToken, **request)
            return {"events": [], "nextForwardToken": f"pause {nextToken}"} if page["events"] else page

    logs = Halting({(GROUP, "s"): [f"line {number}" for number in range(5)]})
    assert list(log_lines(logs.client, GROUP, "s")) == [f"line {number}" for number in range(5)]


def test_a_log_that_is_not_there_yet_is_said_to_be() -> None:
    batch = FakeBatch(jobs={"j:0": child("j", 0, "RUNNING", 1, stream="gone")})
    with pytest.raises(UsageError, match="j:0 is RUNNING, but has no log yet"):
        list(job_log(cloud(batch=batch, logs=FakeLogs()), "j:0", None))


def test_a_job_without_a_log_has_no_last_lines() -> None:
    assert last_log_lines(FakeLogs().client, child("j", 0, "FAILED", 1, stream="gone"), 5) == []
    assert last_log_lines(FakeLogs().client, child("j", 0, "FAILED"), 5) == []


def test_failed_children_are_named_with_reason_attempts_and_the_end_of_their_logs() -> None:
    logs = FakeLogs({(GROUP, "s3/1"): [f"line {number}" for number in range(30)]})
    batch = array(10, c3=(1, 1), c7=(2,))
    job = progress(batch.jobs["j"], "Price positions")
    [failed] = failed_jobs(cloud(batch=batch, logs=logs), [job])
    assert failed.indices == (3, 7)
    assert failed.quoted[0].job_id == "j:3"
    assert failed.quoted[0].attempts == 2
    assert failed.quoted[0].reason.startswith("exit code 1, ")
    assert failed.quoted[0].log[-1] == "line 29"
    assert failed.quoted[1].reason.startswith("exit code 2, ")


def test_a_job_that_succeeded_is_not_among_the_failed() -> None:
    batch = array(3)
    assert list(failed_jobs(cloud(batch=batch), [progress(batch.jobs["j"])])) == []
