"""Processes: how they are stopped, and that nothing outlives what it belongs to."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import alive, eventually

if TYPE_CHECKING:
    from tests.local.batch.conftest import Batch

DEAF = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
FAMILY = """
    sleep 300 & echo $!
    setsid sleep 300 & echo $!
    setsid sh -c 'sleep 300 & echo $!'
    echo $$
    wait
"""


def pids_in_log(batch: "Batch", job_id: str, count: int) -> list[int]:
    eventually(lambda: len(batch.log(batch.describe(job_id))) >= count)
    return [int(line) for line in batch.log(batch.describe(job_id))]


def all_dead(pids: list[int]) -> bool:
    return not any(alive(pid) for pid in pids)


def test_terminating_gives_a_job_the_chance_to_end_in_good_order(batch: "Batch") -> None:
    job_id = batch.submit("trap 'echo bye; exit 75' TERM; echo ready; while :; do sleep 0.05; done")
    eventually(lambda: batch.log(batch.describe(job_id)) == ["ready"])
    batch.service.handle("terminatejob", {"jobId": job_id, "reason": "not wanted"})
    job = batch.finish(job_id)
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "not wanted", True)
    assert job["container"]["exitCode"] == 75
    assert batch.log(job) == ["ready", "bye"]


def test_a_job_that_does_not_listen_is_killed_after_the_grace(make_batch: Callable[..., "Batch"]) -> None:
    batch = make_batch(stop_grace=0.3)
    job_id = batch.submit(DEAF, retryStrategy={"attempts": 3})
    eventually(lambda: batch.log(batch.describe(job_id)) == ["ready"])
    start = time.monotonic()
    batch.service.handle("terminatejob", {"jobId": job_id, "reason": "not wanted"})
    job = batch.finish(job_id)
    assert time.monotonic() - start >= 0.3
    assert job["container"]["exitCode"] == 137
    assert len(job["attempts"]) == 1


def test_a_job_that_runs_too_long_is_stopped_and_not_retried(
    make_batch: Callable[..., "Batch"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcloud.batch.requests.MIN_TIMEOUT", 1)
    batch = make_batch(stop_grace=0.2)
    job_id = batch.submit(DEAF, timeout={"attemptDurationSeconds": 1}, retryStrategy={"attempts": 3})
    job = batch.finish(job_id)
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    assert len(job["attempts"]) == 1
    assert job["stoppedAt"] - job["startedAt"] >= 1200


def test_a_reclaimed_job_gets_no_signal_that_it_could_catch_and_is_retried_by_rule(batch: "Batch") -> None:
    rules = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
    job_id = batch.submit(
        "trap 'echo caught' TERM; echo ready; test $AWS_BATCH_JOB_ATTEMPT = 2 || while :; do sleep 0.05; done",
        retryStrategy={"attempts": 2, "evaluateOnExit": rules},
    )
    eventually(lambda: batch.log(batch.describe(job_id)) == ["ready"])
    assert batch.service.interrupt([job_id], notice=0.05) == [job_id]
    job = batch.finish(job_id)
    assert job["status"] == "SUCCEEDED"
    first = job["attempts"][0]
    assert first["statusReason"].startswith("Host EC2 (instance i-")
    assert "exitCode" not in first["container"]
    stream = first["container"]["logStreamName"]
    assert [line for _, line in batch.logs.streams["/aws/batch/job", stream]] == ["ready"]


def test_so_many_running_children_can_be_reclaimed(batch: "Batch") -> None:
    script = "test $AWS_BATCH_JOB_ATTEMPT = 2 || while :; do sleep 0.05; done"
    parent = batch.submit(script, arrayProperties={"size": 4}, retryStrategy={"attempts": 2})
    eventually(lambda: batch.describe(parent)["arrayProperties"]["statusSummary"]["RUNNING"] == 4)
    first = batch.service.interrupt(3, notice=0)
    assert len(set(first)) == 3
    rest = {f"{parent}:{index}" for index in range(4)} - set(first)
    assert set(batch.service.interrupt([parent], notice=0)) >= rest
    assert batch.finish(parent)["status"] == "SUCCEEDED"


def test_what_a_job_started_ends_with_it(batch: "Batch") -> None:
    script = "sleep 300 & echo $!; setsid sleep 300 & echo $!; env -i setsid sleep 300 & echo $!; sleep 0.3"
    job_id = batch.submit(script)
    pids = pids_in_log(batch, job_id, 3)
    assert batch.finish(job_id)["status"] == "SUCCEEDED"
    eventually(lambda: all_dead(pids))


def test_an_orphan_lives_as_long_as_the_job_that_left_it(batch: "Batch") -> None:
    job_id = batch.submit("(setsid sleep 300 & echo $!); until test -e go; do sleep 0.02; done; echo $PWD")
    (orphan,) = pids_in_log(batch, job_id, 1)
    batch.finish(batch.submit("setsid sleep 300 &"))  # when this ends, it is looked for what it has left
    batch.finish(batch.submit("true"))
    assert alive(orphan)
    (Path(f"/proc/{orphan}/cwd") / "go").touch()
    assert batch.finish(job_id)["status"] == "SUCCEEDED"
    eventually(lambda: not alive(orphan))


def test_a_job_holds_no_descriptor_but_its_own(batch: "Batch") -> None:
    job = batch.finish(batch.submit("for each in /proc/$$/fd/*; do readlink $each; done"))
    nothing, *outputs = batch.log(job)
    assert nothing == "/dev/null"
    assert [output.partition(":")[0] for output in outputs] == ["pipe", "pipe"]


def test_stopping_the_engine_ends_everything(make_batch: Callable[..., "Batch"]) -> None:
    batch = make_batch()
    pids = pids_in_log(batch, batch.submit(textwrap.dedent(FAMILY)), 4)
    assert not all_dead(pids)
    batch.service.stop()
    assert all_dead(pids)
    assert not (batch.root / "state" / "attempts").exists()


def test_a_service_that_stops_takes_submissions_to_its_end(make_batch: Callable[..., "Batch"]) -> None:
    batch = make_batch()
    done = threading.Event()
    submitted: list[str] = []

    def submit() -> None:
        while not done.is_set():
            submitted.append(batch.submit("true"))

    writer = threading.Thread(target=submit)
    writer.start()
    try:
        eventually(lambda: len(submitted) > 20)
        batch.service.stop()
        after = len(submitted)
        eventually(lambda: len(submitted) > after)
    finally:
        done.set()
        writer.join()
    assert batch.describe(submitted[-1])["status"] in {"RUNNABLE", "STARTING"}
    assert not (batch.root / "state" / "attempts").exists()


ENGINE = """
    import sys, pathlib, time
    sys.path.insert(0, {repository!r})
    from tests.local.batch.conftest import Batch
    from tests.processes import eventually
    batch = Batch(pathlib.Path({root!r}), workers=2, stop_grace=1)
    package = batch.packages / "sleeper"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import os, time; print(os.getpid(), os.getppid()); time.sleep(300)")
    batch.define("sleeper", "sleeper:latest")
    batch.service.start()
    jobs = [batch.submit({family!r}), batch.submit(jobDefinition="sleeper")]
    for job in jobs:
        eventually(lambda: len(" ".join(batch.log(batch.describe(job))).split()) >= 2)
    time.sleep(0.3)
    print(*(line for job in jobs for line in batch.log(batch.describe(job))), flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_child_outlives_an_engine_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    repository = str(Path(__file__).parents[3])
    script = textwrap.dedent(ENGINE).format(repository=repository, root=str(tmp_path), family=textwrap.dedent(FAMILY))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as engine:
        try:
            assert engine.stdout is not None
            pids = [int(pid) for pid in engine.stdout.readline().split()]
            assert len(pids) == 6
            assert all(alive(pid) for pid in pids)
        finally:
            os.kill(engine.pid, number)
    eventually(lambda: all_dead(pids))
