"""Commands about this machine: its local cloud, files, single functions."""

from pathlib import Path
from typing import Annotated

import typer

from stepbatch.commands.options import (
    Aws,
    Greeks,
    Market,
    MaxPaths,
    PricingSeed,
    Scenarios,
    Stack,
    TargetSeBp,
    Workers,
    file,
    folder,
)
from stepbatch.errors import StepbatchError


def up(
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Of 127.0.0.1; 0 is any free one.")] = 4566,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", parser=folder, help="Keep the objects in this directory.")
    ] = None,
    workers: Workers = None,
    containers: Annotated[
        bool, typer.Option("--containers", help="Run jobs in their images, by Docker or Podman (see make images).")
    ] = False,
) -> None:
    """Run the local cloud; write .stepbatch/env for other terminals to source."""
    from stepbatch.console import console
    from stepbatch.up import up as run_up

    raise typer.Exit(
        run_up(
            port=port,
            state=state,
            workers=workers,
            containers=containers,
            folder=Path.cwd(),
            to=console(stderr=True),
        )
    )


def verify(
    directory: Annotated[Path, typer.Argument(metavar="DIR", parser=folder, help="The --out of a run.")],
) -> None:
    """Check that a directory holds exactly what its run's manifest lists."""
    from stepbatch.console import plural
    from stepbatch.verify import problems, read_manifest

    manifest = read_manifest(directory)
    if manifest is None:
        raise StepbatchError(f"{directory} has no manifest.json: the run is not complete")
    found = problems(directory, manifest)
    for problem in found:
        typer.echo(problem)
    if found:
        raise StepbatchError(f"{directory} differs from its manifest in {plural(len(found), 'file')}")
    typer.echo(f"{directory}: {plural(len(manifest.files), 'file')}, all as the manifest lists them")


def invoke(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="Its logical id, name or ARN.")],
    event: Annotated[Path, typer.Option("--event", "-e", metavar="FILE", help="The event, JSON; - is stdin.")],
    aws: Aws = False,
    stack: Stack = None,
) -> None:
    """Invoke one function and print what it answers."""
    from stepbatch.console import console
    from stepbatch.invoke import invoke as invoke_function

    status = invoke_function(function, event, aws=aws, stack=stack, stdout=console(), stderr=console(stderr=True))
    raise typer.Exit(status)


def price(
    book: Annotated[Path, typer.Argument(metavar="FILE", parser=file, help="The book: positions as JSON; - is stdin.")],
    market: Market = None,
    target_se_bp: TargetSeBp = None,
    max_paths: MaxPaths = None,
    greeks: Greeks = False,
    scenarios: Scenarios = False,
    seed: PricingSeed = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON also on a terminal, as to a pipe.")] = False,
) -> None:
    """Price a small book at once, without any cloud."""
    from stepbatch.console import console
    from stepbatch.price import Asked, price_file

    numbers = {"--target-se-bp": target_se_bp, "--max-paths": max_paths, "--seed": seed}
    options = [word for name, value in numbers.items() if value is not None for word in (name, str(value))]
    options += ["--greeks"] * greeks + ["--scenarios"] * scenarios
    asked = Asked(file=book, market=market, options=options, as_json=as_json)
    raise typer.Exit(price_file(asked, stdout=console(), stderr=console(stderr=True)))


def schema(name: Annotated[str, typer.Argument(metavar="NAME", help="book or market.")]) -> None:
    """Print the JSON Schema of a format."""
    import json

    from fanout.schemas import NAMES
    from fanout.schemas import schema as schema_of
    from stepbatch.errors import UsageError

    if name not in NAMES:
        raise UsageError(f"there is no schema {name!r}; there are: {', '.join(NAMES)}")
    typer.echo(json.dumps(schema_of(name), indent=1))
