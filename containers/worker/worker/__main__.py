"""The worker's command line. The exit status is the contract with the job definitions' retry rules.

Children are many and short: an action imports what it needs and no more.

::

    procure process deliver clean             -r RUN  -o URI  -p HASH  -n LIST       pipeline nton
    validate statistics profile check conclude  -i URI  -o URI  -p HASH  -s SHAPE ...  pipeline array-workflow
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from fanout.errors import FanoutError

ACTIONS = {
    "procure": "worker.nton",
    "process": "worker.nton",
    "deliver": "worker.nton",
    "clean": "worker.nton",
    "validate": "worker.workflow",
    "statistics": "worker.workflow",
    "profile": "worker.workflow",
    "check": "worker.workflow",
    "conclude": "worker.workflow",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one action."""
    options = _options(arguments)
    act: Callable[[argparse.Namespace], str] = getattr(importlib.import_module(ACTIONS[options.action]), options.action)
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


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Does one job of a run, or one child of it.")
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=f"one of {', '.join(ACTIONS)}")
    parser.add_argument("-o", dest="output", metavar="URI", default="", help="where the run's results go")
    parser.add_argument("-p", dest="plan_hash", metavar="HASH", default="", help="the plan that this job is for")
    nodes = parser.add_argument_group("nton")
    nodes.add_argument("-r", dest="run_id", metavar="RUN", default="", help="the run's directory")
    nodes.add_argument("-n", dest="nodes", metavar="LIST", default="all", help="list of the nodes to work on")
    workflow = parser.add_argument_group("array-workflow")
    workflow.add_argument("-i", dest="input", metavar="URI", default="", help="where the objects lie")
    workflow.add_argument("-s", dest="shape", metavar="SHAPE", default="", help="items:perSlice:rowBytes of the plan")
    workflow.add_argument(
        "-c", dest="resume", metavar="no", default="", help="no: nothing of this plan was done before"
    )
    workflow.add_argument(
        "-t", dest="tolerated", metavar="P", default="0", help="percent of objects that may be unusable"
    )
    workflow.add_argument("-k", dest="slices", metavar="N", default="1", help="slices, where validate writes the plan")
    workflow.add_argument("-x", dest="execution", metavar="NAME", default="", help="whom the notification is about")
    workflow.add_argument("-m", dest="recipient", metavar="ADDRESS", default="", help="whom the notification is for")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
