"""A worker's output: read as it comes, line by line, into CloudWatch Logs."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Sequence

Sink = Callable[[Sequence[tuple[int, str]]], None]
"""Takes (milliseconds since 1970, line) pairs, oldest first."""

TAIL_BYTES = 4096


class LogPipe:
    """A pipe whose write end is a worker's stdout and stderr.

    Everything that a worker wrote before it answered is in the pipe when the answer arrives, so :meth:`drain` at that
    moment separates one invocation's lines from the next one's.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._read, self.write_end = os.pipe()
        os.set_blocking(self._read, False)
        self._lock = threading.Lock()
        self._partial = b""
        self._tail: list[str] = []
        self._open = True

    def start(self) -> None:
        """Begin to read; the write end belongs to the worker from here on."""
        os.close(self.write_end)
        threading.Thread(target=self._pump, name="function-logs", daemon=True).start()

    def begin(self) -> None:
        """A new invocation: its tail is empty."""
        with self._lock:
            self._tail = []

    def say(self, line: str) -> None:
        """Add a line of the service's own, such as START or REPORT."""
        with self._lock:
            self._emit([line])

    def drain(self) -> None:
        """Take what has been written so far."""
        with self._lock:
            self._take()

    def tail(self) -> bytes:
        """The last 4 KB of this invocation's lines."""
        with self._lock:
            return "".join(f"{line}\n" for line in self._tail).encode()[-TAIL_BYTES:]

    def _pump(self) -> None:
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        while self._open:
            poll.poll()
            with self._lock:
                self._take()
        os.close(self._read)

    def _take(self) -> None:
        lines: list[str] = []
        while self._open:
            with contextlib.suppress(BlockingIOError):
                data = os.read(self._read, 65536)
                self._partial += data
                *whole, self._partial = self._partial.split(b"\n")
                lines += [_text(line) for line in whole]
                if data:
                    continue
                self._open = False  # every writer is gone
                if self._partial:
                    lines.append(_text(self._partial))
                    self._partial = b""
            break
        self._emit(lines)

    def _emit(self, lines: list[str]) -> None:
        if not lines:
            return
        self._tail += lines
        now = int(time.time() * 1000)
        self._sink([(now, line) for line in lines])


def _text(line: bytes) -> str:
    return line.decode(errors="replace").replace("\r", "\n")  # the runtime client joins a traceback's lines with \r
