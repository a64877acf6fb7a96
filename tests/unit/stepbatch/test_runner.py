"""One run from the files of the user to the files of the user."""

import hashlib
import io
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from fanout.errors import PortfolioError
from stepbatch.cloud import Cloud
from stepbatch.errors import CloudError, UsageError
from stepbatch.runner import Settings, run
from stepbatch.workspace import Workspace
from tests.unit.stepbatch import fakes
from tests.unit.stepbatch.fakes import FakeS3, FakeStepFunctions

if TYPE_CHECKING:
    from fanout.s3 import S3Uri

DONE: dict[str, Any] = {"status": "SUCCEEDED", "output": {"status": "COMPLETE"}}


@dataclass(frozen=True, kw_only=True)
class Copying:
    """A pipeline whose output is its input."""

    book: Path
    name = "copying"
    machine = "StateMachineArn"
    job_name = "copy"

    def files(self) -> Mapping[str, Path]:
        return {"book.json": self.book}

    def request(self, inputs: "S3Uri", output: "S3Uri") -> dict[str, Any]:
        return {"inputUri": str(inputs / "book.json"), "outputUri": str(output)}

    def check(self) -> str:
        if not self.book.read_text():
            raise PortfolioError("book", "is empty")
        return "one book"

    def named(self, error: str) -> Path | None:
        return self.book if error == "PortfolioError" else None

    def summary(self, out: Path) -> dict[str, Any]:
        return {"copied": (out / "copy").read_text()}

    def show(self, out: Path, to: Console) -> None:
        to.print(f"copied {(out / 'copy').read_text()}")


@dataclass(kw_only=True)
class Desk:
    """A user with a book, a cloud and an output directory."""

    folder: Path
    s3: FakeS3 = field(default_factory=FakeS3)
    stdout: io.StringIO = field(default_factory=io.StringIO)
    stderr: io.StringIO = field(default_factory=io.StringIO)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def pipeline(self) -> Copying:
        return Copying(book=self.folder / "book.json")

    def run(self, *moments: dict[str, Any], private: bool = True, as_json: bool = False) -> int:
        stepfunctions = FakeStepFunctions(list(moments) or [DONE], begin=self.copy)
        return self.run_on(fakes.cloud(stepfunctions, s3=self.s3, private=private), as_json=as_json)

    def run_on(self, cloud: Cloud, *, as_json: bool = False) -> int:
        return self.run_with(lambda _: nullcontext(cloud), as_json=as_json)

    def run_with(self, connect: Any, *, as_json: bool = False, dry_run: bool = False) -> int:
        settings = Settings(
            out=self.out,
            connect=connect,
            as_json=as_json,
            dry_run=dry_run,
            stdout=Console(file=self.stdout, width=200),
            stderr=Console(file=self.stderr, width=200),
        )
        return run(self.pipeline, settings)

    def copy(self, request: dict[str, Any]) -> None:
        """What the state machine does."""
        output = request["outputUri"].removeprefix("s3://data/")
        body = self.s3.objects["data", request["inputUri"].removeprefix("s3://data/")]
        self.s3.objects["data", f"{output}/copy"] = body
        file = {"path": "copy", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        manifest = {"schema": "stepbatch/manifest/1", "planHash": "p", "files": [file]}
        self.s3.objects["data", f"{output}/manifest.json"] = json.dumps(manifest).encode()

    @property
    def visible(self) -> set[str]:
        return {path.name for path in self.out.iterdir()} - {".stepbatch"} if self.out.exists() else set()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "book.json").write_text("the book")
    return Desk(folder=tmp_path)


def test_a_complete_run_ends_0_with_its_results_in_the_directory(desk: Desk) -> None:
    assert desk.run() == 0
    assert (desk.out / "copy").read_text() == "the book"
    assert desk.visible == {"copy", "manifest.json"}
    assert desk.stdout.getvalue() == "copied the book\n"
    assert "succeeded" in desk.stderr.getvalue()


def test_the_same_directory_is_the_same_output_uri(desk: Desk) -> None:
    desk.run()
    before = {key for _, key in desk.s3.objects}
    desk.run()
    assert {key for _, key in desk.s3.objects} == before


def test_a_partial_run_ends_3(desk: Desk) -> None:
    assert desk.run({"status": "SUCCEEDED", "output": {"status": "PARTIAL"}}) == 3


def test_a_failed_run_ends_1_and_says_why(desk: Desk) -> None:
    events = [fakes.entered(1, "Price"), fakes.failed(2, "ResultsIncompleteError", "3 of 48 positions have no price")]
    assert desk.run({"status": "FAILED", "events": events}) == 1
    assert "ResultsIncompleteError\n3 of 48 positions have no price" in desk.stderr.getvalue()
    assert desk.stdout.getvalue() == ""


def test_a_refused_input_ends_2_and_leaves_no_directory(desk: Desk) -> None:
    events = [fakes.failed(1, "PortfolioError", "positions[17].barrier: -0.2 is not above 0")]
    assert desk.run({"status": "FAILED", "events": events}) == 2
    assert f"{desk.folder}/book.json: positions[17].barrier: -0.2 is not above 0" in desk.stderr.getvalue()
    assert not desk.out.exists()


def test_a_refused_input_leaves_the_results_of_an_earlier_run_as_they_were(desk: Desk) -> None:
    desk.run()
    desk.run({"status": "FAILED", "events": [fakes.failed(1, "MarketError", "spot: nan")]})
    assert desk.visible == {"copy", "manifest.json"}


def no_cloud(workspace: Workspace) -> AbstractContextManager[Cloud]:
    raise AssertionError("no cloud is needed")


def test_a_missing_file_is_named_before_any_cloud_is_started(desk: Desk) -> None:
    (desk.folder / "book.json").unlink()
    with pytest.raises(UsageError, match=r"book\.json: No such file"):
        desk.run_with(no_cloud)
    assert not desk.out.exists()


def test_a_dry_run_checks_the_input_and_shows_the_request_without_a_cloud(desk: Desk) -> None:
    assert desk.run_with(no_cloud, dry_run=True) == 0
    assert desk.stdout.getvalue().startswith("copying: one book\n")
    assert '"inputUri": "s3://BUCKET/runs/out/input/book.json"' in desk.stdout.getvalue()
    (desk.folder / "book.json").write_text("")
    with pytest.raises(PortfolioError):
        desk.run_with(no_cloud, dry_run=True)
    assert not desk.out.exists()


def test_a_dry_run_tells_in_json_whether_the_input_is_right(desk: Desk) -> None:
    assert desk.run_with(no_cloud, dry_run=True, as_json=True) == 0
    assert json.loads(desk.stdout.getvalue())["status"] == "checked"
    desk.stdout.truncate(0)
    desk.stdout.seek(0)
    (desk.folder / "book.json").write_text("")
    with pytest.raises(PortfolioError):
        desk.run_with(no_cloud, dry_run=True, as_json=True)
    document = json.loads(desk.stdout.getvalue())
    assert (document["status"], document["error"]["error"]) == ("refused", "PortfolioError")


def test_json_is_one_document_on_stdout_and_all_else_is_on_stderr(desk: Desk) -> None:
    events = [fakes.entered(1, "Price"), fakes.submitted(2, "j", previous=1)]
    jobs = {f"j:{i}": fakes.child("j", i, "SUCCEEDED", *codes) for i, codes in enumerate([(0,), (137, 0)])}
    jobs["j"] = fakes.array_job("j", 2, "SUCCEEDED", SUCCEEDED=2)
    moments: list[dict[str, Any]] = [{"status": "RUNNING", "events": events}, DONE | {"jobs": jobs}]
    assert desk.run(*moments, as_json=True) == 0
    document = json.loads(desk.stdout.getvalue())
    always = ["pipeline", "status", "executionArn", "seconds", "outputUri", "out", "jobs", "result", "error"]
    assert list(document) == always
    assert document["result"] == {"copied": "the book"}
    assert document["status"] == "complete"
    assert document["seconds"] == 1.0
    assert document["outputUri"].startswith("s3://data/runs/out-")
    assert document["jobs"] == [
        {"name": "book", "jobId": "j", "size": 2, "succeeded": 2, "failed": 0, "attempts": 3},
    ]
    assert document["error"] is None
    assert "copied the book" in desk.stderr.getvalue()


def test_json_tells_also_of_a_run_that_never_began(desk: Desk) -> None:
    (desk.folder / "book.json").unlink()
    with pytest.raises(UsageError):
        desk.run(as_json=True)
    document = json.loads(desk.stdout.getvalue())
    assert document["status"] == "refused"
    assert document["error"]["error"] == "UsageError"


def test_a_stack_that_is_not_there_is_named(desk: Desk) -> None:
    cloud = Cloud(clients=fakes.cloud(FakeStepFunctions([DONE])).clients, stack="blue", private=False, local=False)
    with pytest.raises(CloudError, match="there is no stack 'blue' here"):
        desk.run_on(cloud)
    assert not desk.out.exists()


def test_a_cloud_that_does_not_answer_leaves_no_directory_but_what_was_begun_stays(desk: Desk) -> None:
    def silent(_: Workspace) -> Any:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    with pytest.raises(EndpointConnectionError):
        desk.run_with(silent)
    assert not desk.out.exists()
    desk.run()
    with pytest.raises(EndpointConnectionError):
        desk.run_with(silent)
    assert desk.visible == {"copy", "manifest.json"}


class Impatient(FakeStepFunctions):
    """The user presses Ctrl-C when the execution has begun."""

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if self.now >= 0:
            raise KeyboardInterrupt
        return super().describe_execution(executionArn=executionArn)


def test_ctrl_c_stops_a_private_execution_and_ends_130(desk: Desk) -> None:
    stepfunctions = Impatient([{"status": "RUNNING"}])
    assert desk.run_on(fakes.cloud(stepfunctions, s3=desk.s3)) == 130
    assert len(stepfunctions.stopped) == 1
    assert "does only what is missing" in desk.stderr.getvalue()


def test_ctrl_c_leaves_an_execution_elsewhere_running_and_says_how_to_watch_it(desk: Desk) -> None:
    stepfunctions = Impatient([{"status": "RUNNING"}])
    assert desk.run_on(fakes.cloud(stepfunctions, s3=desk.s3, private=False)) == 130
    assert stepfunctions.stopped == []
    assert "stepbatch watch arn:aws:states" in desk.stderr.getvalue()


@pytest.fixture
def left_running(desk: Desk) -> FakeStepFunctions:
    stepfunctions = Impatient([{"status": "RUNNING"}], begin=desk.copy)
    desk.run_on(fakes.cloud(stepfunctions, s3=desk.s3, private=False))
    return FakeStepFunctions([{"status": "RUNNING"}, DONE], started=stepfunctions.started)


def test_the_same_command_again_waits_for_the_execution_that_still_runs(
    desk: Desk, left_running: FakeStepFunctions
) -> None:
    assert desk.run_on(fakes.cloud(left_running, s3=desk.s3, private=False)) == 0
    assert len(left_running.started) == 1
    assert desk.visible == {"copy", "manifest.json"}


def test_another_input_is_refused_while_the_execution_still_runs(desk: Desk, left_running: FakeStepFunctions) -> None:
    (desk.folder / "book.json").write_text("another book")
    with pytest.raises(UsageError, match="still runs with another input"):
        desk.run_on(fakes.cloud(left_running, s3=desk.s3, private=False))
    assert desk.out.exists()


def test_an_execution_of_another_account_is_not_asked_about(desk: Desk, left_running: FakeStepFunctions) -> None:
    record = desk.out / ".stepbatch/execution.json"
    record.write_text(record.read_text().replace(":123456789012:", ":999999999999:"))
    left_running.started.clear()
    left_running.begin = desk.copy
    assert desk.run_on(fakes.cloud(left_running, s3=desk.s3)) == 0
    assert len(left_running.started) == 1
