"""Removes a container whose client has ended, and prints why Batch would say that it ended, if that is known.

A program: ``python -I removal.py ENGINE NAME``. Only the standard library is imported here.
"""

import json
import subprocess
import sys

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


def main(engine: str, name: str) -> None:
    """A container that was never made is no error: its client has said what was wrong."""
    found = subprocess.run(  # noqa: S603 - the engine's own command, without a shell
        [engine, "container", "inspect", "--format={{json .State}}", name], capture_output=True, check=False
    )
    if found.returncode == 0 and json.loads(found.stdout).get("OOMKilled"):
        print(OUT_OF_MEMORY)
    subprocess.run([engine, "rm", "--force", "--volumes", name], capture_output=True, check=False)  # noqa: S603


if __name__ == "__main__":
    main(*sys.argv[1:])
