"""Films as players see them: rate, size, colours, sound, transparency."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fanout.blendplan import frame_uri
from fanout.manifest import Manifest
from fanout.s3 import sha256
from renderer.ffmpeg import feed, film_command, sheet_command
from renderer.mp4 import Film, read_film
from renderer.png import inspect
from tests.render.crew import Crew, decoded, ffmpeg, film_pixels, sound_of
from tests.unit.renderer.pictures import chunk, picture


def plain(*samples: int) -> Any:
    """A picture of one colour."""
    return lambda *_: samples


@pytest.fixture
def stitched(crew: Crew, scene: Any, tmp_path: Path) -> Any:
    """A film of frames that were painted, not rendered; its path."""

    def make(*options: str, paint: Any = None, **more: Any) -> Path:
        crew.count(scene(*options), **more)
        for frame in crew.parameters.frames:
            body = (paint or (lambda _: picture(161, 91)))(frame)
            crew.objects.put(frame_uri(crew.output, crew.parameters.look, frame), body, "image/png")
        crew.run("stitch")
        film = tmp_path / "film.mp4"
        film.write_bytes(crew.fetch("output.mp4"))
        return film

    return make


@pytest.mark.parametrize(
    ("options", "rate"),
    [
        (("--fps", "24"), Fraction(24)),
        (("--fps", "30", "--fps-base", "1.001"), Fraction(30_000, 1_001)),
        (("--fps", "24", "--fps-base", "1.001"), Fraction(24_000, 1_001)),
        (("--fps", "25", "--fps-base", "3.0"), Fraction(25, 3)),
    ],
)
def test_a_film_has_every_frame_at_exactly_the_scenes_rate(
    stitched: Any, options: tuple[str, ...], rate: Fraction
) -> None:
    film = read_film(stitched(*options).read_bytes())
    assert film == Film(
        frames=24,
        rate=rate,
        width=162,
        height=92,
        codec="avc1",
        colours=(1, 1, 1),
        full_range=False,
        streamable=True,
        sound=False,
    )


def test_a_single_frame_makes_a_film(stitched: Any) -> None:
    assert read_film(stitched(frames="7").read_bytes()).frames == 1


def test_colours_are_those_of_the_pictures_in_limited_bt709(stitched: Any) -> None:
    """White, black and the primaries, by the matrix of ITU-R BT.709."""
    colours = [(255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)]
    film = stitched(frames="1-5", paint=lambda frame: picture(64, 64, pixel=plain(*colours[frame - 1])))
    pixels, size = film_pixels(film), 64 * 64 * 3 // 2
    planes = [pixels[index * size : (index + 1) * size] for index in range(5)]
    found = [(plane[2080], plane[4096 + 528], plane[5120 + 528]) for plane in planes]
    due = [(235, 128, 128), (16, 128, 128), (63, 102, 240), (173, 42, 26), (32, 240, 118)]
    assert all(abs(a - b) <= 2 for got, want in zip(found, due, strict=True) for a, b in zip(got, want, strict=True))


def test_an_odd_picture_is_padded_with_black_at_right_and_bottom(stitched: Any) -> None:
    film = stitched(frames="1", paint=lambda _: picture(33, 17, pixel=plain(255, 255, 255)))
    luma = film_pixels(film)[: 34 * 18]
    assert min(luma[y * 34 + x] for y in range(15) for x in range(31)) > 200
    assert max(luma[y * 34 + 33] for y in range(18)) < 60
    assert max(luma[17 * 34 :]) < 60


@pytest.mark.parametrize("depth", [8, 16])
def test_what_is_transparent_is_black_and_not_what_lies_behind(stitched: Any, depth: int) -> None:
    most = 255 if depth == 8 else 65_535
    clear = picture(32, 32, colour=6, depth=depth, pixel=lambda x, _: (most, most, most, most if x < 16 else 0))
    film = stitched(frames="1", paint=lambda _: clear)
    luma = film_pixels(film)[: 32 * 32]
    assert (luma[16 * 32 + 4] > 220, luma[16 * 32 + 27] < 24) == (True, True)


@pytest.mark.parametrize(("colour", "depth", "samples"), [(0, 8, (200,)), (0, 16, (51_400,)), (4, 8, (200, 128))])
def test_grey_pictures_with_and_without_transparency_make_a_film_and_a_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colour: int, depth: int, samples: tuple[int, ...]
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", ffmpeg())
    grey = picture(33, 17, colour=colour, depth=depth, pixel=plain(*samples))
    film, sheet = tmp_path / "film.mp4", tmp_path / "sheet.png"
    feed(film_command(inspect(grey), Fraction(24), film), [grey] * 3)
    feed(sheet_command(inspect(grey), 3, sheet), [grey] * 3)
    luma = film_pixels(film)[5 * 34 + 5]
    assert luma == pytest.approx(102 if colour == 4 else 188, abs=2)  # half of the light above black, or all
    assert inspect(sheet.read_bytes()).depth == 8


def test_frames_that_hardly_anything_plays_make_a_smaller_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", ffmpeg())
    wide, film = picture(9_000, 22, pixel=plain(255, 255, 255)), tmp_path / "film.mp4"
    feed(film_command(inspect(wide), Fraction(24), film), [wide] * 2)
    found = read_film(film.read_bytes())
    assert (found.frames, found.width, found.height) == (2, 8_192, 20)
    assert min(film_pixels(film)[: 8_192 * 20]) > 230


@pytest.mark.parametrize(
    ("across", "down", "aspect", "sheet_size"),
    [
        (1_417, 2_834, Fraction(2), (160 + 16, 2 * (45 + 8) + 8)),
        (2_598, 2_834, Fraction(12, 11), (2 * (160 + 8) + 8, 82 + 16)),
        (2_125, 2_834, Fraction(4, 3), (2 * (160 + 8) + 8, 68 + 16)),
        (2_600, 2_834, Fraction(109, 100), (2 * (160 + 8) + 8, 83 + 16)),
        (2_834, 2_576, Fraction(10, 11), (2 * (160 + 8) + 8, 99 + 16)),
    ],
    ids=["2", "PAL 4:3", "HDV 4:3", "1.09", "NTSC 4:3"],
)
def test_pixels_keep_their_shape_in_the_film_and_are_square_on_the_sheet(
    stitched: Any, crew: Crew, across: int, down: int, aspect: Fraction, sheet_size: tuple[int, int]
) -> None:
    """As Blender writes them: 72 dots an inch are 2,834 a metre, by the aspect and cut to whole ones."""
    shape = chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    film = read_film(stitched(frames="1-2", paint=lambda _: picture(160, 90, extra=shape)).read_bytes())
    assert (film.width, film.height, film.aspect) == (160, 90, aspect)
    sheet = inspect(crew.fetch("contact_sheet.png"))
    assert (sheet.width, sheet.height, sheet.aspect) == (*sheet_size, Fraction(1))


def test_everything_is_listed_with_its_hash_in_the_manifest(stitched: Any, crew: Crew) -> None:
    stitched(frames="1-3")
    manifest = msgspec.json.decode(crew.fetch("manifest.json"), type=Manifest)
    assert {file.path: file.sha256 for file in manifest.files} == {
        file.path: sha256(crew.fetch(file.path)) for file in manifest.files
    }
    shown = {"aggregate.json", "contact_sheet.png", "output.mp4", "plan.json", "timings.json"}
    assert {file.path for file in manifest.files} == shown | {f"frames/00000{n}.png" for n in (1, 2, 3)}
    assert manifest.plan_hash == crew.plan.hash


def test_frames_of_different_sizes_are_refused_by_number(crew: Crew, scene: Any) -> None:
    crew.count(scene(), frames="1-3")
    for frame, width in ((1, 32), (2, 32), (3, 34)):
        crew.objects.put(frame_uri(crew.output, crew.parameters.look, frame), picture(width, 18), "image/png")
    code, log = crew.finish(crew.start("stitch"))
    assert (code, "frame 3 has 34 × 18 pixels, the first has 32 × 18" in log) == (2, True), log


def test_the_contact_sheet_shows_the_frames(stitched: Any, crew: Crew) -> None:
    colours = {1: (255, 0, 0), 2: (0, 255, 0), 3: (0, 0, 255)}
    stitched(frames="1-3", paint=lambda frame: picture(160, 90, pixel=plain(*colours[frame])))
    sheet = crew.fetch("contact_sheet.png")
    image, pixels = inspect(sheet), decoded(sheet)
    seen = {tuple(pixels[at : at + 3]) for at in range(0, len(pixels), 3)}
    assert set(colours.values()) <= seen
    assert image.width < 1_000


def test_a_scene_with_sound_gets_a_film_with_sound_of_the_same_length(stitched: Any) -> None:
    film = stitched("--sound", frames="1-18")
    assert read_film(film.read_bytes()).sound
    heard = sound_of(film)
    assert len(heard) / 48_000 == pytest.approx(18 / 24, abs=0.05)
    assert max(map(abs, heard)) > 5_000


def test_frames_with_gaps_make_a_silent_film_and_say_why(stitched: Any, crew: Crew) -> None:
    film = stitched("--sound", frames="1-9x2")
    assert not read_film(film.read_bytes()).sound
    aggregate = msgspec.json.decode(crew.fetch("aggregate.json"))
    assert aggregate["film"]["silentBecause"] == "the frames are not one unbroken range"
