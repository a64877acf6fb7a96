"""Reading films back: boxes made by hand, and films that are not what they should be."""

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from fanout.blendplan import Look, RenderParameters
from renderer import film as checking
from renderer.ffmpeg import FilmError
from renderer.film import check_film
from renderer.mp4 import DamagedFilm, Film, read_film
from renderer.png import Image


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def track(
    handler: bytes = b"vide", runs: tuple[tuple[int, int], ...] = ((24, 1001),), timescale: int = 30_000
) -> bytes:
    colours = box(b"colr", b"nclx", struct.pack(">HHHB", 1, 1, 1, 0))
    entry = bytes(24) + struct.pack(">HH", 162, 92) + bytes(50) + colours
    stsd = box(b"stsd", bytes(4), struct.pack(">I", 1), box(b"avc1", entry))
    stts = box(b"stts", bytes(4), struct.pack(">I", len(runs)), *(struct.pack(">II", *run) for run in runs))
    mdhd = box(b"mdhd", bytes(12), struct.pack(">II", timescale, 24_024))
    hdlr = box(b"hdlr", bytes(8), handler, bytes(12))
    return box(b"trak", box(b"mdia", mdhd, hdlr, box(b"minf", box(b"stbl", stsd, stts))))


MDAT = box(b"mdat", bytes(100))


def movie(*tracks: bytes, index_first: bool = True) -> bytes:
    moov = box(b"moov", *(tracks or (track(),)))
    return box(b"ftyp", b"isom") + (moov + MDAT if index_first else MDAT + moov)


def test_a_film_says_what_it_is() -> None:
    assert read_film(movie()) == Film(
        frames=24,
        rate=Fraction(30_000, 1_001),
        width=162,
        height=92,
        codec="avc1",
        colours=(1, 1, 1),
        full_range=False,
        streamable=True,
        sound=False,
    )


def test_the_shape_of_a_films_pixels_is_read_and_checked(path: Path) -> None:
    anamorphic = Image(width=161, height=91, depth=8, colour=2, aspect=Fraction(2))
    with pytest.raises(FilmError, match="pixel aspect 1, not 2"):
        check_film(path, parameters(), anamorphic, sound=False)


def test_an_index_at_the_end_and_a_sound_track_are_seen() -> None:
    film = read_film(movie(track(), track(b"soun"), index_first=False))
    assert (film.streamable, film.sound) == (False, True)


def test_a_file_with_a_64_bit_box_is_read() -> None:
    long = struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(100)
    assert read_film(box(b"ftyp") + box(b"moov", track()) + long).frames == 24


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no index"),
        (MDAT, "no index"),
        (movie()[:60], "claims"),
        (movie(track(b"soun")), "no video track"),
        (movie(track(runs=((23, 1001), (1, 2002)))), "last differently"),
        (movie(track(runs=())), "last differently"),
        (struct.pack(">I4s", 4, b"moov") + bytes(20), "claims 4 bytes"),
    ],
)
def test_what_is_no_film_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(DamagedFilm) as caught:
        read_film(data)
    assert words in str(caught.value)


LOOK = Look(version="etag", kind="file", blend="scene.blend", scene="Scene")
IMAGE = Image(width=161, height=91, depth=8, colour=2)


def parameters(frames: int = 24, fps: str = "30000/1001") -> RenderParameters:
    return RenderParameters(look=LOOK, frames=tuple(range(frames)), fps=fps, sound=False)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A film whose 24 frames all decode."""
    monkeypatch.setattr(checking, "decoded_frames", lambda _: 24)
    target = tmp_path / "film.mp4"
    target.write_bytes(movie())
    return target


def test_a_film_that_is_as_it_should_be_passes(path: Path) -> None:
    assert check_film(path, parameters(), IMAGE, sound=False).frames == 24


@pytest.mark.parametrize(
    ("wanted", "image", "sound", "words"),
    [
        (parameters(frames=25), IMAGE, False, "frames 24, not 25; frames that decode 24, not 25"),
        (parameters(fps="30"), IMAGE, False, "frames a second 30000/1001, not 30"),
        (parameters(), Image(width=163, height=91, depth=8, colour=2), False, "width 162, not 164"),
        (parameters(), IMAGE, True, "sound False, not True"),
    ],
)
def test_a_film_that_is_not_is_refused_by_what_is_wrong(
    path: Path, wanted: RenderParameters, image: Image, sound: bool, words: str
) -> None:
    with pytest.raises(FilmError) as caught:
        check_film(path, wanted, image, sound=sound)
    assert words in str(caught.value)


@pytest.mark.parametrize("body", [b"not a film", b""])
def test_a_film_that_cannot_be_read_is_refused(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    with pytest.raises(FilmError, match="cannot be read back"):
        check_film(path, parameters(), IMAGE, sound=False)
