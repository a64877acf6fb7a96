"""What a worker runs first: tie its life to the cloud's, then become AWS's own runtime client.

Run as a file in a fresh interpreter, so it imports nothing of localcloud.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when ``parent`` ends, also when it ended before we could ask."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    die_with_parent(int(os.environ.pop("LOCALCLOUD_PID")))
    from awslambdaric.__main__ import main

    main(sys.argv)
