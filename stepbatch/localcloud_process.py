"""The local cloud as a child process: started here and nowhere else, and never left behind.

It runs in a session of its own, so that Ctrl-C reaches this process alone, and holds the reading end of a pipe: when
this process dies, however it dies, the pipe closes and the local cloud ends with everything it started.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from stepbatch.errors import CloudError, UsageError

# The template's defaults are the AWS Batch guide's: 32 vCPUs and 32 GiB a child. On a laptop each would run alone.
LAPTOP = {"JobBVcpus": 1, "JobBMemory": 1024, "JobCMemory": 1024, "JobDMemory": 2048}
TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
READY_SECONDS = 300.0  # it takes 3 to 8, on a machine under load more than a minute; one that died is told at once
GRACE_SECONDS = 10.0  # it ends its children first
LOG_LINES = 12  # of a local cloud that did not start


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the local cloud says of itself when it answers requests."""

    endpoint_url: str
    region: str
    stack: str
    outputs: dict[str, str]

    @property
    def credentials(self) -> dict[str, str]:
        """Of the developer, who may do everything; the gateway knows any key that is no role's as this one."""
        return {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


class LocalCloud:
    """A running local cloud."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path | None) -> None:
        self._process = process
        self._log = log

    def ready(self, deadline: float) -> Ready:
        """Waits for the line that says it is ready. Raises CloudError with the end of its log if it never comes."""
        line = self._first_line(deadline)
        if line is None:
            busy = "if this machine is very busy, start again when it is less so"
            raise CloudError(f"the local cloud is not ready after {READY_SECONDS:.0f} s; {busy}{self._last_words()}")
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
            raise CloudError(f"the local cloud did not start{self._last_words()}") from None
        return Ready(
            endpoint_url=said["endpointUrl"], region=said["region"], stack=said["stack"], outputs=said["outputs"]
        )

    def ended(self) -> str | None:
        """How it ended, in words with the end of its log, or None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"the local cloud {how}{self._last_words()}"

    def wait(self) -> int:
        """Blocks until it ends by itself; its exit status."""
        return self._process.wait()

    def stop(self) -> None:
        """Ends it: by its pipe, then by SIGTERM, then by force."""
        for stdin in filter(None, [self._process.stdin]):
            with suppress(OSError):
                stdin.close()
        for wait, end in ((GRACE_SECONDS, self._process.terminate), (GRACE_SECONDS / 2, self._kill)):
            try:
                self._process.wait(wait)
            except subprocess.TimeoutExpired:
                end()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _first_line(self, deadline: float) -> bytes | None:
        """Its first line, empty if it closed its output without one, None if the deadline passed."""
        stdout = self._process.stdout
        assert stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            piece = os.read(stdout.fileno(), 65536)
            if not piece:
                return b""
            line += piece
        return line

    def _last_words(self) -> str:
        if self._log is None or not self._log.exists():
            return ""
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        if not lines:
            return f"; {self._log} is empty"
        return f"; the end of {self._log}:\n" + "\n".join(f"  {line}" for line in lines)


@contextmanager
def local_cloud(
    *,
    port: int = 0,
    state: Path | None = None,
    workers: int | None = None,
    containers: bool = False,
    log: Path | None = None,
) -> Iterator[LocalCloud]:
    """A local cloud for the length of a ``with`` block.

    ``port`` 0 is any free one; ``state`` keeps objects on disk; ``containers`` runs jobs in containers; ``log`` takes
    what it writes to stderr, else it goes to ours. Raises UsageError if the port is taken or the template is not there.
    """
    if not TEMPLATE.exists():
        raise UsageError(f"{TEMPLATE} is not there: stepbatch runs the template of the clone that it is installed from")
    if port:
        refuse_taken(port)
    command = [sys.executable, "-P", "-m", "localcloud", "--template", str(TEMPLATE), "--port", str(port)]
    command += ["--exit-with-stdin", *(f"--parameter={name}={value}" for name, value in LAPTOP.items())]
    command += ["--state", str(state)] if state else []
    command += ["--workers", str(workers)] if workers else []
    command += ["--containers"] if containers else []
    stderr: IO[bytes] | None = log.open("wb") if log else None
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments, no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )
    finally:
        if stderr:
            stderr.close()
    cloud = LocalCloud(process, log)
    try:
        yield cloud
    finally:
        cloud.stop()


def refuse_taken(port: int) -> None:
    """Raises UsageError if something listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise UsageError(
                f"port {port} of 127.0.0.1 cannot be had ({reason}): "
                "end what listens there (another stepbatch up?), or choose another with --port"
            ) from None
