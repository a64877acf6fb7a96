"""The process: how it starts, refuses to start, and ends without leaving anything behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.local.cloud.conftest import PATIENCE, PROJECT
from tests.local.cloud_process import Cloud, start_cloud
from tests.processes import alive, eventually


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localcloud", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False
    )


def refusal(*arguments: str) -> str:
    """What a start that fails prints: one line, no traceback, status 2."""
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_busy_port_is_said_in_one_line() -> None:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        text = refusal("--template", str(PROJECT / "template.yaml"), "--port", port)
    address = f"cannot listen on 127.0.0.1:{port}"
    assert text == f"localcloud: {address}: Address already in use; choose another --port, 0 takes any\n"


def test_a_missing_template_is_said_in_one_line(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal("--template", str(tmp_path / "absent.yaml"), "--port", "0")


def test_a_type_that_is_not_emulated_is_named_with_its_resource(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"Resources": {"It": {"Type": "AWS::Redshift::Cluster"}}}))
    text = refusal("--template", str(template), "--port", "0")
    assert "types that localcloud does not emulate: It (AWS::Redshift::Cluster)" in text


def test_a_dangling_next_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "flow.asl.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}')
    role = "arn:aws:iam::123456789012:role/r"
    machine = {"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "flow.asl.json", "Role": role}}
    document = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Machine": machine}}
    (tmp_path / "template.json").write_text(json.dumps(document))
    text = refusal("--template", str(tmp_path / "template.json"), "--port", "0")
    assert "flow.asl.json: States.'A'.Next: there is no state 'B'" in text


def test_a_given_parameter_must_be_declared(tmp_path: Path) -> None:
    text = refusal("--template", str(PROJECT / "template.yaml"), "--port", "0", "--parameter", "Stage=nowhere")
    assert "Parameters.Stage: 'nowhere' is not one of ['test', 'production']" in text
    text = refusal("--template", str(PROJECT / "template.yaml"), "--port", "0", "--parameter", "Colour=red")
    assert "Parameters.Colour: is given but the template does not declare it" in text


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[tuple[Cloud, list[int]]]:
    """A cloud with a function at work and a job's child running; its descendants."""
    cloud = start_cloud(PROJECT / "template.yaml", "--stack", "busy", log=tmp_path / "stderr")
    slow = cloud.outputs["SlowName"]
    cloud.client("lambda").invoke(FunctionName=slow, Payload=b'{"seconds": 600}', InvocationType="Event")
    batch = cloud.client("batch")
    definition, queue = cloud.outputs["DefinitionArn"], cloud.outputs["QueueArn"]
    job = batch.submit_job(jobName="j", jobDefinition=definition, jobQueue=queue, parameters={"words": "sleep"})[
        "jobId"
    ]
    deadline = time.monotonic() + PATIENCE
    while batch.describe_jobs(jobs=[job])["jobs"][0]["status"] != "RUNNING" or len(descendants(cloud.pid)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield cloud, descendants(cloud.pid)
    cloud.process.kill()
    for stream in (cloud.process.stdin, cloud.process.stdout):
        assert stream is not None
        stream.close()
    cloud.process.wait()
    for client in cloud._clients.values():
        client.close()


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def assert_gone(pids: list[int]) -> None:
    eventually(lambda: not any(map(alive, pids)), timeout=PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_everything_it_runs(busy: tuple[Cloud, list[int]], number: int) -> None:
    cloud, children = busy
    os.kill(cloud.pid, number)
    assert cloud.process.wait(timeout=PATIENCE) == 0
    assert_gone(children)


def test_the_end_of_its_stdin_ends_it(busy: tuple[Cloud, list[int]]) -> None:
    cloud, children = busy
    assert cloud.process.stdin is not None
    cloud.process.stdin.close()
    assert cloud.process.wait(timeout=PATIENCE) == 0
    assert_gone(children)


def test_kill_9_leaves_not_even_what_a_function_has_started(busy: tuple[Cloud, list[int]]) -> None:
    cloud, _ = busy
    invoke = cloud.client("lambda").invoke
    answer = invoke(FunctionName=cloud.outputs["MischiefName"], Payload=b'{"how": "child"}')
    grandchild = int(answer["Payload"].read())
    assert alive(grandchild)
    os.kill(cloud.pid, signal.SIGKILL)
    assert_gone([grandchild])


def test_kill_9_leaves_no_process(busy: tuple[Cloud, list[int]]) -> None:
    cloud, children = busy
    os.kill(cloud.pid, signal.SIGKILL)
    cloud.process.wait(timeout=PATIENCE)
    assert_gone(children)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_its_end_it_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    log = tmp_path / "stderr"
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    cloud = start_cloud(PROJECT / "template.yaml", log=log)
    cloud.client("lambda").invoke(FunctionName=cloud.outputs["EchoName"], Payload=b"{}")
    cloud.client("lambda").close()
    assert any(scratch.iterdir())
    cloud.process.send_signal(number)
    assert cloud.process.wait(timeout=PATIENCE) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    for stream in (cloud.process.stdin, cloud.process.stdout):
        assert stream is not None
        stream.close()
    deadline = time.monotonic() + (PATIENCE if number == signal.SIGKILL else 0)
    while left := list(scratch.iterdir()):
        assert time.monotonic() < deadline, left
        time.sleep(0.02)
    assert log.read_text() == ""


def test_objects_in_a_state_directory_survive(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    for attempt in range(2):
        cloud = start_cloud(PROJECT / "template.yaml", "--state", state, log=tmp_path / "stderr")
        s3 = cloud.client("s3")
        if attempt == 0:
            s3.put_object(Bucket=cloud.outputs["BucketName"], Key="a/b", Body=b"kept")
        else:
            assert s3.get_object(Bucket=cloud.outputs["BucketName"], Key="a/b")["Body"].read() == b"kept"
        s3.close()
        cloud.process.kill()
        for stream in (cloud.process.stdin, cloud.process.stdout):
            assert stream is not None
            stream.close()
        cloud.process.wait()
