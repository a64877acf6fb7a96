"""Files that the user names, made fit to be read more than once."""

import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from fanout.errors import LocatedError
from stepbatch.errors import UsageError

STDIN = Path("-")
PIECE = 1 << 20  # bytes
LONGEST = 4 << 30  # bytes of a pipe; six million positions


@contextmanager
def copies(*paths: Path | None) -> Iterator[Mapping[Path, Path]]:
    """Copies of those that can be read only once: ``-`` for stdin, pipes, ``<(…)``. Raises UsageError naming one.

    Each is called ``input.json`` in a directory of its own, which goes with the ``with`` block.
    """
    with TemporaryDirectory(prefix="stepbatch-") as directory:
        made = {}
        for number, path in enumerate(paths):
            if path is not None and read_once(path):
                made[path] = Path(directory) / str(number) / "input.json"
                made[path].parent.mkdir()
                copy(path, made[path])
        yield made


def read_once(path: Path) -> bool:
    """Whether a second reading would find nothing, or not the same."""
    if path == STDIN:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # whoever opens it says what is wrong
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def copy(source: Path, target: Path) -> None:
    with reading(source), target.open("wb") as written:
        if source == STDIN:
            copy_stream(sys.stdin.buffer, written, source)
            return
        with source.open("rb") as stream:
            copy_stream(stream, written, source)


def copy_stream(stream: BinaryIO, written: BinaryIO, source: Path) -> None:
    while piece := stream.read(PIECE):
        if written.tell() + len(piece) > LONGEST:
            raise UsageError(f"{source} gives more than {LONGEST >> 30} GiB: save it to a file first")
        written.write(piece)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What goes wrong with a file in the block is told with its name."""
    try:
        yield
    except LocatedError as error:
        raise type(error)(f"{path}: {error.where}", error.problem) from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
