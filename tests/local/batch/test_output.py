"""Logs: timely, whole, bounded."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.processes import eventually

if TYPE_CHECKING:
    from tests.local.batch.conftest import Batch


def test_output_is_in_the_log_while_the_job_runs(batch: "Batch") -> None:
    job_id = batch.submit("echo first; sleep 60")
    start = time.monotonic()
    eventually(lambda: batch.log(batch.describe(job_id)) == ["first"])
    assert time.monotonic() - start < 5
    assert batch.describe(job_id)["status"] == "RUNNING"
    batch.service.handle("terminatejob", {"jobId": job_id, "reason": "seen"})


def test_when_a_job_has_ended_its_last_line_is_in_the_log(batch: "Batch") -> None:
    for _ in range(10):
        assert batch.log(batch.finish(batch.submit("printf 'first\\nunfinished'"))) == ["first", "unfinished"]


def test_megabytes_arrive_whole_and_in_order(batch: "Batch") -> None:
    job = batch.finish(batch.submit("seq 1 300000"))
    assert batch.log(job) == [str(number) for number in range(1, 300_001)]


def test_a_line_longer_than_an_event_is_cut_not_lost(batch: "Batch") -> None:
    job = batch.finish(batch.submit("head -c 600000 /dev/zero | tr '\\0' x; echo; echo end"))
    lines = batch.log(job)
    assert lines[-1] == "end"
    assert "".join(lines[:-1]) == "x" * 600_000
    assert max(map(len, lines)) <= 262_118


def test_bytes_that_are_no_text_do_not_stop_the_log(batch: "Batch") -> None:
    assert batch.log(batch.finish(batch.submit("printf 'a\\377b\\n\\nc\\n'"))) == ["a\ufffdb", "c"]


def test_a_silent_job_has_an_empty_stream(batch: "Batch") -> None:
    job = batch.finish(batch.submit("true"))
    assert batch.logs.streams["/aws/batch/job", job["container"]["logStreamName"]] == []


def test_a_job_that_runs_has_a_stream_before_it_prints(batch: "Batch") -> None:
    job_id = batch.submit("sleep 60")
    eventually(lambda: batch.describe(job_id)["status"] == "RUNNING")
    assert batch.logs.streams["/aws/batch/job", batch.describe(job_id)["container"]["logStreamName"]] == []
    batch.service.handle("terminatejob", {"jobId": job_id, "reason": "seen"})


def test_an_image_that_is_not_here_says_so(batch: "Batch") -> None:
    batch.define("missing", "missing:latest")
    job = batch.finish(batch.submit(jobDefinition="missing"))
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotPullContainerError: ")
    assert "there is no package missing" in job["container"]["reason"]


def test_a_command_that_is_not_in_the_image_says_so(batch: "Batch") -> None:
    batch.define("bare", "bare:latest", command=["no-such-program", "-x"])
    job = batch.finish(batch.submit(jobDefinition="bare"))
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"] == (
        'CannotStartContainerError: exec: "no-such-program": executable file not found in $PATH'
    )
    assert batch.logs.streams == {}


def test_a_log_service_that_fails_loses_its_events_but_no_job(
    batch: "Batch", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(group: str, stream: str, events: object) -> None:
        raise ConnectionError("no logs today")

    monkeypatch.setattr(batch.logs, "append", broken)
    assert batch.finish(batch.submit("echo hello"))["status"] == "SUCCEEDED"
    assert "1 events of /aws/batch/job" in caplog.text


def test_a_mount_that_is_not_allowed_is_no_fault_of_the_image(batch: "Batch", monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(role: str | None, mounts: object) -> None:
        raise LookupError(f"{role} may not mount fs-1")

    monkeypatch.setattr(batch.service, "_may_mount", denied)
    job = batch.finish(batch.submit("echo hello"))
    assert job["container"]["reason"] == "CannotStartContainerError: None may not mount fs-1"


def test_credentials_that_cannot_be_had_fail_the_attempt(
    batch: "Batch", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(role: str | None, session: str) -> dict[str, str]:
        raise PermissionError("this role cannot be assumed")

    monkeypatch.setattr(batch.service, "_credentials", broken)
    job = batch.finish(batch.submit("echo hello"))
    assert job["container"]["reason"] == "CannotStartContainerError: this role cannot be assumed"


def test_two_hundred_jobs_run_side_by_side(make_batch: Callable[..., "Batch"]) -> None:
    batch = make_batch(workers=200)
    batch.queue("queue", maxvcpus=500)
    job_id = batch.submit("echo $AWS_BATCH_JOB_ARRAY_INDEX; sleep 60", arrayProperties={"size": 200})
    eventually(lambda: batch.describe(job_id)["arrayProperties"]["statusSummary"]["RUNNING"] == 200)
    batch.service.handle("terminatejob", {"jobId": job_id, "reason": "seen"})
    assert batch.finish(job_id)["arrayProperties"]["statusSummary"]["FAILED"] == 200
