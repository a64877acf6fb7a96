"""FFmpeg's commands, without FFmpeg."""

import os
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from renderer import ffmpeg
from renderer.cores import threads
from renderer.ffmpeg import (
    SHEET_FRAMES,
    FilmError,
    count_command,
    executable,
    feed,
    film_command,
    film_size,
    run,
    sheet_command,
    sheet_frames,
    sound_command,
)
from renderer.png import Image

OPAQUE = Image(width=160, height=90, depth=8, colour=2)
CLEAR = Image(width=160, height=90, depth=8, colour=6)


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/opt/ffmpeg")


def test_the_rate_is_given_as_a_fraction() -> None:
    command = film_command(OPAQUE, Fraction(30_000, 1_001), Path("film.mp4"))
    assert command[command.index("-framerate") + 1] == "30000/1001"
    assert command[0] == "/opt/ffmpeg"


def test_only_pictures_with_transparency_are_laid_on_black() -> None:
    assert [
        any("premultiply" in word for word in film_command(image, Fraction(24), Path("f.mp4")))
        for image in (OPAQUE, CLEAR)
    ] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("count", "shown"), [(1, [0]), (2, [0, 1]), (30, list(range(30))), (59, list(range(0, 59, 2)))]
)
def test_a_contact_sheet_shows_first_and_last_and_what_lies_evenly_between(count: int, shown: list[int]) -> None:
    assert sheet_frames(range(count)) == shown


def test_a_long_film_has_a_contact_sheet_no_larger_than_others() -> None:
    shown = sheet_frames(range(200_000))
    assert (len(shown), len(set(shown)), shown[0], shown[-1]) == (SHEET_FRAMES, SHEET_FRAMES, 0, 199_999)


@pytest.mark.parametrize(("count", "tile"), [(1, "tile=1x1"), (2, "tile=2x1"), (24, "tile=5x5"), (30, "tile=6x5")])
def test_a_contact_sheet_has_room_for_every_picture(count: int, tile: str) -> None:
    command = sheet_command(OPAQUE, count, Path("sheet.png"))
    assert any(f",{tile}:" in word for word in command)


def test_without_a_bundle_the_systems_program_is_used_and_without_any_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FilmError, match="pip install imageio-ffmpeg, or apt install ffmpeg"):
        executable()
    program = tmp_path / "ffmpeg"
    program.touch(mode=0o755)
    assert executable() == str(program)


@pytest.mark.parametrize(("given", "expected"), [("1", 1), ("4", 2), ("", 2), ("0", 2)])
def test_blender_and_ffmpeg_have_the_threads_of_its_job_but_no_more_than_there_are(
    monkeypatch: pytest.MonkeyPatch, given: str, expected: int
) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2)
    monkeypatch.setenv("RENDER_THREADS", given)
    assert threads() == (1 if given == "0" else expected)


def test_ffmpeg_decodes_and_encodes_with_the_threads_of_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_THREADS", "1")
    film, sound = Path("film.mp4"), Path("sound.wav")
    for command in (
        film_command(OPAQUE, Fraction(24), film),
        sheet_command(OPAQUE, 3, Path("sheet.png")),
        sound_command(film, sound, Fraction(1), Path("both.mp4")),
        count_command(film),
    ):
        given = [at for at, word in enumerate(command) if word == "-threads"]
        assert [at < command.index("-i") for at in given] == [True, False]
        assert {command[at + 1] for at in given} == {"1"}


def of_size(width: int, height: int) -> Image:
    return Image(width=width, height=height, depth=8, colour=2)


@pytest.mark.parametrize(
    ("frame", "film"),
    [
        ((160, 90), (160, 90)),
        ((161, 91), (162, 92)),
        ((1, 1), (2, 2)),
        ((8_192, 4_096), (8_192, 4_096)),
        ((16_384, 9_000), (8_192, 4_500)),
        ((20_000, 9_999), (8_192, 4_096)),
        ((3, 30_000), (2, 8_192)),
    ],
)
def test_a_film_has_even_sides_that_h264_takes(frame: tuple[int, int], film: tuple[int, int]) -> None:
    assert film_size(of_size(*frame)) == film
    command = film_command(of_size(*frame), Fraction(24), Path("f.mp4"))
    assert any(f"scale={film[0]}:{film[1]}:" in word for word in command) is (max(frame) > 8_192)


def test_the_encoder_holds_fewer_frames_where_they_are_large() -> None:
    def lookahead(width: int, height: int) -> str:
        command = film_command(of_size(width, height), Fraction(24), Path("f.mp4"))
        return command[command.index("-rc-lookahead") + 1]

    sizes = ((160, 90), (3_840, 2_160), (7_680, 4_320), (8_192, 8_192))
    assert [lookahead(*size) for size in sizes] == ["40", "40", "10", "4"]


def test_a_thumbnail_has_a_pixel_of_height_however_wide_its_picture_is() -> None:
    assert any(",scale=320:1:" in word for word in sheet_command(of_size(4_000, 3), 1, Path("s.png")))


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_a_program_that_fails_or_complains_is_quoted() -> None:
    with pytest.raises(FilmError, match="FFmpeg ended with 3: no such codec"):
        run(script("import sys; print('no such codec', file=sys.stderr); sys.exit(3)"))
    with pytest.raises(FilmError, match="FFmpeg ended with 0: corrupt frame"):
        run(script("import sys; print('corrupt frame', file=sys.stderr)"))
    assert run(script("print('frame=24')")) == "frame=24\n"


def test_a_program_that_ends_while_it_is_fed_is_quoted_too() -> None:
    with pytest.raises(FilmError, match="FFmpeg ended with 1: picture 2 is broken"):
        feed(
            script("import sys; sys.stdin.read(1); sys.exit('picture 2 is broken')"), (bytes(1 << 20) for _ in range(9))
        )


def test_what_goes_wrong_while_feeding_ends_the_program() -> None:
    def pictures() -> object:
        yield b"first"
        raise KeyError("second")

    with pytest.raises(KeyError):
        feed(script("import sys; sys.stdin.read()"), pictures())  # type: ignore[arg-type]


def test_frames_that_decode_are_counted_from_the_last_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "run", lambda _: "frame=11\nfps=0.0\nprogress=continue\nframe=24\nprogress=end\n")
    assert ffmpeg.decoded_frames(Path("film.mp4")) == 24
