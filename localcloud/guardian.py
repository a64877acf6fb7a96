"""Kills what is left when the cloud has died without a word.

Run as a file. Its stdin is a pipe that only the cloud writes to: ``+123`` and ``-123`` lines say which process groups
live. However the cloud ends, the kernel closes the pipe; then every group still listed is killed, and the directory
that is the only argument, the cloud's temporary one, is removed. PR_SET_PDEATHSIG ends the cloud's own children sooner,
but not what those have started.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable


def living(lines: Iterable[str]) -> set[int]:
    """The groups that were begun and not ended, once the lines have ended."""
    groups: set[int] = set()
    for line in lines:
        sign, number = line[0], int(line[1:])
        (groups.add if sign == "+" else groups.discard)(number)
    return groups


def remove(directory: str, *, tries: int = 50) -> None:
    """With all that is in it, though what was just killed may still be writing there."""
    for _ in range(tries):
        shutil.rmtree(directory, ignore_errors=True)
        if not os.path.lexists(directory):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for group in living(sys.stdin):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    remove(sys.argv[1])
