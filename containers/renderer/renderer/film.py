"""Whether a film is the one that was asked for, by reading it back."""

from mmap import ACCESS_READ, mmap
from pathlib import Path

from fanout.blendplan import RenderParameters
from renderer.ffmpeg import FilmError, decoded_frames, film_size
from renderer.mp4 import BT709, Film, read_film
from renderer.png import Image


def check_film(path: Path, parameters: RenderParameters, image: Image, *, sound: bool) -> Film:
    """Raises FilmError naming whatever is not as it should be; every frame is decoded."""
    film = read_back(path)
    width, height = film_size(image)
    wanted = {
        "frames": (film.frames, len(parameters.frames)),
        "frames that decode": (decoded_frames(path), len(parameters.frames)),
        "frames a second": (film.rate, parameters.rate),
        "width": (film.width, width),
        "height": (film.height, height),
        "pixel aspect": (film.aspect, image.aspect),
        "colours": (film.colours, BT709),
        "index first": (film.streamable, True),
        "sound": (film.sound, sound),
    }
    wrong = [f"{name} {found}, not {due}" for name, (found, due) in wanted.items() if found != due]
    if wrong:
        raise FilmError(f"the film is not what was asked for: {'; '.join(wrong)}")
    return film


def read_back(path: Path) -> Film:
    """A film may be larger than memory. Raises FilmError if it is none."""
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            return read_film(data)
    except ValueError as damage:  # DamagedFilm, or an empty file
        raise FilmError(f"the film cannot be read back: {damage}") from damage
