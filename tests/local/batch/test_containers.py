"""Attempts that a container engine runs: what it is told, and that a container ends when its attempt does.

The engine is a program that keeps a container as a process which its client does not take along when it is killed, as
Docker does. Real containers are run by the tests in tests/containers.
"""

import json
import os
import signal
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import alive, eventually

if TYPE_CHECKING:
    from tests.local.batch.conftest import Batch

ENGINE = """
    import json, os, signal, subprocess, sys, time
    from pathlib import Path

    here, verb, *rest = Path(__file__).parent, *sys.argv[1:]
    if verb == "run":
        options = [each for each in rest if each.startswith("--")]
        name = next(each for each in options if each.startswith("--name="))[7:]
        reference, *command = rest[len(options):]
        container = subprocess.Popen(["/bin/sh", "-c", *command], start_new_session=True)
        signal.signal(signal.SIGTERM, lambda *_: container.terminate())
        told = {"options": options, "reference": reference, "pid": container.pid, "env": dict(os.environ)}
        told["server"] = os.getppid()
        (here / f"{name}.partial").write_text(json.dumps(told))
        (here / f"{name}.partial").rename(here / f"{name}.json")
        code = container.wait()
        sys.exit(code if code >= 0 else 128 - code)
    known = here / f"{rest[-1]}.json"
    if verb == "container" and (here / "together").exists():  # waits for another removal to begin
        (here / f"{os.getpid()}.began").touch()
        while len(list(here.glob("*.began"))) < 2:
            time.sleep(0.01)
    if verb == "container" and (here / "confused").exists():
        print("no JSON")
        sys.exit()
    if verb == "container" and known.exists():
        running = os.path.exists(f"/proc/{json.loads(known.read_text())['pid']}")
        print(json.dumps({"OOMKilled": (here / "out-of-memory").exists(), "Running": running}))
    elif verb == "kill":
        os.killpg(json.loads(known.read_text())["pid"], signal.SIGKILL)
        (here / "killed").touch()
    elif verb == "rm" and known.exists():
        try:
            os.killpg(json.loads(known.read_text())["pid"], signal.SIGKILL)
        except ProcessLookupError:
            pass
        known.rename(here / f"{rest[-1]}.removed")
    else:
        sys.exit(1)
"""


@pytest.fixture
def engine(batch: "Batch") -> "Engine":
    program = batch.packages / "engine"
    program.write_text(f"#!{sys.executable} -I\n{textwrap.dedent(ENGINE)}")
    program.chmod(0o755)
    return Engine(batch)


class Engine:
    def __init__(self, batch: "Batch") -> None:
        self.batch, self.folder = batch, batch.packages

    def define(self, **properties: Any) -> None:
        self.batch.define("contained", "contained:1", **properties)

    def containers(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob(f"localcloud-*.{kind}"))]


def test_the_container_is_given_what_its_definition_says_and_nothing_of_this_machine(
    engine: Engine, batch: "Batch", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    scratch, records = {"name": "scratch"}, {"name": "records", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}
    data = {"name": "data", "host": {"sourcePath": str(tmp_path)}}
    engine.define(
        user="10001",
        readonlyRootFilesystem=True,
        environment=[{"name": "SHARED_DIRECTORY", "value": "/mnt/records"}],
        volumes=[scratch, records, data],
        mountPoints=[
            {"sourceVolume": "scratch", "containerPath": "/tmp"},
            {"sourceVolume": "records", "containerPath": "/mnt/records", "readOnly": True},
            {"sourceVolume": "data", "containerPath": "/data"},
        ],
        linuxParameters={"initProcessEnabled": True, "tmpfs": [{"containerPath": "/run", "size": 16}]},
        ulimits=[{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
    )
    job_id = batch.submit("echo $AWS_BATCH_JOB_ID $SHARED_DIRECTORY", jobDefinition="contained")
    job = batch.finish(job_id)
    assert (job["status"], batch.log(job)) == ("SUCCEEDED", [f"{job_id} /mnt/records"])
    (told,) = engine.containers("removed")
    assert told["reference"] == "stepbatch/contained"
    declared = {each.removeprefix("--env=") for each in told["options"] if each.startswith("--env=")}
    assert {"SHARED_DIRECTORY", "AWS_BATCH_JOB_ID", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"} <= declared
    assert not declared & {"AWS_PROFILE", "PATH", "HOME", "PYTHONPATH", "TMPDIR"}
    assert not any("key-of" in option for option in told["options"]), "credentials are not for the list of processes"
    directory = batch.root / "state" / "filesystems" / "fs-1"
    assert {
        f"--user={os.getuid()}:{os.getgid()}",
        "--read-only",
        "--memory=64m",
        "--cpu-shares=1024",
        "--volume=/tmp",
        f"--volume={directory}:/mnt/records:ro",
        f"--volume={tmp_path}:/data",
        "--init",
        "--tmpfs=/run:size=16m",
        "--ulimit=nofile=10:20",
    } <= set(told["options"])


def test_the_end_of_memory_is_told_in_the_service_s_words_and_not_tried_again(engine: Engine, batch: "Batch") -> None:
    rules = [{"onReason": "OutOfMemoryError*", "action": "EXIT"}, {"onExitCode": "*", "action": "RETRY"}]
    engine.define(top={"retryStrategy": {"attempts": 3, "evaluateOnExit": rules}})
    (engine.folder / "out-of-memory").touch()
    job = batch.finish(batch.submit("kill -9 $$", jobDefinition="contained"))
    assert (job["status"], len(job["attempts"])) == ("FAILED", 1)
    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_container_is_told_to_end_before_it_is_made_to(engine: Engine, batch: "Batch") -> None:
    engine.define()
    polite = batch.submit("trap 'echo bye; exit 75' TERM; echo ready; while :; do sleep 0.05; done",
                          jobDefinition="contained")  # fmt: skip
    deaf = batch.submit("trap '' TERM; while :; do sleep 0.05; done", jobDefinition="contained")
    eventually(lambda: len(engine.containers("json")) == 2 and batch.log(batch.describe(polite)) == ["ready"])
    pids = [container["pid"] for container in engine.containers("json")]
    for job_id in (polite, deaf):
        batch.service.handle("terminatejob", {"jobId": job_id, "reason": "enough"})
    assert batch.finish(polite)["container"]["exitCode"] == 75
    assert batch.finish(deaf)["status"] == "FAILED"
    assert (engine.folder / "killed").exists(), "Podman would ask again and wait ten seconds more"
    assert not any(alive(pid) for pid in pids)
    assert len(engine.containers("removed")) == 2


def test_containers_are_removed_side_by_side(engine: Engine, batch: "Batch") -> None:
    engine.define()
    (engine.folder / "together").touch()
    job = batch.finish(batch.submit("true", jobDefinition="contained", arrayProperties={"size": 2}))
    assert job["status"] == "SUCCEEDED"
    assert len(engine.containers("removed")) == 2


def test_an_engine_that_fails_is_named_as_the_reason(engine: Engine, batch: "Batch") -> None:
    engine.define()
    (engine.folder / "confused").touch()
    job = batch.finish(batch.submit("true", jobDefinition="contained"))
    assert job["container"]["exitCode"] == 0
    assert job["container"]["reason"].startswith("CannotInspectContainerError: ")


def test_no_container_outlives_the_engine(engine: Engine, batch: "Batch") -> None:
    engine.define()
    batch.submit("trap '' TERM; while :; do sleep 0.05; done", jobDefinition="contained")
    eventually(lambda: engine.containers("json"))
    (container,) = engine.containers("json")
    batch.service.stop()
    assert not alive(container["pid"])
    assert len(engine.containers("removed")) == 1


def test_a_container_does_not_outlive_the_fork_server_of_its_attempt(engine: Engine, batch: "Batch") -> None:
    engine.define(top={"retryStrategy": {"attempts": 2}})
    script = "test $AWS_BATCH_JOB_ATTEMPT = 2 || while :; do sleep 0.05; done"
    job_id = batch.submit(script, jobDefinition="contained")
    eventually(lambda: engine.containers("json"))
    (container,) = engine.containers("json")
    os.kill(container["server"], signal.SIGKILL)
    job = batch.finish(job_id)
    assert [each["container"]["exitCode"] for each in job["attempts"]] == [137, 0]
    assert not alive(container["pid"])
    assert len(engine.containers("removed")) == 2


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"privileged": True}, "privileged container"),
        ({"linuxParameters": {"devices": [{"hostPath": "/dev/fuse"}]}}, "devices of its host"),
    ],
)
def test_what_cannot_be_had_here_is_refused(
    engine: Engine, batch: "Batch", properties: dict[str, Any], problem: str
) -> None:
    engine.define(**properties)
    job = batch.finish(batch.submit("true", jobDefinition="contained"))
    assert job["status"] == "FAILED"
    assert job["container"]["reason"].startswith("CannotStartContainerError: ")
    assert problem in job["container"]["reason"]
