"""The engine's end of a fork server."""

import json
import os
import select
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from localcloud.batch.launch import Launch
from localcloud.errors import LocalCloudError

PROGRAM = Path(__file__).with_name("forkserver.py")
PACKET = 1 << 20
OVERHEAD = 32  # bytes of a packet's room that the kernel keeps for itself

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
        with ExitStack() as failing:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            failing.enter_context(self._socket)
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    [interpreter, "-P", str(PROGRAM), str(theirs.fileno()), *filter(None, [package])],
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,  # what modules print while they are imported
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            failing.pop_all()
        self._socket.setblocking(False)
        self._longest = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) - OVERHEAD
        self._either = select.poll()  # to read from it or to write to it
        self._either.register(self._socket, select.POLLIN | select.POLLOUT)
        self.ready = False
        self._dead = False
        self._unread: deque[bytes] = deque()
        self._waiting: dict[Key, tuple[bytes, int]] = {}  # what it is to run once it is ready
        self.pids: dict[Key, int | None] = {}  # of attempts that have not ended; None until it has said so

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def spawn(self, launch: Launch, output: int) -> None:
        """Run an attempt that writes to the descriptor ``output``, which is closed here. Raises LocalCloudError."""
        attempt = (launch.job_id, launch.attempt)
        request = {
            "spawn": name(attempt),
            "argv": launch.argv,
            "arguments": launch.arguments,
            "env": launch.environment,
            "cwd": str(launch.directory),
            "afterwards": launch.afterwards,
        }
        packet = json.dumps(request).encode()
        if len(packet) > self._longest:
            os.close(output)
            raise LocalCloudError(f"its command and environment are too long: {len(packet):,} bytes in all")
        self.pids[attempt] = None
        if self.ready:
            self._send(packet, output)
        else:
            self._waiting[attempt] = packet, output

    def signal(self, attempt: Key, number: signal.Signals) -> None:
        """Signal the process group of an attempt, if it has not ended. One that still waits will not begin."""
        if attempt in self._waiting:
            _, output = self._waiting.pop(attempt)
            os.close(output)
            self._unread.append(json.dumps({"failed": name(attempt), "reason": "stopped before it began"}).encode())
        elif attempt in self.pids:
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
            waiting, self._waiting = self._waiting, {}
            for request, output in waiting.values():
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

    def kill(self) -> None:
        """End it though it may not listen; ``reports`` raises EOFError then."""
        os.killpg(self._process.pid, signal.SIGKILL)  # with what modules have started while they were imported

    def close(self) -> None:
        """It kills its children and ends when it sees this; dead already, its children's groups are killed here."""
        for _, output in self._waiting.values():
            os.close(output)
        self._waiting.clear()
        self._socket.close()
        if not self.ready and self._process.poll() is None:  # it does not listen yet
            self.kill()
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
        try:
            while not self._dead and not self._sent(request, output):
                self._drain()  # it may be waiting for us to read before it reads on
                self._either.poll()
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
