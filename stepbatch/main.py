"""The commands. Their bodies import what they need: ``stepbatch --help`` waits for nothing."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from stepbatch.errors import StepbatchError

app = typer.Typer(
    help="Array pipelines on AWS Step Functions and AWS Batch, on AWS or on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
run_app = typer.Typer(help="Run a pipeline, follow it, and fetch its results.", no_args_is_help=True)
app.add_typer(run_app, name="run")

# What every command that speaks to a cloud takes.
Aws = Annotated[bool, typer.Option("--aws", help="Speak to AWS, with the credentials of your AWS configuration.")]
Stack = Annotated[str | None, typer.Option("--stack", metavar="NAME", help="The deployed stack. [default: stepbatch]")]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, help="Children at once on this machine. [default: cores]")
]
# What every pipeline takes.
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Where results go; the same command again resumes. [default: out/NAME]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout, all else to stderr.")]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", min=0, help="Of the random numbers. [default: 1]")]


@app.command()
def up(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="Of 127.0.0.1.")] = 4566,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, help="Keep the objects in this directory.")
    ] = None,
    workers: Workers = None,
) -> None:
    """Run the local cloud in the foreground and write .stepbatch/env for other terminals to source."""
    from stepbatch.console import console
    from stepbatch.up import up as run_up

    raise typer.Exit(run_up(port=port, state=state, workers=workers, folder=Path.cwd(), to=console(stderr=True)))


@run_app.command()
def montecarlo(
    portfolio: Annotated[Path, typer.Option(metavar="FILE", help="The book: positions as JSON.")],
    market: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The market snapshot. [default: EURO STOXX 50 of 2019-11-20]")
    ] = None,
    positions_per_job: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Positions of one child. [default: auto, about 10 s of work]")
    ] = None,
    target_se_bp: Annotated[
        float | None, typer.Option(metavar="BP", help="Standard error to reach, in bp of notional. [default: 1]")
    ] = None,
    max_paths: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Paths not to exceed for it. [default: 1048576]")
    ] = None,
    greeks: Annotated[bool, typer.Option("--greeks", help="Also delta, gamma, vega and rho.")] = False,
    tolerated_failure_percentage: Annotated[
        float | None,
        typer.Option(
            metavar="P", min=0, max=100, help="Positions that may lack a price: PARTIAL, not red. [default: 0]"
        ),
    ] = None,
    out: Out = None,
    workers: Workers = None,
    seed: Seed = None,
    as_json: AsJson = False,
    aws: Aws = False,
    stack: Stack = None,
) -> None:
    """Price a book of autocallable notes."""
    from stepbatch.launch import launch
    from stepbatch.pipelines.montecarlo import MonteCarlo
    from stepbatch.pipelines.montecarlo import positions_per_job as parse_positions_per_job

    pipeline = MonteCarlo(
        portfolio=portfolio,
        market=market,
        positions_per_job=parse_positions_per_job(positions_per_job),
        target_standard_error_bp=target_se_bp,
        max_paths=max_paths,
        greeks=greeks,
        tolerated_failure_percentage=tolerated_failure_percentage,
        seed=seed,
    )
    raise typer.Exit(launch(pipeline, out=out, workers=workers, as_json=as_json, aws=aws, stack=stack))


@app.command()
def verify(directory: Annotated[Path, typer.Argument(metavar="DIR", help="The --out of a run.")]) -> None:
    """Check that a directory holds exactly what its run's manifest lists."""
    from stepbatch.verify import problems, read_manifest

    manifest = read_manifest(directory)
    if manifest is None:
        raise StepbatchError(f"{directory} has no manifest.json: the run is not complete")
    found = problems(directory, manifest)
    for problem in found:
        typer.echo(problem)
    if found:
        raise StepbatchError(f"{directory}: {len(found)} of {len(manifest.files)} files are not as listed")
    typer.echo(f"{directory}: {len(manifest.files)} files, all as the manifest lists them")


def main() -> NoReturn:
    """The console script."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        app()
    except StepbatchError as error:
        _say(str(error))
        sys.exit(error.exit_status)
    except _aws_errors() as error:
        from stepbatch.advice import advice

        _say(advice(error))
        sys.exit(1)
    sys.exit(0)


def _say(text: str) -> None:
    typer.echo(f"stepbatch: {text}", err=True)


def _aws_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises; looked up only when something was raised."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Ends as by an exception, so that local clouds and temporary files go too."""
    raise SystemExit(128 + number)
