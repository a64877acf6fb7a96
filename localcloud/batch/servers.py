"""The engine's end of a fork server."""

import json
import os
import select
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from localcloud.batch.launch import Launch

PROGRAM = Path(__file__).with_name("forkserver.py")
PACKET = 1 << 20

type Key = tuple[str, int]  # job id, attempt
type Report = Mapping[str, Any]


def name(key: Key) -> str:
    """How an attempt is called on the wire."""
    return f"{key[0]}#{key[1]}"


def key(text: str) -> Key:
    """The inverse of ``name``."""
    job_id, _, attempt = text.rpartition("#")
    return job_id, int(attempt)


class Server:
    """One fork server. It belongs to the thread that made it: the kernel ends it with that thread."""

    def __init__(self, environment: Mapping[str, str], *, interpreter: str, package: str | None) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [interpreter, "-P", str(PROGRAM), str(theirs.fileno()), *filter(None, [package])],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # what modules print while they are imported
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket.setblocking(False)
        self.ready = False
        self._dead = False
        self._unread: deque[bytes] = deque()
        self._waiting: list[tuple[bytes, int | None]] = []  # until it is ready
        self.pids: dict[Key, int | None] = {}  # of attempts that have not ended; None until it has said so

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def spawn(self, launch: Launch, output: int) -> None:
        """Run an attempt that writes to the descriptor ``output``, which is closed here."""
        attempt = (launch.job_id, launch.attempt)
        self.pids[attempt] = None
        request = {
            "spawn": name(attempt),
            "argv": launch.argv,
            "arguments": launch.arguments,
            "env": launch.environment,
            "cwd": str(launch.directory),
            "afterwards": launch.afterwards,
        }
        self._send(json.dumps(request).encode(), output)

    def signal(self, attempt: Key, number: signal.Signals) -> None:
        """Signal the process group of an attempt, if it has not ended."""
        if attempt in self.pids:
            self._send(json.dumps({"signal": name(attempt), "number": int(number)}).encode(), None)

    @property
    def unread(self) -> bool:
        """Whether it has said something that select does not show any more."""
        return bool(self._unread)

    def reports(self) -> Iterator[Report]:
        """What it has said since; raises EOFError when it has died."""
        self._drain()
        while self._unread:
            report = json.loads(self._unread.popleft())
            self._note(report)
            yield report
        if self._dead:
            raise EOFError

    def _note(self, report: Report) -> None:
        if "ready" in report:
            self.ready = True
            waiting, self._waiting = self._waiting, []
            for request, output in waiting:
                self._send(request, output)
        elif "started" in report:
            self.pids[key(report["started"])] = report["pid"]
        else:
            self.pids.pop(key(report.get("ended") or report["failed"]), None)

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while not self._dead:
                try:
                    packet = self._socket.recv(PACKET)
                except ConnectionResetError:
                    packet = b""
                if packet:
                    self._unread.append(packet)
                else:
                    self._dead = True

    def close(self) -> None:
        """It kills its children and ends when it sees this; dead already, its children's groups are killed here."""
        for _, output in self._waiting:
            if output is not None:
                os.close(output)
        self._waiting.clear()
        self._socket.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in self.pids.values():
            if pid is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)

    def _send(self, request: bytes, output: int | None) -> None:
        if not self.ready:
            self._waiting.append((request, output))
            return
        try:
            while not self._dead and not self._sent(request, output):
                self._drain()  # it may be waiting for us to read before it reads on
                select.select([self._socket], [self._socket], [])
        finally:
            if output is not None:
                os.close(output)

    def _sent(self, request: bytes, output: int | None) -> bool:
        try:
            socket.send_fds(self._socket, [request], [] if output is None else [output])
        except BlockingIOError:
            return False
        except (BrokenPipeError, ConnectionResetError):
            pass  # its death is noticed when its reports are read
        return True
