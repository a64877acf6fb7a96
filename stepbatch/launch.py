"""From the options of ``stepbatch run`` to a run."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from stepbatch.cloud import Cloud
from stepbatch.connect import ENDPOINT, private_cloud, standing_cloud
from stepbatch.console import console
from stepbatch.errors import UsageError
from stepbatch.runner import Pipeline, Settings, run
from stepbatch.workspace import Workspace

RESULTS = Path("out")
EXPERIMENT = (
    "on AWS deploy the stack with InterruptionExperiment=yes, then aws fis start-experiment with its output "
    "SpotInterruptionExperimentId"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The options that every pipeline's command takes."""

    out: Path | None
    workers: int | None
    interrupt: int | None = None
    dry_run: bool
    as_json: bool
    aws: bool
    stack: str | None


def launch(pipeline: Pipeline, choices: Choices) -> int:
    """Runs the pipeline on the cloud that the options and the environment name; the exit status."""
    stack, workers = choices.stack, choices.workers

    def agree() -> None:
        if choices.aws and choices.interrupt:
            raise UsageError(f"--interrupt {choices.interrupt} is of a local cloud; {EXPERIMENT}")
        if choices.aws and workers:
            raise UsageError(f"--workers {workers} is of a private local cloud; --aws names another")

    def connect(workspace: Workspace) -> AbstractContextManager[Cloud]:
        standing = standing_cloud(aws=choices.aws, stack=stack)
        if standing is None and stack:
            raise UsageError(f"--stack {stack} names a deployed stack: it needs --aws or {ENDPOINT}")
        if standing is not None and workers:
            raise UsageError(f"--workers {workers} is of a private local cloud; {ENDPOINT} names another")
        if choices.interrupt and standing is not None and not standing.local:
            raise UsageError(f"--interrupt {choices.interrupt} is of a local cloud; {EXPERIMENT}")
        if standing is not None:
            return nullcontext(standing)
        return private_cloud(log=workspace.log, state=workspace.state, workers=workers)

    settings = Settings(
        out=choices.out or RESULTS / pipeline.job_name,
        agree=agree,
        connect=connect,
        interrupt=choices.interrupt or 0,
        as_json=choices.as_json,
        dry_run=choices.dry_run,
        stdout=console(),
        stderr=console(stderr=True),
    )
    return run(pipeline, settings)
