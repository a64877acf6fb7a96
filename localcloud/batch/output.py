"""What attempts print, on its way to the logs: read in bounded pieces, delivered in whole lines."""

import fcntl
import logging
import os
from contextlib import suppress

from localcloud.batch.ports import Logs

LOG = logging.getLogger(__name__)

CAPACITY = 1 << 18  # bytes an attempt may print before it has to wait for a look at it
PIECE = 1 << 16  # bytes read at once
ROUND = 1 << 20  # bytes taken from one attempt before others have their turn
LAST_ROUNDS = 64  # for what an attempt has left behind: a process that escaped it could write for ever
LINE = 262_118  # bytes of one event: CloudWatch's 262,144 less its own 26


class Output:
    """The reading end of one attempt's stdout and stderr."""

    def __init__(self, descriptor: int, logs: Logs, group: str, stream: str) -> None:
        os.set_blocking(descriptor, False)
        with suppress(OSError):  # the user's share of pipe memory may be used up
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, CAPACITY)
        self._descriptor = descriptor
        self._logs = logs
        self._group = group
        self._stream = stream
        self._rest = b""  # of a line that is not complete
        self._written = False

    def begin(self) -> None:
        """The attempt runs: its stream is there, whether it prints or not."""
        self._append([])
        self._written = True

    def pump(self, now: int) -> bool:
        """Deliver what is there; True if there may be more already."""
        taken = 0
        with suppress(BlockingIOError):
            while taken < ROUND and (piece := os.read(self._descriptor, PIECE)):
                taken += len(piece)
                self._rest += piece
                self._deliver(now, last=False)
        return taken >= PIECE

    def finish(self, now: int) -> None:
        """The attempt has ended: deliver the rest, an unfinished line included."""
        for _ in range(LAST_ROUNDS):
            if not self.pump(now):
                break
        self._deliver(now, last=True)
        if not self._written:
            self.begin()
        self.close()

    def close(self) -> None:
        """Deliver nothing more."""
        os.close(self._descriptor)

    def _deliver(self, now: int, *, last: bool) -> None:
        *lines, self._rest = self._rest.split(b"\n")
        if last or len(self._rest) > LINE:
            lines.append(self._rest)
            self._rest = b""
        events = [
            (now, line[start : start + LINE].decode(errors="replace"))
            for line in lines
            for start in range(0, len(line), LINE)
        ]
        if events:
            self._append(events)
            self._written = True

    def _append(self, events: list[tuple[int, str]]) -> None:
        try:
            self._logs.append(self._group, self._stream, events)
        except Exception:
            LOG.exception("batch: %s events of %s %s are lost", len(events), self._group, self._stream)
