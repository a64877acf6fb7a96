"""What an MP4 film says about itself: enough to check that it is the film that was asked for.

References: ISO/IEC 14496-12 (ISO base media file format): ``moov``, ``mdhd``, ``stts``, ``stsd``, ``colr``.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from mmap import mmap

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
VISUAL_ENTRY = 86  # bytes of a sample entry before the boxes in it
BT709 = (1, 1, 1)  # primaries, transfer, matrix


class DamagedFilm(ValueError):  # noqa: N818 - says what is wrong with a film
    """Not a film, or not the one that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The video track, and whether there is sound."""

    frames: int
    rate: Fraction  # frames a second
    width: int
    height: int
    aspect: Fraction = Fraction(1)  # a pixel's width by its height
    codec: str  # avc1
    colours: tuple[int, int, int] | None  # primaries, transfer, matrix
    full_range: bool
    streamable: bool  # whether the index lies before the pictures
    sound: bool


def boxes(data: bytes | mmap, start: int = 0, stop: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """``(type, first byte, end)`` of the content of each box."""
    stop = len(data) if stop is None else stop
    while start + 8 <= stop:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            [size], head = struct.unpack_from(">Q", data, start + 8), 16
        end = stop if size == 0 else start + size
        if end > stop or size in range(1, head):
            raise DamagedFilm(f"its box {kind!r} at byte {start:,} claims {size:,} bytes")
        yield kind, start + head, end
        start = end


def read_film(data: bytes | mmap) -> Film:
    """Raises DamagedFilm if there is no video track, or its frames have no one rate."""
    order = [kind for kind, _, _ in boxes(data)]
    moov = next(((start, end) for kind, start, end in boxes(data) if kind == b"moov"), None)
    if moov is None:
        raise DamagedFilm("it has no index")
    tracks = [_tables(data, start, end) for kind, start, end in boxes(data, *moov) if kind == b"trak"]
    video = next((track for track in tracks if _handler(data, track) == b"vide"), None)
    if video is None:
        raise DamagedFilm("it has no video track")
    frames, rate = _timing(data, video)
    codec, width, height, aspect, colours, full_range = _picture(data, video)
    return Film(
        frames=frames,
        rate=rate,
        width=width,
        height=height,
        aspect=aspect,
        codec=codec,
        colours=colours,
        full_range=full_range,
        streamable=order.index(b"moov") < order.index(b"mdat"),
        sound=any(_handler(data, track) == b"soun" for track in tracks),
    )


Tables = dict[bytes, tuple[int, int]]


def _tables(data: bytes | mmap, start: int, end: int) -> Tables:
    """Every box of a track by its type."""
    found: Tables = {}
    for kind, first, last in boxes(data, start, end):
        found[kind] = (first, last)
        if kind in CONTAINERS:
            found |= _tables(data, first, last)
    return found


def _handler(data: bytes | mmap, track: Tables) -> bytes:
    start, _ = track.get(b"hdlr", (0, 0))
    return data[start + 8 : start + 12]


def _timing(data: bytes | mmap, track: Tables) -> tuple[int, Fraction]:
    """How many frames, and how many a second."""
    clock, _ = track[b"mdhd"]
    [timescale] = struct.unpack_from(">I", data, clock + (20 if data[clock] else 12))
    start, _ = track[b"stts"]
    [entries] = struct.unpack_from(">I", data, start + 4)
    runs = [struct.unpack_from(">II", data, start + 8 + 8 * index) for index in range(entries)]
    if len({delta for _, delta in runs}) != 1 or not runs[0][1]:
        raise DamagedFilm(f"its frames last differently: {runs[:3]}")
    return sum(count for count, _ in runs), Fraction(timescale, runs[0][1])


def _picture(data: bytes | mmap, track: Tables) -> tuple[str, int, int, Fraction, tuple[int, int, int] | None, bool]:
    """Codec, width, height, shape of a pixel, colours, full range."""
    entry, _ = track[b"stsd"][0] + 8, track[b"stsd"][1]
    size, kind = struct.unpack_from(">I4s", data, entry)
    width, height = struct.unpack_from(">HH", data, entry + 32)
    aspect, colours, full_range = Fraction(1), None, False
    for name, start, _ in boxes(data, entry + VISUAL_ENTRY, entry + size):
        if name == b"colr" and data[start : start + 4] == b"nclx":
            colours = struct.unpack_from(">HHH", data, start + 4)
            full_range = bool(data[start + 10] & 0x80)
        if name == b"pasp":
            across, down = struct.unpack_from(">II", data, start)
            aspect = Fraction(across, down) if across and down else aspect
    return kind.decode("latin-1"), width, height, aspect, colours, full_range
