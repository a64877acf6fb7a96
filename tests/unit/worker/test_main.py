"""The worker's command line: exit codes that the retry rules read, and no path that leaves the root."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.worker.conftest import PLAN, RUN, Share
from worker.__main__ import main
from worker.command import parse

WORKER = Path(__file__).parents[3] / "containers" / "worker"
LAYER = Path(__file__).parents[3] / "layers" / "fanout"


def command(action: str, *more: str, run: str = RUN) -> list[str]:
    return [action, "-r", run, "-o", "s3://egress/run", "-p", PLAN, "-n", "all", *more]


def test_the_index_of_the_child_chooses_the_node(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    for node in range(3):
        share.prepare(node)
    monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", "2")
    assert main(command("procure")) == 0
    assert f"{RUN}/00002/data/records.json" in share.tree()


def test_what_a_definition_has_no_value_for_counts_as_not_given() -> None:
    given = parse(["conclude", "-o", "s3://data/out", "-p", "-", "-x", "-", "-m", "-"])
    assert (given.output, given.plan_hash, given.execution, given.recipient) == ("s3://data/out", "", "", "")


def test_a_lone_job_has_no_index_and_works_on_node_0(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_BATCH_JOB_ARRAY_INDEX", raising=False)
    share.prepare(0)
    assert main(command("procure")) == 0
    assert f"{RUN}/00000/data/records.json" in share.tree()


@pytest.mark.parametrize("action", ["procure", "process", "deliver"])
def test_a_run_that_is_not_there_exits_2_because_no_retry_can_help(
    share: Share, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(action)) == 2
    assert "node.json is missing" in capsys.readouterr().err


@pytest.mark.parametrize("run", ["..", ".", "a/b", "/etc", "", ".hidden", "a\nb", "é", "x" * 129, "a\0b", "-rf"])
def test_a_run_id_that_could_leave_the_root_is_refused(
    share: Share, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for action in ("procure", "clean"):
        assert main([action, *(["-r", ""] if not run else [f"-r{run}"]), "-p", PLAN]) == 2
    assert "cannot name a file or directory" in capsys.readouterr().err
    assert share.root.is_dir()


def test_without_a_mounted_file_system_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SHARED_DIRECTORY", raising=False)
    assert main(command("procure")) == 2
    assert "SHARED_DIRECTORY is not set" in capsys.readouterr().err


def test_clean_removes_the_run_and_nothing_else(share: Share) -> None:
    for node in range(5):
        share.prepare(node)
    (share.root / "another-run").mkdir()
    assert main(["clean", "-r", RUN]) == 0
    assert [path.name for path in share.root.iterdir()] == ["another-run"]
    assert main(["clean", "-r", RUN]) == 0


def test_clean_goes_on_when_another_attempt_removes_the_same_files(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    share.prepare(0)
    rmtree = shutil.rmtree

    def overtaken(path: str, **more: Any) -> None:
        rmtree(path)
        rmtree(path, **more)

    monkeypatch.setattr(shutil, "rmtree", overtaken)
    assert main(["clean", "-r", RUN]) == 0
    assert list(share.root.iterdir()) == []


def test_steps_that_reach_no_service_do_not_pay_for_its_client(share: Share) -> None:
    share.prepare(0)
    program = (
        f"import sys; from worker.__main__ import main; sys.argv[1:] = {command('procure')!r}; "
        "status = main(); print(status, sorted({'boto3', 'botocore'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{WORKER}:{LAYER}", "SHARED_DIRECTORY": str(share.root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["0", "[]"]


def test_a_forking_server_may_make_the_clients_beforehand_and_nobody_else_does() -> None:
    program = """
import sys
from localcloud.batch.warm import Package
Package("worker", sys.argv[1:]).prepare()
from worker.services import services
print(*sorted(vars(services)))
"""
    environment = {
        "PYTHONPATH": f"{WORKER}:{LAYER}:{WORKER.parents[1]}",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, str(WORKER), str(LAYER)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["dynamodb", "objects"]
    sources = (WORKER / "worker").glob("*.py")
    assert [
        path.name for path in sources if "worker.ready" in path.read_text() or "import ready" in path.read_text()
    ] == []
