"""Jobs as real processes: what they see, what they leave, how they end."""

import os
import resource
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.local.batch.conftest import Batch


def test_a_job_runs_and_its_output_is_in_its_log_stream(batch: "Batch") -> None:
    job = batch.finish(batch.submit("echo hello; echo there >&2"))
    assert job["status"] == "SUCCEEDED"
    assert job["container"]["exitCode"] == 0
    assert batch.log(job) == ["hello", "there"]


def test_a_failing_exit_code_fails_the_job(batch: "Batch") -> None:
    job = batch.finish(batch.submit("exit 3"))
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 3)
    assert job["statusReason"] == "Essential container in task exited"


def test_every_child_of_an_array_sees_its_own_index(batch: "Batch") -> None:
    parent = batch.finish(
        batch.submit("echo $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE", arrayProperties={"size": 5})
    )
    assert parent["status"] == "SUCCEEDED"
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 5
    for index in range(5):
        assert batch.log(batch.describe(f"{parent['jobId']}:{index}")) == [f"{index} of 5"]


def test_rules_decide_which_exit_is_retried(batch: "Batch") -> None:
    rules = [{"onExitCode": "2", "action": "EXIT"}, {"onExitCode": "*", "action": "RETRY"}]
    strategy = {"attempts": 3, "evaluateOnExit": rules}
    wrong = batch.finish(batch.submit("exit 2", retryStrategy=strategy))
    assert len(wrong["attempts"]) == 1
    cured = batch.finish(batch.submit("test $AWS_BATCH_JOB_ATTEMPT = 2 || exit 1", retryStrategy=strategy))
    assert cured["status"] == "SUCCEEDED"
    assert [each["container"]["exitCode"] for each in cured["attempts"]] == [1, 0]


def test_many_jobs_start_at_once_in_a_process_with_many_open_files(make_batch: Callable[..., "Batch"]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3000), hard))
    with ExitStack() as held:
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):  # what select() cannot tell of any more
            held.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        batch = make_batch(workers=100)
        batch.queue("queue", maxvcpus=100)
        overrides = {"environment": [{"name": "TEXT", "value": "x" * 8000}], "command": ["true"]}
        job_id = batch.submit(arrayProperties={"size": 100}, containerOverrides=overrides)
        assert batch.finish(job_id)["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 100
        batch.service.stop()
