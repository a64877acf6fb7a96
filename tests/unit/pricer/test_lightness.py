"""What a cold child loads, and what that costs before it prices anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
MOST_SECONDS = 1.2  # CPU, on one core
TRIES = 3  # the least counts: a busy machine makes caches cold
START = """
import json, sys, time
import pricer.__main__
from fanout.s3 import Objects
Objects()
print(json.dumps({"modules": sorted(sys.modules), "seconds": time.process_time()}))
"""


def cold_child() -> tuple[set[str], float]:
    """Packages loaded and CPU seconds spent by importing the pricer's entry point and making its S3 client."""
    path = os.pathsep.join(str(ROOT / each) for each in ("containers/pricer", "layers/fanout"))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": path,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    done = subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {name.partition(".")[0] for name in found["modules"]}, found["seconds"]


def test_a_child_is_light_numpy_and_a_client_within_a_second_of_cpu() -> None:
    loaded, seconds = cold_child()
    for _ in range(TRIES - 1):
        if seconds > MOST_SECONDS:
            seconds = min(seconds, cold_child()[1])
    assert {"numpy", "boto3", "pricer"} <= loaded
    assert not loaded & {"scipy", "pandas", "QuantLib"}
    assert seconds <= MOST_SECONDS
