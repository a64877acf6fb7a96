"""``stepbatch run`` and ``stepbatch up`` with a local cloud of their own: it ends when they do, and work stands."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from tests.local.cli.conftest import BOOK, Stepbatch, processes, until


def results(out: Path) -> dict[str, int]:
    """The slices that stand in the private cloud's objects, and when each was written."""
    return {
        path.name: path.stat().st_mtime_ns
        for path in (out / ".stepbatch/objects").glob("*/runs/*/output/results/*/*.json")
    }


def run(out: Path) -> tuple[str | Path, ...]:
    one_by_one = ("--positions-per-job", "6", "--workers", "1", "--max-paths", "65536")  # eight slices of half a second
    return ("run", "montecarlo", "--portfolio", BOOK, "--out", out, *one_by_one, "--json")


def test_a_run_whose_command_was_killed_leaves_no_process_and_goes_on_where_it_was(alone: Stepbatch) -> None:
    out = alone.folder / "desk"
    process = alone.begin(*run(out))
    until(lambda: len(results(out)) >= 2, "two slices are priced")
    process.send_signal(signal.SIGKILL)
    until(lambda: not processes(out), "the local cloud has ended")
    before = results(out)
    assert 2 <= len(before) < 8

    again = alone(*run(out))
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["jobs"][0]["size"] == 8
    after = results(out)
    assert len(after) == 8
    assert {name: after[name] for name in before} == before
    assert alone("verify", out).returncode == 0
    assert not processes(out)


def test_ctrl_c_ends_run_and_cloud_with_130(alone: Stepbatch) -> None:
    out = alone.folder / "desk"
    process = alone.begin(*run(out))
    until(lambda: "Price positions: job" in alone.stderr, "the array is submitted")
    os.killpg(process.pid, signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 130, alone.stderr
    assert json.loads(stdout)["status"] == "interrupted"
    assert "the same command again does only what is missing" in alone.stderr
    assert "Traceback" not in alone.stderr
    assert not processes(out)


def test_up_writes_a_file_to_source_and_takes_it_away_with_the_cloud(alone: Stepbatch) -> None:
    process = alone.begin("up", "--port", "0", "--state", alone.folder / "state")
    env = alone.folder / ".stepbatch/env"
    until(env.exists, "the local cloud is ready")
    until(lambda: "Ctrl-C ends it." in alone.stderr, "the user is told what to do")
    names = ["StateMachineArn", "JobQueueArn", "JOB_QUEUE_ARN", "PricerJobDefinitionArn", "JOB_DEFINITION_ARN"]
    names += ["MonteCarloStateMachineArn", "BucketName"]
    script = f'. {env}; aws s3 cp {BOOK} "s3://$BucketName/book.json" && echo {" ".join(f"${name}" for name in names)}'
    listed = subprocess.run(["/bin/bash", "-c", script], env=path_of(alone), capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0, listed.stderr
    values = listed.stdout.splitlines()[-1].split()
    assert len(values) == len(names)
    assert values[1] == values[2]
    assert values[3] == values[4]
    assert list(alone.folder.glob("state/objects/*/book.json")) != []
    shown = re.search(r"--portfolio (\S+) --market (\S+) ", alone.stderr)
    assert shown is not None
    assert all(Path(file).is_absolute() and Path(file).exists() for file in shown.groups())
    before, second = env.read_text(), alone("up", "--port", "0")
    assert second.returncode == 2
    assert re.search(rf"another stepbatch up \(pid {process.pid}, http://127\.0\.0\.1:\d+\) has ", second.stderr)
    assert env.read_text() == before
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0, alone.stderr
    assert not env.exists()
    assert "Traceback" not in alone.stderr
    assert not processes(alone.folder / "state")


def path_of(stepbatch: Stepbatch) -> dict[str, str]:
    """An environment in which the AWS CLI is found."""
    from tests.local.cli.conftest import COMMAND

    return {"PATH": f"{COMMAND.parent}:{stepbatch.environment['PATH']}", "HOME": str(stepbatch.folder)}


def test_a_port_that_is_taken_is_named(alone: Stepbatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        ran = alone("up", "--port", str(port))
    assert ran.returncode == 2
    assert re.search(rf"port {port} of 127\.0\.0\.1 cannot be had .*choose another with --port", ran.stderr)
    assert not (alone.folder / ".stepbatch").exists()


def test_a_function_alone_has_the_examples_that_its_event_names(alone: Stepbatch) -> None:
    event = Path(__file__).parents[3] / "events/count_positions.json"
    answer = alone("invoke", "CountPositionsFunction", "-e", event)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["positions"] == 48


def test_a_local_cloud_that_dies_is_said_to_have_died_and_its_work_stands(alone: Stepbatch) -> None:
    out = alone.folder / "desk"
    process = alone.begin(*run(out))
    until(lambda: len(results(out)) >= 1, "a slice is priced")
    os.kill(local_cloud_of(process.pid), signal.SIGKILL)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stepbatch: the local cloud was killed by SIGKILL" in alone.stderr
    assert json.loads(stdout)["error"]["error"] == "CloudError"
    assert "Traceback" not in alone.stderr
    until(lambda: not processes(out), "its children have ended")
    before = results(out)
    assert alone(*run(out)).returncode == 0
    after = results(out)
    assert {name: after[name] for name in before} == before


def local_cloud_of(pid: int) -> int:
    """The process id of the local cloud that a command started."""
    [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)
