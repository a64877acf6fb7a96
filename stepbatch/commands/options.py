"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

# of every command that speaks to a cloud
Aws = Annotated[bool, typer.Option("--aws", help="Speak to AWS, with the credentials of your AWS configuration.")]
Stack = Annotated[str | None, typer.Option("--stack", metavar="NAME", help="The deployed stack. [default: stepbatch]")]

# of every command that starts a local cloud
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, help="Children at once on this machine. [default: cores]")
]

# of every pipeline
Interrupt = Annotated[
    int | None,
    typer.Option("--interrupt", metavar="N", min=1, help="Reclaim N running children as Spot does; local clouds only."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Where results go; the same command again resumes. [default: out/NAME]"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the input and show the request; start nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout, all else to stderr.")]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", min=0, help="Of the random numbers. [default: 1]")]

# of whatever prices
Market = Annotated[
    Path | None,
    typer.Option("--market", metavar="FILE", help="The market snapshot. [default: EURO STOXX 50 of 2019-11-20]"),
]
TargetSeBp = Annotated[
    float | None,
    typer.Option("--target-se-bp", metavar="BP", help="Standard error to reach, bp of notional. [default: 1]"),
]
MaxPaths = Annotated[
    int | None, typer.Option("--max-paths", metavar="N", min=1, help="Paths not to exceed for it. [default: 1048576]")
]
