"""One run of any pipeline: upload, start, follow, mirror, report."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from rich.console import Console

from fanout.errors import FanoutError, InputError
from stepbatch.cloud import Cloud
from stepbatch.errors import StepbatchError, UsageError
from stepbatch.executions import execution_name, note_running, running, start, was_started
from stepbatch.failures import show_failures
from stepbatch.history import Failure
from stepbatch.jobs import JobProgress, attempts, describe, members
from stepbatch.outcome import Outcome, Status, status_of
from stepbatch.progress import shown
from stepbatch.reclaim import Reclaim, interrupt
from stepbatch.watch import View, follow
from stepbatch.workspace import Workspace, discard, opened, refuse_foreign

if TYPE_CHECKING:
    from fanout.s3 import S3Uri

BUCKET = "BucketName"  # the stack output with the data bucket's name
WITH_RESULTS = {Status.COMPLETE, Status.PARTIAL}


class Pipeline(Protocol):
    """What distinguishes one pipeline from another."""

    @property
    def name(self) -> str: ...

    @property
    def machine(self) -> str:
        """The stack output with its state machine's ARN."""

    @property
    def job_name(self) -> str:
        """What the run is called in Batch and in its outputs."""

    def files(self) -> Mapping[str, Path]:
        """What to upload: name in the input folder -> file."""

    def request(self, inputs: "S3Uri", output: "S3Uri") -> dict[str, Any]:
        """The execution's input."""

    def check(self) -> str:
        """What the input holds, in a line; raises an InputError if it is wrong. Costs a reading, starts nothing."""

    def show(self, out: Path, to: Console) -> None:
        """Prints the results that were mirrored to ``out``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run is carried out, whatever its pipeline."""

    out: Path
    connect: Callable[[Workspace], AbstractContextManager[Cloud]]
    agree: Callable[[], None] = lambda: None  # raises UsageError where options contradict each other
    interrupt: int = 0  # children to reclaim
    as_json: bool
    dry_run: bool
    stdout: Console
    stderr: Console


def run(pipeline: Pipeline, settings: Settings) -> int:
    """Runs a pipeline and prints what came of it; the exit status."""
    blank = Outcome(pipeline=pipeline.name, status=Status.CHECKED, out=str(settings.out))
    try:
        settings.agree()
        refuse_unreadable(pipeline.files())
        if not settings.dry_run and (brief := getattr(pipeline, "brief", None)):  # rendering looks before it uploads
            settings.stderr.print(f"{pipeline.name}: {brief()}", soft_wrap=True)
        outcome = checked(pipeline, settings, blank) if settings.dry_run else carried_out(pipeline, settings)
    except (StepbatchError, FanoutError) as error:
        status = Status.REFUSED if isinstance(error, UsageError | InputError) else Status.FAILED
        if settings.as_json:
            failure = Failure(error=type(error).__name__, cause=str(error))
            settings.stdout.print(replace(blank, status=status, failure=failure).document(), soft_wrap=True)
        raise
    if settings.as_json:
        settings.stdout.print(outcome.document(), soft_wrap=True)
    return outcome.status.exit_status


def checked(pipeline: Pipeline, settings: Settings, blank: Outcome) -> Outcome:
    """Reads the input as the pipeline will, and prints what would be asked of the state machine."""
    from fanout.s3 import S3Uri

    refuse_foreign(settings.out)
    to = settings.stderr if settings.as_json else settings.stdout
    to.print(f"{pipeline.name}: {pipeline.check()}", soft_wrap=True)
    root = S3Uri("BUCKET", f"runs/{settings.out.resolve().name}")
    to.print("the execution's input would be", json.dumps(pipeline.request(root / "input", root / "output"), indent=1))
    return blank


def carried_out(pipeline: Pipeline, settings: Settings) -> Outcome:
    """A run on the cloud that the settings connect to. A run that is refused leaves the directory as it was."""
    with opened(settings.out) as workspace:
        try:
            with settings.connect(workspace) as cloud:
                outcome = drive(pipeline, settings, workspace, cloud)
        except Exception as error:
            if isinstance(error, UsageError) or not (was_started(workspace) or workspace.log.exists()):
                discard(workspace)  # nothing was begun; the log of a local cloud that did not start tells why
            raise
        if outcome.status is Status.REFUSED:
            discard(workspace)
    return outcome


def drive(pipeline: Pipeline, settings: Settings, workspace: Workspace, cloud: Cloud) -> Outcome:
    """A run on a cloud that stands."""
    from fanout.s3 import Objects, S3Uri
    from stepbatch.mirror import TRANSFERS, mirror, restore, upload
    from stepbatch.nearby import NearObjects

    objects = NearObjects(cloud.s3, connections=TRANSFERS) if cloud.local else Objects(cloud.s3)
    bucket = getattr(pipeline, "bucket", BUCKET)  # nton delivers to a bucket of its own
    root = S3Uri(cloud.output(bucket), workspace.folder(pipeline.name, uuid4().hex[:6]))
    inputs, output = root / "input", root / "output"
    request, files = pipeline.request(inputs, output), pipeline.files()
    machine = cloud.output(pipeline.machine)
    arn = running(cloud, machine, workspace, request, files)
    if arn is None:
        upload(objects, files, inputs)
        restore(workspace, objects, output)
        name = execution_name(pipeline.job_name, datetime.now(UTC), uuid4().hex[:4])
        arn = start(cloud, machine, name, request)
        note_running(workspace, arn, request, files)
    settings.stderr.print(f"{pipeline.name}: {arn}", soft_wrap=True)
    places = Outcome(pipeline=pipeline.name, status=Status.INTERRUPTED, out=str(settings.out), output_uri=str(output))
    noting = getattr(pipeline, "noting", None)  # rendering counts its frames
    view = followed(cloud, arn, settings, noting(objects, output, settings.out) if noting else lambda _: "")
    if view is None:
        return replace(places, execution_arn=arn, failure=interrupted(cloud, arn, settings.stderr))
    outcome = concluded(view, places)
    outcome = replace(outcome, failure=located(pipeline, outcome.failure))
    if settings.as_json:  # nothing else tells them, and each child is asked after
        outcome = replace(outcome, attempts={job.job_id: count_attempts(cloud, job) for job in view.jobs})
    show_failures(cloud, outcome.failure, outcome.jobs, settings.stderr)
    if outcome.status is not Status.REFUSED:
        mirror(workspace, objects, output)
    if outcome.status in WITH_RESULTS:
        pipeline.show(settings.out, settings.stderr if settings.as_json else settings.stdout)
        summary = getattr(pipeline, "summary", None)  # montecarlo tells the book's value
        outcome = replace(outcome, result=summary(settings.out) if summary else None)
    return outcome


def located(pipeline: Pipeline, failure: Failure | None) -> Failure | None:
    """The failure with the name of the user's file that it is about, where the pipeline knows it."""
    named = getattr(pipeline, "named", None)
    file = named(failure.error) if failure and named else None
    return replace(failure, cause=f"{file}: {failure.cause}") if failure and file else failure


def followed(cloud: Cloud, arn: str, settings: Settings, note: Callable[[float], str]) -> View | None:
    """The execution's last view, or None if the user had enough."""
    ripe = getattr(note, "ripe", None)  # a frame counter waits until there are frames to lose
    reclaim = Reclaim(cloud, settings.interrupt, partial(interrupt, cloud), settings.stderr, ripe=ripe)

    def look(view: View) -> None:
        show(view)
        reclaim.look(view)

    try:
        with shown(settings.stderr) as show:
            return follow(cloud, arn, look, note=note)
    except KeyboardInterrupt:
        return None


def interrupted(cloud: Cloud, arn: str, stderr: Console) -> Failure:
    """Ends a private run, leaves another to go on, and says what the user can do."""
    if cloud.private:
        cloud.stepfunctions.stop_execution(executionArn=arn, error="Interrupted", cause="Ctrl-C")
        text = "stopped; the same command again does only what is missing"
    else:
        text = (
            f"{arn} goes on without this command; watch it with\n  stepbatch watch{cloud.flags} {arn}\n"
            "or give the same command again: it waits for the results and fetches them"
        )
    stderr.print(text, soft_wrap=True)
    return Failure(error="Interrupted", cause=text)


def concluded(view: View, places: Outcome) -> Outcome:
    """The outcome of an execution that ended."""
    return replace(
        places,
        status=status_of(view),
        execution_arn=view.arn,
        seconds=view.seconds,
        jobs=view.jobs,
        failure=view.failure,
    )


def count_attempts(cloud: Cloud, job: JobProgress) -> int:
    """The tries of all children together."""
    described = describe(cloud.batch, [job.job_id])
    return sum(len(attempts(member)) for each in described.values() for member in members(cloud.batch, each))


def refuse_unreadable(files: Mapping[str, Path]) -> None:
    """Raises UsageError naming the first file that cannot be read."""
    for path in files.values():
        try:
            path.open("rb").close()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from None
