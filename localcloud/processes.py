"""Starting processes that cannot outlive this one.

A child asks the kernel for SIGKILL when its parent dies (PR_SET_PDEATHSIG). The kernel means the *thread* that forked,
so every child is forked by one thread that lives as long as the cloud does.
"""

import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO


class Spawner:
    """Forks children, each in a process group of its own, from one long-lived thread."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], dict[str, object]]] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._run, name="spawner", daemon=True).start()

    def popen(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], directory: Path, output: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a process with nothing on its stdin, and stdout and stderr both to ``output``."""
        future: Future[subprocess.Popen[bytes]] = Future()
        options = {"args": arguments, "env": environment, "cwd": directory, "stdout": output, "stderr": output}
        self._requests.put((future, options))
        return future.result()

    def _run(self) -> None:
        while True:
            future, options = self._requests.get()
            try:
                process = subprocess.Popen(stdin=subprocess.DEVNULL, start_new_session=True, **options)  # type: ignore[call-overload]
            except Exception as error:  # noqa: BLE001 it is raised again where popen() waits
                future.set_exception(error)
            else:
                future.set_result(process)
