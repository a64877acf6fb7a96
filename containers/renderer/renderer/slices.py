"""The frames of one child: what stands is skipped, what is finished is uploaded while the next one renders."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fanout.blendplan import Look, frame_name, frame_uri
from fanout.errors import BlendError, FanoutError, Interrupted
from fanout.frames import format_frames
from fanout.s3 import Objects, S3Uri
from renderer.blender import BlenderGone, FrameFailed
from renderer.png import DamagedImage, inspect, stripped

UPLOADS = 2  # under way at once; more frames wait for them
LOOKUPS = 16
TRIES = 2  # of a frame, the second in a fresh Blender
MOST_FAILURES = 3  # frames; then the slice is given up


class RendersFrames(Protocol):
    """Blender, or what stands in for it."""

    def render(self, frame: int, path: Path) -> float:
        """Seconds it took."""
        ...


class Log(Protocol):
    """Writes one line."""

    def __call__(self, event: str, **facts: object) -> None: ...


class RenderError(FanoutError):
    """Frames could not be rendered; another attempt may succeed."""


@dataclass(slots=True)
class Stop:
    """Whether this child was told to stop. It stops at once, but finishes a frame that it renders, and its work."""

    requested: bool = False
    rendering: bool = False
    done: bool = False  # there is nothing to stop any more

    def request(self) -> None:
        """For a signal's handler. Raises Interrupted, once, where nothing is lost by it."""
        again, self.requested = self.requested, True
        if not (again or self.rendering or self.done):
            self.check()

    def check(self) -> None:
        """Raises Interrupted if it was told to stop before."""
        if self.requested:
            raise Interrupted("told to stop: no frame was being rendered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One finished frame."""

    frame: int
    seconds: float
    startup: float | None  # seconds before the child's first frame; None for the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a frame could not be rendered."""

    frame: int
    reason: str
    by_blender: bool  # whether Blender itself refused, in words: then it will again


def missing(objects: Objects, output: S3Uri, look: Look, frames: Sequence[int]) -> list[int]:
    """The frames that do not stand yet."""
    with ThreadPoolExecutor(LOOKUPS) as pool:
        found = pool.map(lambda frame: objects.find(frame_uri(output, look, frame)), frames)
        return [frame for frame, row in zip(frames, found, strict=True) if row is None or not row.size]


@dataclass(slots=True, kw_only=True)
class Uploads:
    """Frames on their way to the bucket: checked, freed of stamps, written whole."""

    objects: Objects
    output: S3Uri
    look: Look
    attempt: str
    pool: ThreadPoolExecutor
    _pending: deque[Future[None]] = field(default_factory=deque)

    def submit(self, rendered: Rendered, data: bytes) -> None:
        """Waits only while too many are under way. Raises what an earlier upload raised."""
        self._pending.append(self.pool.submit(self._put, rendered, data))
        while len(self._pending) > UPLOADS:
            self._pending.popleft().result()

    def finish(self) -> None:
        while self._pending:
            self._pending.popleft().result()

    def _put(self, rendered: Rendered, data: bytes) -> None:
        notes = {"seconds": f"{rendered.seconds:.4f}", "attempt": self.attempt}
        if rendered.startup is not None:
            notes["startup"] = f"{rendered.startup:.4f}"
        self.objects.put(frame_uri(self.output, self.look, rendered.frame), stripped(data), "image/png", notes)


@dataclass(slots=True, kw_only=True)
class Slice:
    """Renders frames one after the other in one Blender."""

    start: Callable[[], AbstractContextManager[RendersFrames]]  # a fresh Blender with the file open
    folder: Path  # for frames between Blender and the upload
    stop: Stop
    log: Log
    began: float  # time.monotonic() when this child started
    _stack: ExitStack = field(default_factory=ExitStack)
    _blender: RendersFrames | None = None
    _started: bool = False  # whether a frame was rendered

    def render(self, frames: Iterable[int], uploads: Uploads) -> tuple[list[Rendered], list[Failure]]:
        """Renders and uploads frames until they are done, too many failed, or it is told to stop."""
        done: list[Rendered] = []
        failures: list[Failure] = []
        with self._stack:
            for frame in frames:
                if self.stop.requested or len(failures) >= MOST_FAILURES:
                    break
                made = self._tried(frame)
                if isinstance(made, Failure):
                    failures.append(made)
                else:
                    done.append(made[0])
                    uploads.submit(*made)
            uploads.finish()
        return done, failures

    def _tried(self, frame: int) -> tuple[Rendered, bytes] | Failure:
        failure: Failure | None = None
        for attempt in range(1, TRIES + 1):
            try:
                return self._rendered(frame)
            except (FrameFailed, BlenderGone, DamagedImage) as error:
                failure = Failure(frame=frame, reason=str(error), by_blender=isinstance(error, FrameFailed))
                self.log("frame failed", frame=frame, attempt=attempt, reason=error)
                self._close()
        assert failure
        return failure

    def _rendered(self, frame: int) -> tuple[Rendered, bytes]:
        blender = self._open()
        startup = None if self._started else time.monotonic() - self.began
        path = self.folder / frame_name(frame)
        seconds = blender.render(frame, path)
        data = path.read_bytes()
        path.unlink()
        image = inspect(data)
        self._started = True
        self.log("rendered", frame=frame, seconds=f"{seconds:.2f}", pixels=f"{image.width}x{image.height}")
        return Rendered(frame=frame, seconds=seconds, startup=startup), data

    def _open(self) -> RendersFrames:
        if self._blender is None:
            self.stop.rendering = False  # nothing is lost by stopping while Blender starts
            self.stop.check()
            self._blender = self._stack.enter_context(self.start())
            self.stop.rendering = True
        return self._blender

    def _close(self) -> None:
        self._blender = None
        self._stack.close()


def check(blend: str, failures: Sequence[Failure]) -> None:
    """Raises BlendError if Blender itself refused to render frames, RenderError if it died over them."""
    if not failures:
        return
    frames = format_frames(failure.frame for failure in failures)
    reasons = "; ".join(dict.fromkeys(failure.reason for failure in failures))
    if all(failure.by_blender for failure in failures):
        raise BlendError(f"{blend}, frame {frames}", f"Blender says: {reasons}")
    raise RenderError(f"{blend}, frame {frames}: {reasons}")
