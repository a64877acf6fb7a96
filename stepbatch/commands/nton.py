"""``stepbatch run nton``."""

from typing import Annotated

import typer

from stepbatch.commands.options import AsJson, Aws, DryRun, Interrupt, Out, Seed, Stack, Workers


def nton(
    records: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=5_000_000, help="How many. [default: 200 to 1000, by the seed]"),
    ] = None,
    records_per_node: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Records of one child of each step. [default: 40]")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the run's files on the shared file system.")] = False,
    out: Out = None,
    workers: Workers = None,
    interrupt: Interrupt = None,
    seed: Seed = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    aws: Aws = False,
    stack: Stack = None,
) -> None:
    """Procure, process and deliver records in three arrays that overlap child by child."""
    from stepbatch.launch import Choices, launch
    from stepbatch.pipelines.nton import NtoN

    pipeline = NtoN(records=records, records_per_node=records_per_node, keep=keep, seed=seed)
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
