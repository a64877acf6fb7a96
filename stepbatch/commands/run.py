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
    Interrupt,
    Market,
    MaxPaths,
    Out,
    Seed,
    Stack,
    TargetSeBp,
    Workers,
)
from stepbatch.commands.rendering import rendering

app = typer.Typer(help="Run a pipeline, follow it, and fetch its results.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def pipelines() -> None:
    """Run a pipeline, follow it, and fetch its results."""


@app.command()
def montecarlo(
    portfolio: Annotated[Path, typer.Option(metavar="FILE", help="The book: positions as JSON.")],
    market: Market = None,
    positions_per_job: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Positions of one child. [default: auto, about 10 s of work]")
    ] = None,
    target_se_bp: TargetSeBp = None,
    max_paths: MaxPaths = None,
    greeks: Annotated[bool, typer.Option("--greeks", help="Also delta, gamma, vega and rho.")] = False,
    scenarios: Annotated[
        bool, typer.Option("--scenarios", help="Also PVs on a grid of spots and volatilities.")
    ] = False,
    tolerated_failure_percentage: Annotated[
        float | None,
        typer.Option(
            metavar="P", min=0, max=100, help="Positions that may lack a price; then the run is partial. [default: 0]"
        ),
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
    """Price a book of autocallable notes."""
    from stepbatch.launch import Choices, launch
    from stepbatch.pipelines import montecarlo as priced

    pipeline = priced.MonteCarlo(
        portfolio=portfolio,
        market=market,
        positions_per_job=priced.positions_per_job(positions_per_job),
        target_standard_error_bp=target_se_bp,
        max_paths=max_paths,
        greeks=greeks,
        scenarios=scenarios,
        tolerated_failure_percentage=tolerated_failure_percentage,
        seed=seed,
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


app.command()(rendering)
app.command()(nton)
app.command("array-workflow")(array_workflow)
