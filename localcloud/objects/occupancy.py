"""Who uses a root: the first process sweeps away what a killed one left unfinished, later ones leave it alone."""

import fcntl
import os
import shutil
from pathlib import Path


def occupy(root: Path, lock: str, leftovers: str) -> int:
    """Lock ``root`` as in use and empty the folder ``leftovers`` if nobody else uses it. Returns the lock's descriptor.

    The lock is shared and lasts as long as the descriptor; the kernel releases it however the process ends.
    """
    fd = os.open(root / lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        for entry in (root / leftovers).iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd
