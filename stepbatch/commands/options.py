"""Options that several commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from fanout.pricing import FEWEST_PATHS, LARGEST_SEED, LARGEST_TARGET, LEAST_TARGET, MOST_PATHS


def folder(text: str) -> Path:
    """A directory by its name."""
    return named(text, "a directory (. is the current one)")


def file(text: str) -> Path:
    """A file by its name."""
    return named(text, "a file")


def named(text: str, what: str) -> Path:
    """The path; an empty one, which Path reads as the current directory, is a script's mistake."""
    if not text.strip():
        raise typer.BadParameter(f"it is empty: name {what}")
    return Path(text)


def within[Number: (int, float)](least: Number, most: Number) -> Callable[[Number | None], Number | None]:
    """The callback of an option that takes numbers from ``least`` to ``most``: it names the value that is none."""

    def check(value: Number | None) -> Number | None:
        if value is not None and not least <= value <= most:  # nan is in no range
            raise typer.BadParameter(f"{value} is not a number from {least} to {most}")
        return value

    return check


# of every command that speaks to a cloud
Aws = Annotated[bool, typer.Option("--aws", help="Speak to AWS, with the credentials of your AWS configuration.")]
Stack = Annotated[str | None, typer.Option("--stack", metavar="NAME", help="The deployed stack. [default: stepbatch]")]

# of every command that starts a local cloud
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", callback=within(1, 10_000), help="Children at once on this machine. [default: cores]"
    ),
]

# of every pipeline
Interrupt = Annotated[
    int | None,
    typer.Option(
        "--interrupt",
        metavar="N",
        callback=within(1, 10_000),
        help="Reclaim N running children as Spot does; local clouds only.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        parser=folder,
        help="Where results go, of this run alone; the same command again resumes. [default: out/NAME]",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the input and show the request; start nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout, all else to stderr.")]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", callback=within(0, 2**63 - 1), help="Of the random numbers. [default: 1]"),
]
ToleratedPercentage = Annotated[
    float | None,
    typer.Option(
        "--tolerated-failure-percentage",
        metavar="P",
        callback=within(0.0, 100.0),
        help="Percentage that may lack a result; then the run is partial. [default: 0]",
    ),
]

# of whatever prices
Market = Annotated[
    Path | None,
    typer.Option(
        "--market", metavar="FILE", parser=file, help="The market snapshot. [default: EURO STOXX 50 of 2019-11-20]"
    ),
]
TargetSeBp = Annotated[
    float | None,
    typer.Option(
        "--target-se-bp",
        metavar="BP",
        callback=within(LEAST_TARGET, LARGEST_TARGET),
        help="Standard error to reach, bp of notional. [default: 1]",
    ),
]
MaxPaths = Annotated[
    int | None,
    typer.Option(
        "--max-paths",
        metavar="N",
        callback=within(FEWEST_PATHS, MOST_PATHS),
        help=f"Paths not to exceed for it, {FEWEST_PATHS} at least. [default: 1048576]",
    ),
]
PricingSeed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", callback=within(0, LARGEST_SEED), help="Of the random points. [default: 1]"),
]
Greeks = Annotated[bool, typer.Option("--greeks", help="Also delta, gamma, vega and rho.")]
Scenarios = Annotated[bool, typer.Option("--scenarios", help="Also PVs on a grid of spots and volatilities.")]
