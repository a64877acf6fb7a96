"""From the options of ``stepbatch run`` to a run."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from stepbatch.cloud import Cloud
from stepbatch.connect import ENDPOINT, private_cloud, standing_cloud
from stepbatch.console import console
from stepbatch.errors import UsageError
from stepbatch.runner import Pipeline, Settings, run
from stepbatch.workspace import Workspace

RESULTS = Path("out")


def launch(
    pipeline: Pipeline, *, out: Path | None, workers: int | None, as_json: bool, aws: bool, stack: str | None
) -> int:
    """Runs the pipeline on the cloud that the options and the environment name; the exit status."""

    def connect(workspace: Workspace) -> AbstractContextManager[Cloud]:
        standing = standing_cloud(aws=aws, stack=stack)
        if standing is None and stack:
            raise UsageError(f"--stack {stack} names a deployed stack: it needs --aws or {ENDPOINT}")
        if standing is not None and workers:
            raise UsageError(f"--workers {workers} is of a private local cloud; here {ENDPOINT} or --aws names another")
        if standing is not None:
            return nullcontext(standing)
        return private_cloud(log=workspace.log, state=workspace.state, workers=workers)

    settings = Settings(
        out=out or RESULTS / pipeline.job_name,
        connect=connect,
        as_json=as_json,
        stdout=console(),
        stderr=console(stderr=True),
    )
    return run(pipeline, settings)
