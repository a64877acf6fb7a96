"""Removes a container whose client has ended, and prints why Batch would say that it ended, if that is known.

A program: ``python -I removal.py ENGINE NAME DIRECTORY``, the last being where the engine's client ran. It imports the
standard library only.
"""

import json
import subprocess
import sys
from pathlib import Path

CONMONS_MARK = "oom"  # Podman on cgroups v1: its monitor leaves this file where it was started, and no more word
PATIENCE = 60  # seconds that the engine may take
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


def main(engine: str, name: str, directory: str) -> None:
    """A container that was never made is no error: its client has said what was wrong."""
    found = _asked(engine, "container", "inspect", "--format={{json .State}}", name)
    state = json.loads(found.stdout) if found.returncode == 0 else {}
    if state.get("OOMKilled") or Path(directory, CONMONS_MARK).exists():
        print(OUT_OF_MEMORY)
    if state.get("Running"):  # its client was killed: the time to end in good order is over
        _asked(engine, "kill", name)
    _asked(engine, "rm", "--force", "--volumes", name)


def _asked(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)  # noqa: S603 - no shell


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"CannotInspectContainerError: {error}")
