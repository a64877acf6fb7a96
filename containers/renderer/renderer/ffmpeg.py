"""FFmpeg: the commands that make a film and a contact sheet, and running them."""

import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import IO

from fanout.errors import FanoutError
from renderer.cores import threads
from renderer.png import Image

QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error", "-y")
SAME_BYTES = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")
BT709 = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv")
ENCODER = ("-c:v", "libx264", "-preset", "medium", "-crf", "18")
MOST_SIDE = 8_192  # pixels of a film: hardly anything plays more, and libx264 would need gigabytes
LOOKAHEAD, LEAST_LOOKAHEAD = 40, 4  # frames that libx264 holds: the preset's for 4K, fewer of larger ones
FOUR_K = 3_840 * 2_160  # pixels
ON_BLACK = "format=gbrap|gbrap16,premultiply=inplace=1"  # what is transparent shows black, not what lies behind it
EVEN = "pad=ceil(iw/2)*2:ceil(ih/2)*2"  # yuv420p halves both sides
LIMITED = "scale=in_range=pc:out_range=tv:out_color_matrix=bt709,format=yuv420p"
TAGGED = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
FINEST_RATIO = 65_535  # what H.264 can say of a pixel's shape
MP4 = ("-movflags", "+faststart+write_colr")
SHEET_FRAMES = 30
SHEET_WIDTH = 320  # pixels of a thumbnail at most
SHEET_GAP = 8  # pixels
WORDS = 10  # last lines of FFmpeg's that an error quotes


class FilmError(FanoutError):
    """FFmpeg failed, or made another film than was asked for."""


def executable() -> str:
    """The FFmpeg of imageio-ffmpeg, whose version is pinned; without that package the system's.

    Raises FilmError if there is none.
    """
    if given := os.environ.get("IMAGEIO_FFMPEG_EXE"):
        return given
    try:
        bundle = import_module("imageio_ffmpeg")
    except ImportError:
        if found := shutil.which("ffmpeg"):
            return found
        raise FilmError("FFmpeg is missing: pip install imageio-ffmpeg, or apt install ffmpeg") from None
    path: str = bundle.get_ffmpeg_exe()
    return path


def command(inputs: Sequence[str], *output: str) -> list[str]:
    """FFmpeg with no more threads than the job has: each of them holds frames, and it would start one a core."""
    use = ("-threads", str(threads()))
    return [executable(), *QUIET, "-filter_threads", use[1], *use, *inputs, *use, *output]


def film_size(image: Image) -> tuple[int, int]:
    """Width and height of a film of such frames: even, and those of larger frames made to fit."""
    most = max(image.width, image.height, MOST_SIDE)
    width, height = (max(1, side * MOST_SIDE // most) for side in (image.width, image.height))
    return width + width % 2, height + height % 2


def film_command(image: Image, rate: Fraction, target: Path) -> list[str]:
    """PNG frames on stdin -> a silent film that every player plays."""
    width, height = film_size(image)
    fit = [f"scale={width}:{height}:flags=area"] * (max(image.width, image.height) > MOST_SIDE)
    ratio = f"{image.aspect.numerator}/{image.aspect.denominator}"
    shape = f"setsar={ratio}:max={FINEST_RATIO}"  # FFmpeg reads it upside down, and rounds to numbers up to 100
    filters = [ON_BLACK] * image.alpha + fit + [EVEN, LIMITED, TAGGED, shape]
    lookahead = max(LEAST_LOOKAHEAD, min(LOOKAHEAD, LOOKAHEAD * FOUR_K // (width * height)))
    pictures = ("-f", "image2pipe", "-framerate", str(rate), "-c:v", "png", "-i", "pipe:0")
    encoder = (*ENCODER, "-rc-lookahead", str(lookahead), *BT709, *MP4, *SAME_BYTES)
    return command(pictures, "-vf", ",".join(filters), *encoder, str(target))


def sound_command(film: Path, sound: Path, seconds: Fraction, target: Path) -> list[str]:
    """Adds a sound track that is exactly as long as the film."""
    fit = f"apad,atrim=duration={float(seconds):.6f}"
    inputs = ("-i", str(film), "-i", str(sound), "-map", "0:v:0", "-map", "1:a:0")
    audio = ("-c:v", "copy", "-af", fit, "-c:a", "aac", "-b:a", "192k")
    return command(inputs, *audio, *MP4, *SAME_BYTES, str(target))


def sheet_frames(frames: Sequence[int]) -> list[int]:
    """At most thirty frames, evenly spread, the first and the last among them."""
    count = min(len(frames), SHEET_FRAMES)
    if count < 2:
        return list(frames[:count])
    return [frames[index * (len(frames) - 1) // (count - 1)] for index in range(count)]


def sheet_command(image: Image, count: int, target: Path) -> list[str]:
    """PNG frames on stdin -> all of them side by side."""
    columns = math.ceil(math.sqrt(count * image.height / image.width / image.aspect * 16 / 9))
    columns = max(1, min(columns, count))
    rows = math.ceil(count / columns)
    width = min(SHEET_WIDTH, image.width)
    height = max(1, round(image.height * width / image.width / image.aspect))
    small = f"format=rgb24,scale={width}:{height}:flags=area,setsar=1,format=rgb24"
    tile = f"tile={columns}x{rows}:padding={SHEET_GAP}:margin={SHEET_GAP}:color=0x202020"
    filters = ",".join([ON_BLACK] * image.alpha + [small, tile])
    pictures = ("-f", "image2pipe", "-c:v", "png", "-i", "pipe:0")
    output = ("-vf", filters, "-frames:v", "1", "-pix_fmt", "rgb24", *SAME_BYTES, str(target))
    return command(pictures, *output)


def count_command(film: Path) -> list[str]:
    """Decodes every frame; ``frame=24`` on stdout."""
    return command(("-i", str(film)), "-map", "0:v:0", "-f", "null", "-progress", "pipe:1", "-")


def decoded_frames(film: Path) -> int:
    """How many frames a player would show. Raises FilmError if one cannot be decoded."""
    done = run(count_command(film))
    counts = re.findall(r"^frame=(\d+)$", done, re.MULTILINE)
    return int(counts[-1]) if counts else 0


def run(command: Sequence[str]) -> str:
    """The command's stdout. Raises FilmError with FFmpeg's last words; to complain is to fail."""
    done = subprocess.run(  # noqa: S603 - the commands above
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode or done.stderr.strip():
        raise FilmError(f"FFmpeg ended with {done.returncode}: {last_words(done.stderr)}")
    return done.stdout


@contextmanager
def fed(command: Sequence[str]) -> Iterator[IO[bytes]]:
    """FFmpeg's stdin for the length of a ``with`` block. Raises FilmError if it fails, at the end or before."""
    process = subprocess.Popen(  # noqa: S603 - the commands above
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stdin
    assert process.stderr
    said: list[bytes] = []
    listener = Thread(target=lambda pipe: said.append(pipe.read()), args=(process.stderr,))
    listener.start()
    try:
        with suppress(BrokenPipeError):  # it ended before us: its words say why
            yield process.stdin
            process.stdin.flush()
    except BaseException:
        process.kill()
        raise
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        listener.join()
        process.stderr.close()
    words = b"".join(said).decode(errors="replace")
    if process.returncode or words.strip():
        raise FilmError(f"FFmpeg ended with {process.returncode}: {last_words(words)}")


def feed(command: Sequence[str], pictures: Iterable[bytes]) -> None:
    with fed(command) as stdin:
        for picture in pictures:
            stdin.write(picture)


def last_words(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-WORDS:]) or "without a word"
