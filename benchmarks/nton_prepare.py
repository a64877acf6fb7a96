"""Preparing a run's nodes on a slow file system: every operation on it takes so many milliseconds longer.

    python benchmarks/nton_prepare.py --nodes 10000 --milliseconds 5

Prints the seconds with the operations side by side, as the function makes them, beside what they would take one after
another, and how many operations a node costs.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "functions"), str(ROOT / "layers" / "fanout")]
OPERATIONS = ("mkdir", "open", "replace", "stat")  # of os; a file's write and close are one more together


class SlowFileSystem:
    """Delays the operations on one directory, and counts them."""

    def __init__(self, root: str, seconds: float) -> None:
        self._root, self._seconds, self._lock = root, seconds, threading.Lock()
        self.operations = 0
        for name in OPERATIONS:
            setattr(os, name, self._slowed(getattr(os, name)))

    def _slowed(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        def slow(path: Any, *more: Any, **named: Any) -> Any:
            if str(path).startswith(self._root):
                parts = 2 if operation.__name__ == "open" else 1  # the file is also written and closed
                with self._lock:
                    self.operations += parts
                time.sleep(self._seconds * parts)
            return operation(path, *more, **named)

        slow.__name__ = operation.__name__
        return slow


def main() -> None:
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--records-per-node", type=int, default=40)
    parser.add_argument("--milliseconds", type=float, default=5.0)
    options = parser.parse_args()
    os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    import boto3
    from moto import mock_aws

    import prepare_nodes
    from fanout.request import parse_request
    from fanout.s3 import Objects
    from fanout.shared import SharedFiles

    with mock_aws(), tempfile.TemporaryDirectory() as root:
        client = boto3.client("s3")
        client.create_bucket(Bucket="egress")
        records = options.nodes * options.records_per_node
        event = {
            "executionName": "run",
            "egressUri": "s3://egress",
            "records": records,
            "recordsPerNode": options.records_per_node,
        }
        request = parse_request(event, prepare_nodes.PrepareRequest)
        slow = SlowFileSystem(root, options.milliseconds / 1000)
        started = time.perf_counter()
        prepared = prepare_nodes.prepare(request, Objects(client), SharedFiles(root))
        seconds = time.perf_counter() - started
    told = {
        "nodes": prepared["nodes"],
        "records": records,
        "milliseconds": options.milliseconds,
        "seconds": round(seconds, 2),
        "operationsPerNode": round(slow.operations / prepared["nodes"], 2),
        "secondsOneAfterAnother": round(slow.operations * options.milliseconds / 1000, 1),
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
