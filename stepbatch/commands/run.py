"""``stepbatch run PIPELINE``."""

from pathlib import Path
from typing import Annotated

import typer

from stepbatch.commands.array_workflow import array_workflow
from stepbatch.commands.nton import nton
from stepbatch.commands.options import (
    AsJson,
    Aws,
    DryRun,
    Greeks,
    Interrupt,
    Market,
    MaxPaths,
    Out,
    PricingSeed,
    Scenarios,
    Stack,
    TargetSeBp,
    ToleratedPercentage,
    Workers,
    file,
)
from stepbatch.commands.rendering import rendering

app = typer.Typer(help="Run a pipeline, follow it, and fetch its results.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def pipelines() -> None:
    """Run a pipeline, follow it, and fetch its results."""


@app.command()
def montecarlo(
    portfolio: Annotated[
        Path, typer.Option(metavar="FILE", parser=file, help="The book: positions as JSON; - is stdin.")
    ],
    market: Market = None,
    positions_per_job: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Positions of one child. [default: auto, about 10 s of work]")
    ] = None,
    target_se_bp: TargetSeBp = None,
    max_paths: MaxPaths = None,
    greeks: Greeks = False,
    scenarios: Scenarios = False,
    tolerated_failure_percentage: ToleratedPercentage = None,
    out: Out = None,
    workers: Workers = None,
    interrupt: Interrupt = None,
    seed: PricingSeed = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    aws: Aws = False,
    stack: Stack = None,
) -> None:
    """Price a book of autocallable notes."""
    from stepbatch.inputs import copies
    from stepbatch.launch import Choices, launch
    from stepbatch.pipelines import montecarlo as priced

    choices = Choices(
        out=out,
        workers=workers,
        interrupt=interrupt,
        dry_run=dry_run,
        as_json=as_json,
        aws=aws,
        stack=stack,
    )
    with copies(portfolio, market) as copied:
        pipeline = priced.MonteCarlo(
            portfolio=portfolio,
            market=market,
            copied=copied,
            positions_per_job=priced.positions_per_job(positions_per_job),
            target_standard_error_bp=target_se_bp,
            max_paths=max_paths,
            greeks=greeks,
            scenarios=scenarios,
            tolerated_failure_percentage=tolerated_failure_percentage,
            seed=seed,
        )
        raise typer.Exit(launch(pipeline, choices))


app.command()(rendering)
app.command()(nton)
app.command("array-workflow")(array_workflow)
