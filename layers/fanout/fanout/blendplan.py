"""The plan of a render: what its parameters mean, and where frames, film and measurement lie.

Frames lie under the hash of what decides their pixels (their *look*), not under that of the plan: other slices, or
more frames of the same scene, find the frames that stand.

::

    results/<look>/000101.png     one object a frame, written whole
    measurement.json              how long start-up and a frame take; written by the preview job
    preview.png                   the frame that was measured
    frames/000101.png             every frame of the finished run
    output.mp4  contact_sheet.png  aggregate.json  timings.json
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

import msgspec

from fanout.blend.project import Kind
from fanout.blend.renderable import BLENDER
from fanout.errors import PlanError
from fanout.plan import Plan, results_folder
from fanout.s3 import Objects, S3Uri

MEASUREMENT = "measurement.json"
PREVIEW = "preview.png"
FILM = "output.mp4"
SHEET = "contact_sheet.png"
FRAMES = "frames"
AGGREGATE = "aggregate.json"
TIMINGS = "timings.json"
FRAME_KEY = re.compile(r"(\d{6,7})\.png")


class Look(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything that decides a frame's pixels but the frame's number."""

    version: str  # of the .blend and its files: an ETag or the hash of a listing
    kind: Kind
    blend: str  # path inside the folder or zip
    scene: str
    percent: int | None = None  # None: as the scene says
    samples: int | None = None
    run_scripts: bool | None = None
    ignore_missing_assets: bool = False
    blender: str = BLENDER

    @property
    def hash(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class RenderParameters(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``work.parameters`` of a rendering plan."""

    look: Look
    frames: tuple[int, ...]
    fps: str  # 30000/1001
    sound: bool  # whether the .blend may hold sound

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.fps)


class Measurement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``measurement.json``."""

    look: str  # what it was measured with
    frame: int
    startup_seconds: float  # from the child's start to its first frame
    frame_seconds: float


def parameters_of(plan: Plan) -> RenderParameters:
    """Raises PlanError if the plan is not one of the rendering pipeline."""
    if plan.work.pipeline != "rendering":
        raise PlanError(f"plan {plan.hash[:12]} is of the pipeline {plan.work.pipeline!r}, not of rendering")
    try:
        parameters = msgspec.convert(plan.work.parameters, RenderParameters)
    except msgspec.ValidationError as error:
        raise PlanError(f"plan {plan.hash[:12]} has parameters of another version: {error}") from error
    if len(parameters.frames) != plan.items:
        raise PlanError(f"plan {plan.hash[:12]} lists {len(parameters.frames)} frames and slices {plan.items}")
    return parameters


def preview_frame(frames: Sequence[int]) -> int:
    """The one that is measured: in the middle, where most happens."""
    return frames[len(frames) // 2]


def frame_name(frame: int) -> str:
    return f"{frame:06d}.png"


def frame_uri(output: S3Uri, look: Look, frame: int) -> S3Uri:
    """Where a child puts a frame."""
    return results_folder(output, look.hash) / frame_name(frame)


def standing_frames(objects: Objects, output: S3Uri, look: Look) -> set[int]:
    """The frames of that look that were rendered already."""
    rows = objects.list(results_folder(output, look.hash))
    names = (FRAME_KEY.fullmatch(row.uri.key.rpartition("/")[2]) for row in rows if row.size)
    return {int(name[1]) for name in names if name}


def missing_frames(wanted: Iterable[int], standing: set[int]) -> list[int]:
    return [frame for frame in wanted if frame not in standing]
