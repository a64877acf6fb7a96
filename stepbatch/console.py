"""Where text goes: results to stdout, everything else to stderr. NO_COLOR and pipes are honoured by Rich."""

from rich.console import Console

from stepbatch.sheet import Sheet

PIPE_WIDTH = 1_000  # columns: a line is as wide as it needs to be


def console(*, stderr: bool = False) -> Console:
    """Texts are printed as they are: a place such as ``positions[17]`` is no markup."""
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


def table(title: str, *columns: str) -> Sheet:
    """An empty table; columns of numbers are those whose name begins with ``#``, which is not shown."""
    return Sheet(title, columns)


def plural(count: int, noun: str) -> str:
    """``1 position``, ``1,000 positions``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
