"""Where text goes: results to stdout, everything else to stderr. NO_COLOR and pipes are honoured by Rich."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 1_000  # columns: a table is as wide as it needs to be


def console(*, stderr: bool = False) -> Console:
    """Texts are printed as they are: a place such as ``positions[17]`` is no markup."""
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


def table(title: str, *columns: str) -> Table:
    """An empty table; columns of numbers are those whose name begins with ``#``, which is not shown."""
    made = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        numbers = column.startswith("#")
        made.add_column(column.removeprefix("#"), justify="right" if numbers else "left", overflow="fold")
    return made


def plural(count: int, noun: str) -> str:
    """``1 position``, ``1,000 positions``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
