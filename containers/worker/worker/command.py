"""The words that the worker's command line takes."""

import argparse
from collections.abc import Sequence
from functools import cache

NOT_GIVEN = "-"  # what job definitions say instead of nothing: Batch takes no command with an empty word
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


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The words of a command line; what is not given is empty."""
    given = vars(parser().parse_args(arguments))
    return argparse.Namespace(**{name: "" if value == NOT_GIVEN else value for name, value in given.items()})


@cache
def parser() -> argparse.ArgumentParser:
    """Made once a process, or once for all the children of a process that forks them."""
    made = argparse.ArgumentParser(prog="python -m worker", description="Does one job of a run, or one child of it.")
    made.add_argument("action", choices=ACTIONS, metavar="ACTION", help=f"one of {', '.join(ACTIONS)}")
    made.add_argument("-o", dest="output", metavar="URI", default="", help="where the run's results go")
    made.add_argument("-p", dest="plan_hash", metavar="HASH", default="", help="the plan that this job is for")
    nodes = made.add_argument_group("nton")
    nodes.add_argument("-r", dest="run_id", metavar="RUN", default="", help="the run's directory")
    nodes.add_argument("-n", dest="nodes", metavar="LIST", default="all", help="list of the nodes to work on")
    workflow = made.add_argument_group("array-workflow")
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
    return made
