"""The worker's command line. The exit status is the contract with the job definitions' retry rules.

Children are many and short: an action imports what it needs and no more.

::

    procure process deliver clean             -r RUN  -o URI  -p HASH  -n LIST       pipeline nton
    validate statistics profile check conclude  -i URI  -o URI  -p HASH  -s SHAPE ...  pipeline array-workflow
"""

import importlib
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from fanout.errors import FanoutError
from worker.command import ACTIONS, parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one action."""
    options = parse(arguments)
    act: Callable[[Namespace], str] = getattr(importlib.import_module(ACTIONS[options.action]), options.action)
    try:
        done = act(options)
    except FanoutError as error:
        log(options.action, "failed", type(error).__name__, str(error))
        return error.exit_code
    log(options.action, done)
    return 0


def log(*words: str) -> None:
    """One line."""
    print(*words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
