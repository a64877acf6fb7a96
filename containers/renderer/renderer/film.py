"""Whether a film is the one that was asked for, by reading it back."""

from pathlib import Path

from fanout.blendplan import RenderParameters
from renderer.ffmpeg import FilmError, decoded_frames
from renderer.mp4 import BT709, DamagedFilm, Film, read_film
from renderer.png import Image


def check_film(path: Path, parameters: RenderParameters, image: Image, *, sound: bool) -> Film:
    """Raises FilmError naming whatever is not as it should be; every frame is decoded."""
    try:
        film = read_film(path.read_bytes())
    except DamagedFilm as damage:
        raise FilmError(f"the film cannot be read back: {damage}") from damage
    wanted = {
        "frames": (film.frames, len(parameters.frames)),
        "frames that decode": (decoded_frames(path), len(parameters.frames)),
        "frames a second": (film.rate, parameters.rate),
        "width": (film.width, even(image.width)),
        "height": (film.height, even(image.height)),
        "colours": (film.colours, BT709),
        "index first": (film.streamable, True),
        "sound": (film.sound, sound),
    }
    wrong = [f"{name} {found}, not {due}" for name, (found, due) in wanted.items() if found != due]
    if wrong:
        raise FilmError(f"the film is not what was asked for: {'; '.join(wrong)}")
    return film


def even(pixels: int) -> int:
    """yuv420p halves both sides."""
    return pixels + pixels % 2
