"""Starting processes that cannot outlive this one.

A child asks the kernel for SIGKILL when its parent dies (PR_SET_PDEATHSIG). The kernel means the *thread* that forked,
so every child is forked by one thread that lives as long as the cloud does. A guardian process kills what the children
have started themselves, and removes the temporary files.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO

_GUARDIAN = Path(__file__).with_name("guardian.py")
type _Request = tuple[Future[subprocess.Popen[bytes]], dict[str, object]]


class Spawner:
    """Forks children, each in a process group of its own, from one long-lived thread.

    ``scratch`` is removed when they have ended, whatever way this process does.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._guardian: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._guardian = subprocess.Popen(  # noqa: S603 our own file
            [sys.executable, "-I", "-S", str(_GUARDIAN), str(self._scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={},
        )
        threading.Thread(target=self._run, name="spawner", daemon=True).start()

    def stop(self) -> None:
        """Let the guardian kill what still runs, and wait for it."""
        assert self._guardian is not None
        assert self._guardian.stdin is not None
        self._guardian.stdin.close()
        self._guardian.wait()

    def popen(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], directory: Path, output: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a process with nothing on its stdin, and stdout and stderr both to ``output``."""
        future: Future[subprocess.Popen[bytes]] = Future()
        options = {"args": arguments, "env": environment, "cwd": directory, "stdout": output, "stderr": output}
        self._requests.put((future, options))
        return future.result()

    def reap(self, process: subprocess.Popen[bytes]) -> int:
        """Wait until the process has ended, then end what it left in its group; its return code."""
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # not yet reaped: its number is not given away
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        self._tell(f"-{process.pid}\n")
        return code

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            future, options = request
            try:
                process = subprocess.Popen(stdin=subprocess.DEVNULL, start_new_session=True, **options)  # type: ignore[call-overload]  # options come from popen()
            except Exception as error:  # noqa: BLE001 it is raised again where popen() waits
                future.set_exception(error)
            else:
                self._tell(f"+{process.pid}\n")
                future.set_result(process)

    def _tell(self, line: str) -> None:
        assert self._guardian is not None
        assert self._guardian.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):  # it is gone, or we are stopping
            os.write(self._guardian.stdin.fileno(), line.encode())
