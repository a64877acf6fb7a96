"""Frames: whole or refused, and the same bytes from two renders of the same pixels."""

import struct
import zlib
from fractions import Fraction

import pytest

from renderer.png import DamagedImage, Image, inspect, stripped
from tests.unit.renderer.pictures import SIGNATURE, chunk, picture


@pytest.mark.parametrize(("colour", "depth"), [(0, 8), (2, 8), (4, 8), (6, 8), (2, 16), (6, 16)])
def test_a_whole_picture_says_what_it_is(colour: int, depth: int) -> None:
    image = inspect(picture(33, 17, colour=colour, depth=depth))
    assert image == Image(width=33, height=17, depth=depth, colour=colour)
    assert image.alpha is (colour in {4, 6})


def test_stamps_are_removed_and_nothing_else() -> None:
    stamps = b"".join(chunk(kind, b"Date\x002026-11-21") for kind in (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf"))
    kept = chunk(b"pHYs", struct.pack(">IIB", 2834, 2834, 1))
    assert stripped(picture(extra=stamps + kept)) == picture(extra=kept)


@pytest.mark.parametrize(
    ("across", "down", "aspect"),
    [
        (2834, 2834, Fraction(1)),
        (1417, 2834, Fraction(2)),
        (2834, 1417, Fraction(1, 2)),
        (2598, 2834, Fraction(12, 11)),
        (2834, 2598, Fraction(11, 12)),
        (14, 2834, Fraction(1417, 7)),  # the widest that Blender has, and the narrowest
        (2834, 14, Fraction(7, 1417)),
        (0, 2834, Fraction(1)),
    ],
)
def test_the_shape_of_a_pixel_is_read_as_the_specification_has_it(across: int, down: int, aspect: Fraction) -> None:
    """Half as many pixels a metre lie side by side: each is twice as wide."""
    assert inspect(picture(extra=chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))).aspect == aspect
    assert inspect(picture()).aspect == 1


def header(**changes: int) -> bytes:
    values = {"width": 2, "height": 2, "depth": 8, "colour": 2, "compression": 0, "filter": 0, "interlace": 0} | changes
    return chunk(b"IHDR", struct.pack(">IIBBBBB", *values.values()))


END = chunk(b"IEND", b"")
PIXELS = chunk(b"IDAT", zlib.compress(bytes(14)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no PNG image"),
        (b"\xff\xd8\xff\xe0 a JPEG", "no PNG image"),
        (SIGNATURE, "it has no end"),
        (SIGNATURE + PIXELS + END, "it has no header"),
        (picture()[:-1], "it ends at byte"),
        (picture()[:-13], "in chunk b'IDAT'"),
        (picture()[:60], "it ends at byte 60"),
        (picture().replace(b"IDAT\x78", b"IDAT\x79"), "checksum of chunk b'IDAT'"),
        (SIGNATURE + header() + END, "its pixels are 0 bytes, 14 are due"),
        (SIGNATURE + header() + chunk(b"IDAT", zlib.compress(bytes(13))) + END, "its pixels are 13 bytes, 14 are due"),
        (SIGNATURE + header() + chunk(b"IDAT", zlib.compress(bytes(15))) + END, "its pixels are 15 bytes, 14 are due"),
        (SIGNATURE + header() + chunk(b"IDAT", zlib.compress(bytes(14))[:-2]) + END, "its pixels lack their end"),
        (SIGNATURE + header() + chunk(b"IDAT", b"not zlib") + END, "cannot be inflated"),
        (SIGNATURE + header(colour=7) + PIXELS + END, "colour type 7"),
        (SIGNATURE + header(width=0) + PIXELS + END, "0 × 2 pixels"),
    ],
)
def test_a_picture_that_is_not_whole_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(DamagedImage) as caught:
        inspect(data)
    assert words in str(caught.value)


def test_a_picture_that_inflates_without_end_is_given_up_early() -> None:
    bomb = SIGNATURE + header() + chunk(b"IDAT", zlib.compress(bytes(1 << 26))) + END
    with pytest.raises(DamagedImage, match=r"its pixels are 1,048,576 bytes, 14 are due"):
        inspect(bomb)
