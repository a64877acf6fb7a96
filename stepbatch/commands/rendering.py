"""``stepbatch run rendering``."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from stepbatch.commands.options import AsJson, Aws, DryRun, Interrupt, Out, Stack, Workers

MOST_SAMPLES = 1 << 24  # of Cycles


def whole(least: int, most: int) -> Callable[[str], int]:
    """The parser of an option that takes whole numbers from ``least`` to ``most``: it names the text that is none."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII) or not least <= int(text) <= most:
            raise typer.BadParameter(f"{text} is not a whole number from {least} to {most}")
        return int(text)

    return parse


def rendering(
    blend: Annotated[Path, typer.Option(metavar="FILE", help="A .blend, or a folder or zip with its linked files.")],
    file: Annotated[
        str | None, typer.Option(metavar="PATH", help="Which .blend of the folder or zip. [default: the outermost]")
    ] = None,
    scene: Annotated[str | None, typer.Option(metavar="NAME", help="[default: the active scene]")] = None,
    frames: Annotated[
        str | None, typer.Option(metavar="LIST", help="Such as 1-10,20,30-50x2. [default: the scene's]")
    ] = None,
    frames_per_job: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Frames of one child. [default: auto, by measuring one]")
    ] = None,
    percent: Annotated[
        int | None, typer.Option(metavar="P", parser=whole(1, 1_000), help="Size for a draft. [default: the scene's]")
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole(1, MOST_SAMPLES), help="A pixel, for a draft. [default: the scene's]"),
    ] = None,
    run_scripts: Annotated[
        bool | None,
        typer.Option(
            "--run-scripts/--no-run-scripts",
            help="Run the file's Python (only if you trust it), or render without. [default: refuse a file with any]",
        ),
    ] = None,
    ignore_missing_assets: Annotated[
        bool, typer.Option("--ignore-missing-assets", help="Render even where files that it refers to are missing.")
    ] = False,
    out: Out = None,
    workers: Workers = None,
    interrupt: Interrupt = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    aws: Aws = False,
    stack: Stack = None,
) -> None:
    """Render the frames of a .blend and make a film of them."""
    from stepbatch.launch import Choices, launch
    from stepbatch.pipelines import rendering as rendered

    pipeline = rendered.Rendering(
        blend=blend,
        file=file,
        scene=scene,
        frames=frames,
        frames_per_job=rendered.frames_per_job(frames_per_job),
        percent=percent,
        samples=samples,
        run_scripts=run_scripts,
        ignore_missing_assets=ignore_missing_assets,
    )
    choices = Choices(
        out=out, workers=workers, interrupt=interrupt, dry_run=dry_run, as_json=as_json, aws=aws, stack=stack
    )
    raise typer.Exit(launch(pipeline, choices))
