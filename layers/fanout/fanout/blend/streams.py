"""The bytes of a .blend in order, inflated where the file is compressed. Blender itself picks by the first bytes."""

import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import Protocol

import zstandard

from fanout.blend.seektable import SeekTable, read_seek_table
from fanout.blend.sources import LOOKING, PASSING, BlendDamage, ReadAhead, Source, SourceFile

GZIP, ZSTD, SKIPPABLE = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x18\x4d\x2a"  # the last without its first byte, 0x50-0x5f
PIECE = 1 << 17  # bytes that one step inflates at most
BOMB_BYTES = 1 << 28  # inflated bytes from which the ratio counts
BOMB_RATIO = 100  # Blender's own files stay below 20; deflate reaches 1,032
MOST_INFLATED = 1 << 35  # bytes of a stream that cannot be skipped in
WINDOW = 1 << 25  # bytes that zstd may look back; Blender's files need 2^21
FRAME = 1 << 21  # inflated bytes of a zstd frame that Blender writes at most
SLACK = 1 << 16  # bytes: far more than zstd adds to what it cannot compress


class Stream(Protocol):
    """Bytes in order."""

    compression: str
    end: int | None  # where the stream ends, or None where only reading on can tell: then it cannot go back either
    patience: int  # bytes of the file that may be read for details that the renderer would find out too

    @property
    def position(self) -> int: ...

    def read(self, count: int) -> bytes:
        """The next bytes, fewer at the end."""
        ...

    def skip(self, count: int) -> None:
        """Passes over bytes, perhaps beyond the end."""
        ...


class RawStream:
    """An uncompressed file: every jump is free."""

    compression = "none"
    patience = 5 << 18

    def __init__(self, source: Source) -> None:
        self._ahead = ReadAhead(source)
        self.position = 0
        self.end: int | None = source.size

    def read(self, count: int) -> bytes:
        data = self._ahead.read(self.position, count)
        self.position += len(data)
        return data

    def skip(self, count: int) -> None:
        self.position += count


class BombGuard:
    """Stops inflating what grows out of all proportion."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._inflated = 0

    def count(self, inflated: int) -> None:
        self._inflated += inflated
        read = self._source.bytes_read
        if self._inflated > BOMB_BYTES and self._inflated > BOMB_RATIO * read:
            raise BlendDamage(
                f"{read:,} bytes inflate to more than {self._inflated:,}: a decompression bomb, not a .blend file"
            )
        if self._inflated > MOST_INFLATED:
            raise BlendDamage(
                f"more than {MOST_INFLATED:,} bytes had to be inflated to find the scene: "
                "save it uncompressed, or with Blender 3.0 or newer"
            )


class ForwardStream:
    """What can only be inflated from its beginning: gzip, and zstd without a seek table."""

    patience = 0

    def __init__(self, source: Source, compression: str, pieces: Iterator[bytes]) -> None:
        self.compression = compression
        self.end: int | None = None
        self._pieces = pieces
        self._guard = BombGuard(source)
        self._buffer, self._start, self._at = b"", 0, 0  # a piece, where it begins in the stream, what of it is read

    @property
    def position(self) -> int:
        return self._start + self._at

    def read(self, count: int) -> bytes:
        stop = self._at + count
        taken = self._buffer[self._at : stop]
        self._at = stop
        while len(taken) < count and self._next():
            taken += self._buffer[: self._at]
        return taken

    def skip(self, count: int) -> None:
        self._at += count
        while self._at > len(self._buffer) and self._next():
            pass

    def _next(self) -> bool:
        """Goes on to the next piece; at the end the position stays there."""
        self._at -= len(self._buffer)
        self._start += len(self._buffer)
        self._buffer = next(self._pieces, b"")
        self._guard.count(len(self._buffer))
        if not self._buffer:
            self._at = 0
        return bool(self._buffer)


def gunzip(source: Source) -> Iterator[bytes]:
    """Inflated pieces of a gzip file, all its members one after the other."""
    ahead, at, waiting = ReadAhead(source, PASSING), 0, b""
    inflater = zlib.decompressobj(wbits=31)
    while True:
        if not waiting:
            waiting = ahead.read(at, PIECE)
            at += len(waiting)
        if not waiting:
            return
        try:
            piece = inflater.decompress(waiting, PIECE)
        except zlib.error as error:
            raise BlendDamage(f"its gzip compression is damaged: {error}") from error
        waiting = inflater.unconsumed_tail
        if inflater.eof:
            waiting = inflater.unused_data
            if waiting and not waiting.startswith(GZIP[: len(waiting)]):
                waiting, at = b"", source.size  # what follows the last member is not part of the file
            inflater = zlib.decompressobj(wbits=31)
        if piece:
            yield piece


def unzstd(compressed: SourceFile) -> Iterator[bytes]:
    """Inflated pieces of zstd frames."""
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(
        BufferedReader(compressed, ReadAhead.FIRST), read_size=ReadAhead.FIRST, read_across_frames=True
    )
    while True:
        try:
            piece = reader.read(PIECE)
        except zstandard.ZstdError as error:
            raise BlendDamage(f"its zstd compression is damaged: {error}") from error
        if not piece:
            return
        yield piece


class SeekableZstdStream:
    """A zstd file with a seek table, as Blender writes since 3.0: only frames that are looked into are inflated."""

    compression = "zstd"
    patience = 1 << 19  # every jump may cost a whole frame

    def __init__(self, source: Source, table: SeekTable) -> None:
        self._source, self._table = source, table
        self._guard = BombGuard(source)
        self.position = 0
        self.end: int | None = table.size
        self._frame = -1  # which frame is being inflated
        self._pieces: Iterator[bytes] = iter(())
        self._buffer, self._buffer_at = b"", 0  # the last inflated piece, and where it begins in the stream

    def read(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count and self.position < self._table.size:
            if not self._reach():
                frame = self._table.frames[self._frame]
                raise BlendDamage(f"its zstd frame at byte {frame.start:,} is shorter than the seek table says")
            offset = self.position - self._buffer_at
            more = self._buffer[offset : offset + count - len(taken)]
            taken += more
            self.position += len(more)
        return taken

    def skip(self, count: int) -> None:
        self.position += count

    def _reach(self) -> bool:
        """Inflates on until the buffer holds the position; False where its frame ends before."""
        wanted = self._table.frame_at(self.position)
        if wanted != self._frame or self.position < self._buffer_at:
            frame = self._table.frames[wanted]
            self._frame, self._buffer, self._buffer_at = wanted, b"", frame.at
            part = SourceFile(self._source, frame.start, frame.start + frame.compressed, ahead=LOOKING)
            self._pieces = unzstd(part)
        while self.position >= self._buffer_at + len(self._buffer):
            self._buffer_at += len(self._buffer)
            self._buffer = next(self._pieces, b"")
            self._guard.count(len(self._buffer))
            if not self._buffer:
                return False
        return True


def open_stream(source: Source) -> Stream:
    """The inflated bytes of a file. Raises BlendDamage if it begins like no .blend file."""
    magic = source.read(0, 7)
    if magic[:2] == GZIP:
        return ForwardStream(source, "gzip", gunzip(source))
    if magic[:4] == ZSTD or (magic[1:4] == SKIPPABLE and magic[0] & 0xF0 == 0x50):
        if table := read_seek_table(source):
            return SeekableZstdStream(source, table)
        if 0 < (first := frame_content_size(source)) <= FRAME and source.size > first + SLACK:  # more frames follow
            raise BlendDamage("truncated: the seek table that Blender writes at the end is missing")
        return ForwardStream(source, "zstd", unzstd(SourceFile(source)))
    if magic == b"BLENDER":
        return RawStream(source)
    if not source.size:
        raise BlendDamage("the file is empty")
    raise BlendDamage(f"not a .blend file: it begins with {magic!r}")


def frame_content_size(source: Source) -> int:
    """Inflated bytes of the first zstd frame, -1 if it does not say. A frame compressed by hand is the whole file."""
    try:
        return zstandard.frame_content_size(source.read(0, 18))
    except zstandard.ZstdError as error:
        raise BlendDamage(f"its zstd compression is damaged: {error}") from error
