"""From frames to a film: every frame is fetched once, in order, and ends up in film, folder and manifest."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fanout.blendplan import (
    AGGREGATE,
    FILM,
    FRAMES,
    PREVIEW,
    SHEET,
    TIMINGS,
    RenderParameters,
    frame_name,
    frame_uri,
    missing_frames,
    standing_frames,
)
from fanout.errors import ResultsIncompleteError, UriError
from fanout.frames import format_frames
from fanout.manifest import OutputFile, write_manifest
from fanout.plan import PLAN, Plan
from fanout.s3 import Objects, S3Uri, sha256
from renderer import ffmpeg
from renderer.film import check_film
from renderer.mp4 import Film
from renderer.png import DamagedImage, Image, inspect

AHEAD = 8  # frames fetched before FFmpeg asks for them
AHEAD_BYTES = 256 << 20  # that they may have together
NOTES = ("seconds", "attempt", "startup")  # numbers that a child keeps beside a frame


class FramesMissingError(ResultsIncompleteError):
    """Frames are missing or damaged: stitching again would not help."""

    exit_code = 2


@dataclass(slots=True, kw_only=True)
class Stitch:
    """One film in the making."""

    objects: Objects
    output: S3Uri
    plan: Plan
    parameters: RenderParameters
    folder: Path
    mix: Callable[[Path], str | None]  # the scene's sound into a file; or why there is none
    effort: tuple[int, float]  # attempts of this run's children, and their seconds
    _files: list[OutputFile] = field(default_factory=list)
    _timings: list[dict[str, float]] = field(default_factory=list)

    def make(self) -> dict[str, Any]:
        """Film, contact sheet, frames, totals, and the manifest last; returns the totals.

        Raises FramesMissingError naming the frames that are missing or damaged, FilmError if the film is not what was
        asked for.
        """
        self._refuse_gaps()
        data, _ = self._fetch(self.parameters.frames[0])
        first = self._inspected(self.parameters.frames[0], data)
        silent = self.folder / f"silent_{FILM}"
        ffmpeg.feed(
            ffmpeg.film_command(first, self.parameters.rate, silent), self._frames(first, frames_ahead(len(data)))
        )
        film, silence = self._with_sound(silent)
        facts = check_film(film, self.parameters, first, sound=silence is None)
        sheet = self._sheet(first)
        aggregate = totals(self.plan, self.parameters, first, facts, silence)
        self._publish_file(FILM, film, "video/mp4")
        self._publish_file(SHEET, sheet, "image/png")
        self._publish(AGGREGATE, dump(aggregate))
        self._publish(TIMINGS, dump(timings(self._timings, *self.effort)))
        for name in (PLAN, PREVIEW):
            self._list(name)
        write_manifest(self.objects, self.output, self.plan.hash, self._files)
        return aggregate

    def _refuse_gaps(self) -> None:
        standing = standing_frames(self.objects, self.output, self.parameters.look)
        if gaps := missing_frames(self.parameters.frames, standing):
            raise FramesMissingError(f"{len(gaps)} of {self.plan.items} frames are missing: {format_frames(gaps)}")

    def _frames(self, like: Image, ahead: int) -> Iterator[bytes]:
        """Every frame in order, checked and published; so many are fetched ahead."""
        coming: deque[Future[tuple[bytes, dict[str, str]]]] = deque()
        rest = iter(self.parameters.frames)
        with ThreadPoolExecutor(ahead) as pool:
            for frame in self.parameters.frames:
                while len(coming) < ahead and (following := next(rest, None)) is not None:
                    coming.append(pool.submit(self._published, following, like))
                data, notes = coming.popleft().result()
                self._timings.append({"frame": frame} | {name: float(notes[name]) for name in NOTES if name in notes})
                self._files.append(OutputFile(path=frame_path(frame), size=len(data), sha256=sha256(data)))
                yield data

    def _published(self, frame: int, like: Image) -> tuple[bytes, dict[str, str]]:
        data, notes = self._fetch(frame)
        image = self._inspected(frame, data)
        if (image.width, image.height) != (like.width, like.height):
            raise FramesMissingError(
                f"frame {frame} has {image.width} × {image.height} pixels, the first has {like.width} × {like.height}"
            )
        self.objects.put(self.output / frame_path(frame), data, "image/png")
        return data, notes

    def _fetch(self, frame: int) -> tuple[bytes, dict[str, str]]:
        try:
            return self.objects.get_annotated(frame_uri(self.output, self.parameters.look, frame))
        except UriError as error:
            raise FramesMissingError(f"1 of {self.plan.items} frames is missing: {frame}") from error

    def _inspected(self, frame: int, data: bytes) -> Image:
        """A damaged frame is removed, so that the next run renders it anew."""
        try:
            return inspect(data)
        except DamagedImage as damage:
            self.objects.delete(frame_uri(self.output, self.parameters.look, frame))
            raise FramesMissingError(
                f"frame {frame} is damaged: {damage}. It was removed; the same run again renders it anew"
            ) from damage

    def _with_sound(self, silent: Path) -> tuple[Path, str | None]:
        """The film with the scene's sound, or without and why."""
        sound, film = self.folder / "sound.wav", self.folder / FILM
        if silence := self.mix(sound):
            return silent, silence
        seconds = len(self.parameters.frames) / self.parameters.rate
        ffmpeg.run(ffmpeg.sound_command(silent, sound, seconds, film))
        return film, None

    def _sheet(self, first: Image) -> Path:
        shown = ffmpeg.sheet_frames(self.parameters.frames)
        target = self.folder / SHEET
        ffmpeg.feed(ffmpeg.sheet_command(first, len(shown), target), (self._fetch(frame)[0] for frame in shown))
        return target

    def _publish(self, name: str, body: bytes, content_type: str = "application/json") -> None:
        self.objects.put(self.output / name, body, content_type)
        self._files.append(OutputFile(path=name, size=len(body), sha256=sha256(body)))

    def _publish_file(self, name: str, path: Path, content_type: str) -> None:
        """A film may be larger than memory, or than what S3 takes in one piece."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        self.objects.upload(path, self.output / name, content_type)
        self._files.append(OutputFile(path=name, size=path.stat().st_size, sha256=digest))

    def _list(self, name: str) -> None:
        """In the manifest, if it is there."""
        if self.objects.find(self.output / name):
            body = self.objects.get(self.output / name)
            self._files.append(OutputFile(path=name, size=len(body), sha256=sha256(body)))


def frames_ahead(size: int) -> int:
    """How many frames to hold, if they are of so many bytes."""
    return max(1, min(AHEAD, AHEAD_BYTES // size))


def frame_path(frame: int) -> str:
    return f"{FRAMES}/{frame_name(frame)}"


def totals(plan: Plan, parameters: RenderParameters, image: Image, film: Film, silence: str | None) -> dict[str, Any]:
    """``aggregate.json``: the same to the last byte however the work was sliced."""
    return {
        "frames": plan.items,
        "rendered": plan.items,
        "complete": True,
        "range": format_frames(parameters.frames),
        "scene": parameters.look.scene,
        "blender": parameters.look.blender,
        "width": image.width,
        "height": image.height,
        "film": {
            "file": FILM,
            "frames": film.frames,
            "framesPerSecond": str(film.rate),
            "seconds": round(float(film.frames / film.rate), 6),
            "width": film.width,
            "height": film.height,
            "codec": film.codec,
            "sound": silence is None,
            "silentBecause": silence,
        },
    }


def timings(frames: list[dict[str, float]], attempts: int, child_seconds: float) -> dict[str, Any]:
    """``timings.json``: seconds of rendering and of starting Blender; what all children took, reclaimed ones included.

    Frames that stood before this run count to the first two and not to the last.
    """

    def total(name: str) -> float:
        return round(sum(frame.get(name, 0.0) for frame in frames), 4)

    return {
        "renderSeconds": total("seconds"),
        "startupSeconds": total("startup"),
        "attempts": attempts,
        "childSeconds": child_seconds,
        "frames": frames,
    }


def dump(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
