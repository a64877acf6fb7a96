"""The table at the end of a seekable zstd file: where each frame begins, compressed and inflated.

References: ``contrib/seekable_format/zstd_seekable_compression_format.md`` of the zstd sources.
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass, field

from fanout.blend.sources import BlendDamage, Source

MAGIC = 0x8F92EAB1
FOOTER = struct.Struct("<IBI")  # frames, descriptor, magic
HEAD = 8  # bytes of the skippable frame's own header
CHECKSUMS = 0x80  # in the descriptor: every entry carries one
MOST_FRAMES = 1 << 18  # Blender writes them as it flushes: some hold 500 bytes, others 2 MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One zstd frame."""

    at: int  # first byte in the inflated file
    start: int  # first byte in the compressed file
    compressed: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SeekTable:
    """All frames in order."""

    frames: tuple[Frame, ...]
    size: int  # bytes of the inflated file
    _places: tuple[int, ...] = field(default=())

    def frame_at(self, position: int) -> int:
        """Which frame holds a byte of the inflated file."""
        return bisect_right(self._places, position) - 1


def read_seek_table(source: Source) -> SeekTable | None:
    """The table, or None if the file has none. Raises BlendDamage if it contradicts the file."""
    footer = source.read(source.size - FOOTER.size, source.size)
    if len(footer) < FOOTER.size:
        return None
    count, descriptor, magic = FOOTER.unpack(footer)
    if magic != MAGIC:
        return None
    entry = struct.Struct("<II4x" if descriptor & CHECKSUMS else "<II")
    begin = source.size - FOOTER.size - count * entry.size
    if not 0 < count <= MOST_FRAMES or begin < HEAD:
        raise BlendDamage(f"its zstd seek table claims {count:,} frames in a file of {source.size:,} bytes")
    return _table(list(entry.iter_unpack(source.read(begin, source.size - FOOTER.size))), begin - HEAD)


def _table(sizes: list[tuple[int, int]], stop: int) -> SeekTable:
    """``sizes``: compressed and inflated bytes of each frame; the last frame must end at ``stop``."""
    frames: list[Frame] = []
    start = at = 0
    for compressed, inflated in sizes:
        if inflated:
            frames.append(Frame(at=at, start=start, compressed=compressed))
        start += compressed
        at += inflated
    if start != stop:
        raise BlendDamage(f"its zstd frames end at byte {stop:,}, the seek table says {start:,}: truncated or damaged")
    return SeekTable(frames=tuple(frames), size=at, _places=tuple(frame.at for frame in frames))
