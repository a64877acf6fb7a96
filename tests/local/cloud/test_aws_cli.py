"""The unmodified AWS CLI against the local cloud."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.local.cloud.conftest import PATIENCE
from tests.local.cloud_process import Cloud

AWS = str(Path(sys.executable).parent / "aws")


def aws(cloud: Cloud, *words: str) -> Any:
    """What the CLI prints, as JSON if it prints any."""
    done = subprocess.run(
        [AWS, *words], env=cloud.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stdout


def test_describe_stacks_reads_an_output(little: Cloud) -> None:
    query = "Stacks[0].Outputs[?OutputKey=='BucketName'].OutputValue"
    found = aws(little, "cloudformation", "describe-stacks", "--stack-name", "little", "--query", query)
    assert found == ["little-bucket-123456789012"]


@pytest.mark.parametrize("size", [0, 5, 9_000_000])
def test_files_go_to_a_bucket_and_come_back(little: Cloud, tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(250)) * (size // 250) + b"x" * (size % 250))
    uri = f"s3://{little.outputs['BucketName']}/cli/{size}"
    aws(little, "s3", "cp", str(source), uri)
    aws(little, "s3", "cp", uri, str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    assert f" {size} {size}\n" in aws(little, "s3", "ls", f"s3://{little.outputs['BucketName']}/cli/{size}")


def test_a_function_is_invoked(little: Cloud, tmp_path: Path) -> None:
    options = ["--function-name", "little-EchoFunction", "--payload", '{"a": 1}']
    answer = aws(little, "lambda", "invoke", *options, str(tmp_path / "out"))
    assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert json.loads((tmp_path / "out").read_text()) == {"a": 1}


def test_an_execution_is_started_followed_and_read(little: Cloud) -> None:
    machine = ["--state-machine-arn", little.outputs["MachineArn"], "--input", '{"words": "hello", "size": 2}']
    execution = ["--execution-arn", aws(little, "stepfunctions", "start-execution", *machine)["executionArn"]]
    deadline = time.monotonic() + PATIENCE
    while (described := aws(little, "stepfunctions", "describe-execution", *execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline
    assert described["status"] == "SUCCEEDED"
    events = aws(little, "stepfunctions", "get-execution-history", *execution)["events"]
    assert [event["type"] for event in events][-1] == "ExecutionSucceeded"
    job = json.loads(described["output"])["id"]
    [found] = aws(little, "batch", "describe-jobs", "--jobs", job)["jobs"]
    assert found["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 2
    [child] = aws(little, "batch", "describe-jobs", "--jobs", f"{job}:1")["jobs"]
    stream = ["--log-stream-name", child["container"]["logStreamName"]]
    logged = aws(little, "logs", "get-log-events", "--log-group-name", "/aws/batch/job", *stream)["events"]
    assert [event["message"] for event in logged] == ["tiny 1: hello"]


def test_an_error_is_shown_by_name(little: Cloud) -> None:
    words = [AWS, "batch", "submit-job", "--job-name", "j", "--job-queue", "nobody", "--job-definition", "nothing"]
    done = subprocess.run(words, env=little.environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 254 or done.returncode == 255
    assert "(ClientException) when calling the SubmitJob operation" in done.stderr
