"""A hundred runs of an array of 200 children, killed with -9 at random: results lost, doubled or wrong.

    python benchmarks/batch_chaos.py [--runs 100]

Runs tests/local/batch/test_chaos.py, whose suite makes only a few runs, with that many seeds.
"""

import argparse
import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    os.environ["BATCH_CHAOS_RUNS"] = str(parser.parse_args().runs)
    os.chdir(REPOSITORY)
    sys.exit(pytest.main(["tests/local/batch/test_chaos.py", "-v", "-x"]))


if __name__ == "__main__":
    main()
