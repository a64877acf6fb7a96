"""PNG frames: whole or not, and free of what differs between two renders of the same pixels.

References: Portable Network Graphics Specification (Third Edition), W3C, sections 5 and 11 (11.3.4.3 for pHYs).
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

SIGNATURE = b"\x89PNG\r\n\x1a\n"
STAMPS = {b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf"}  # dates, render times, paths
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type -> samples a pixel
ALPHA = {4, 6}
FIXED = 12  # bytes of a chunk besides its data: length, type, checksum
HEADER = 25  # bytes of the chunk IHDR
FINEST_ASPECT = 100  # the smaller number: Blender cuts to whole pixels a metre, and finer ones would be that error
PIECE = 1 << 20


class DamagedImage(ValueError):  # noqa: N818 - says what is wrong with a frame; the caller says which frame
    """Not a whole PNG image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a frame says about itself."""

    width: int  # pixels
    height: int
    depth: int  # bits a sample
    colour: int  # colour type
    aspect: Fraction = Fraction(1)  # a pixel's width by its height

    @property
    def alpha(self) -> bool:
        return self.colour in ALPHA

    @property
    def raw_size(self) -> int:
        """Bytes of the inflated pixels, a filter byte a row included."""
        return self.height * (1 + (self.width * CHANNELS[self.colour] * self.depth + 7) // 8)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """``(type, content, whole chunk)``. Raises DamagedImage if one is cut off or its checksum is wrong."""
    if not data.startswith(SIGNATURE):
        raise DamagedImage(f"it begins with {data[:8]!r}: no PNG image")
    at = len(SIGNATURE)
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        whole = data[at : at + FIXED + length]
        kind, content = whole[4:8], whole[8:-4]
        if len(whole) < FIXED + length:
            raise DamagedImage(f"it ends at byte {len(data):,}, in chunk {kind!r}")
        if zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:]):
            raise DamagedImage(f"the checksum of chunk {kind!r} at byte {at:,} is wrong")
        yield kind, content, whole
        if kind == b"IEND":
            return
        at += len(whole)
    raise DamagedImage("it has no end")


def inspect(data: bytes) -> Image:
    """Raises DamagedImage unless the image is there to its last row."""
    parts = list(chunks(data))
    if not parts or parts[0][0] != b"IHDR" or len(parts[0][2]) != HEADER:
        raise DamagedImage("it has no header")
    head = parts[0][1]
    image = Image(
        width=int.from_bytes(head[:4]),
        height=int.from_bytes(head[4:8]),
        depth=head[8],
        colour=head[9],
        aspect=pixel_aspect(next((content for kind, content, _ in parts if kind == b"pHYs"), b"")),
    )
    if image.colour not in CHANNELS or not image.width or not image.height or head[12]:
        raise DamagedImage(f"it has {image.width} × {image.height} pixels of colour type {image.colour}")
    size = inflated_size((content for kind, content, _ in parts if kind == b"IDAT"), image.raw_size)
    if size != image.raw_size:
        raise DamagedImage(f"its pixels are {size:,} bytes, {image.raw_size:,} are due")
    return image


def pixel_aspect(content: bytes) -> Fraction:
    """Of the chunk pHYs, which counts pixels a unit: the more of them lie side by side, the narrower they are."""
    across, down = int.from_bytes(content[:4]), int.from_bytes(content[4:8])
    if not across or not down:
        return Fraction(1)
    ratio = Fraction(max(across, down), min(across, down)).limit_denominator(FINEST_ASPECT)
    return ratio if down > across else 1 / ratio


def inflated_size(pieces: Iterator[bytes], limit: int) -> int:
    """Bytes of the inflated pixels, counted to little more than ``limit``."""
    inflater, size = zlib.decompressobj(), 0
    try:
        for piece in pieces:
            rest = piece
            while rest and size <= limit:
                size += len(inflater.decompress(rest, PIECE))
                rest = inflater.unconsumed_tail
    except zlib.error as error:
        raise DamagedImage(f"its pixels cannot be inflated: {error}") from error
    if not inflater.eof and size == limit:
        raise DamagedImage("its pixels lack their end")
    return size


def stripped(data: bytes) -> bytes:
    """The same pixels without dates, render times and paths."""
    kept = [whole for kind, _, whole in chunks(data) if kind not in STAMPS]
    return SIGNATURE + b"".join(kept)
