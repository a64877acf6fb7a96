"""The worker's command line. The exit status is the contract with the job definitions' retry rules.

Children are many and short: an action imports what it needs and no more.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fanout.errors import FanoutError
from fanout.records import ALL_NODES
from fanout.shared import SharedFiles

if TYPE_CHECKING:
    from worker.nodes import NodeFolder


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one action."""
    options = _options(arguments)
    try:
        done: str = options.run(options)
    except FanoutError as error:
        log(options.action, "failed", type(error).__name__, str(error))
        return error.exit_code
    log(options.action, done)
    return 0


def procure(options: argparse.Namespace) -> str:
    from worker import nodes

    return nodes.procure(_folder(options))


def process(options: argparse.Namespace) -> str:
    from worker import nodes

    return nodes.process(_folder(options))


def deliver(options: argparse.Namespace) -> str:
    from fanout.s3 import Objects, S3Uri
    from worker.delivery import deliver

    return deliver(_folder(options), S3Uri.parse_prefix(options.output), Objects())


def clean(options: argparse.Namespace) -> str:
    from worker.clean import clean

    return clean(SharedFiles.mounted(), options.run_id)


def log(*words: str) -> None:
    """One line."""
    print(*words, file=sys.stderr, flush=True)


def _folder(options: argparse.Namespace) -> "NodeFolder":
    from worker.nodes import NodeFolder

    index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))  # absent: the only child
    return NodeFolder.of_child(
        SharedFiles.mounted(), run=options.run_id, plan_hash=options.plan_hash, reruns=options.nodes, index=index
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Works on one node of a run.")
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument("-r", dest="run_id", metavar="RUN", required=True, help="the run's directory")
    parser.add_argument("-o", dest="output", metavar="URI", default="", help="where deliver puts results")
    parser.add_argument("-p", dest="plan_hash", metavar="HASH", default="", help="the plan that this job is for")
    parser.add_argument("-n", dest="nodes", metavar="LIST", default=ALL_NODES, help="list of the nodes to work on")
    options = parser.parse_args(arguments)
    options.run = ACTIONS[options.action]
    return options


ACTIONS: dict[str, Callable[[argparse.Namespace], str]] = {
    "procure": procure,
    "process": process,
    "deliver": deliver,
    "clean": clean,
}


if __name__ == "__main__":
    sys.exit(main())
