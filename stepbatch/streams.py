"""What this command writes to, so that a reader who leaves or a full disk ends it in a word and without a traceback."""

import io
import os
import sys
from typing import TYPE_CHECKING

from stepbatch.errors import OutputClosed, OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STREAMS = ("stdout", "stderr")


class Outlet(io.FileIO):
    """A descriptor that says in our own words why it cannot be written: libraries have their own ways with EPIPE."""

    def __init__(self, descriptor: int, called: str) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._called = called

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise OutputClosed(self._called) from None
        except OSError as error:
            raise OutputError(f"{self._called} cannot be written: {error.strerror}") from None


def guard() -> None:
    """Puts our own streams in the place of ``sys.stdout`` and ``sys.stderr``, those that there are."""
    for name in STREAMS:
        before: io.TextIOWrapper | None = getattr(sys, name)
        if before is None:
            continue
        before.flush()
        utf8 = before.encoding.lower().replace("-", "") == "utf8"
        after = io.TextIOWrapper(
            io.BufferedWriter(Outlet(before.fileno(), name)),
            encoding=before.encoding,
            errors="surrogateescape" if utf8 else "replace",  # names of files are any bytes
            line_buffering=before.line_buffering,
        )
        setattr(sys, name, after)


def flush() -> None:
    """Writes what is held back. Raises OutputClosed or OutputError."""
    for name in STREAMS:
        if stream := getattr(sys, name):
            stream.flush()


def abandon() -> None:
    """What is held back goes nowhere: the interpreter would try to write it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for name in STREAMS:
        if stream := getattr(sys, name):
            os.dup2(nowhere, stream.fileno())
