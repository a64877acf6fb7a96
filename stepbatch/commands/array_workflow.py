"""``stepbatch run array-workflow``."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from stepbatch.commands.options import AsJson, Aws, DryRun, Interrupt, Out, Seed, Stack, Workers, within


def array_workflow(
    items: Annotated[int | None, typer.Option(metavar="N", min=1, help="Make so many sample objects.")] = None,
    source: Annotated[
        Path | None, typer.Option("--input", metavar="DIR", help="Your objects: .csv, .jsonl, also .gz and .zst.")
    ] = None,
    items_per_job: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Objects of one child. [default: auto, about 10 s of work]")
    ] = None,
    validation_steps: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=10, help="Steps that the ten checks are shared out to.")
    ] = None,
    tolerated_failure_percentage: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            callback=within(0.0, 100.0),
            help="Percentage of objects that may be unusable by the 64 KiB that job A reads of each; then the run is "
            "partial. [default: 0]",
        ),
    ] = None,
    recipient: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Whom the notification is for, as subscriptions filter it.")
    ] = None,
    out: Out = None,
    workers: Workers = None,
    interrupt: Interrupt = None,
    seed: Seed = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    aws: Aws = False,
    stack: Stack = None,
) -> None:
    """Validate, read, profile and check objects, one job after another; then tell of it."""
    from stepbatch.errors import UsageError
    from stepbatch.launch import Choices, launch
    from stepbatch.pipelines import array_workflow as workflow
    from stepbatch.pipelines.sample_objects import write_objects

    if (items is None) == (source is None):
        raise UsageError("give --items N for sample objects, or --input DIR for your own")
    with TemporaryDirectory(prefix="stepbatch-") as folder:
        pipeline = workflow.ArrayWorkflow(
            objects=workflow.objects_in(source)
            if source
            else write_objects(Path(folder), items or 0, 1 if seed is None else seed),
            items_per_job=workflow.items_per_job(items_per_job),
            validation_steps=validation_steps,
            tolerated_failure_percentage=tolerated_failure_percentage,
            recipient=recipient,
        )
        choices = Choices(
            out=out,
            workers=workers,
            interrupt=interrupt,
            dry_run=dry_run,
            as_json=as_json,
            aws=aws,
            stack=stack,
        )
        raise typer.Exit(launch(pipeline, choices))
