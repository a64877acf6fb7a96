"""PNG pictures for tests, made without any library."""

import struct
import zlib
from collections.abc import Callable, Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}

Pixel = Callable[[int, int], Sequence[int]]  # x, y -> samples


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def picture(
    width: int = 16, height: int = 9, pixel: Pixel | None = None, *, colour: int = 2, depth: int = 8, extra: bytes = b""
) -> bytes:
    """A picture; ``extra`` chunks stand between header and pixels."""
    samples = pixel or (lambda x, y: (x * 8 % 256, y * 16 % 256, 128, 255)[: CHANNELS[colour]])
    form = f">{width * CHANNELS[colour]}{'B' if depth == 8 else 'H'}"
    rows = b""
    for y in range(height):
        rows += b"\0" + struct.pack(form, *(sample for x in range(width) for sample in samples(x, y)))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


def numbered(frame: int) -> bytes:
    """A picture that no other frame has."""
    return picture(pixel=lambda x, y: (frame % 256, frame // 256, (x + y) % 256))
