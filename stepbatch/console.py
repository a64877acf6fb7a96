"""Where text goes: results to stdout, everything else to stderr. NO_COLOR and pipes are honoured by Rich."""

from rich.console import Console

PIPE_WIDTH = 160  # columns of a table that no terminal cuts


def console(*, stderr: bool = False) -> Console:
    """Texts are printed as they are: a place such as ``positions[17]`` is no markup."""
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made
