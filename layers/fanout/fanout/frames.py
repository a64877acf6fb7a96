"""Which frames of a scene, and how many of them a child renders.

A frame expression lists frames as artists write them: ``1-10,20,30-50x2`` is 1 to 10, 20, and every second from 30
to 50.
"""

import math
import re
from collections.abc import Iterable, Iterator

from fanout.errors import RequestError
from fanout.slicing import MAX_ARRAY_SIZE

LAST_FRAME = 1_048_574  # MAXFRAME of Blender's DNA_scene_types.h
MOST_FRAMES = 200_000  # of a run: more than two hours at 24 a second
PART = re.compile(r"(\d{1,99})(?:-(\d{1,99})(?:x(\d{1,99}))?)?", re.ASCII)

OVERHEAD = 0.05  # of a child's time that its start-up may take
SHORTEST, LONGEST = 120.0, 1800.0  # seconds of rendering a child: worth a start, little to lose to a reclaim

Frames = tuple[int, ...]


def parse_frames(expression: str, where: str = "input.frames") -> Frames:
    """The frames of an expression, in order, each once. Raises RequestError naming the part that is wrong."""
    spans = [_span(part.strip(), where) for part in expression.split(",")]
    if sum(map(len, spans)) > MOST_FRAMES:
        raise RequestError(where, f"{expression!r} lists more than the {MOST_FRAMES:,} frames that one run may have")
    return tuple(sorted({frame for span in spans for frame in span}))


def _span(part: str, where: str) -> range:
    match = PART.fullmatch(part)
    if match is None:
        raise RequestError(where, f"{part!r} is neither a frame, a range like 1-10, nor one with a step like 1-9x2")
    start, stop, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
    if stop < start:
        raise RequestError(where, f"{part!r} ends before it begins")
    if step < 1:
        raise RequestError(where, f"{part!r} has no step: a step is at least 1")
    if stop > LAST_FRAME:
        raise RequestError(where, f"{part!r} goes beyond frame {LAST_FRAME:,}, the last that Blender knows")
    return range(start, stop + 1, step)


def format_frames(frames: Iterable[int]) -> str:
    """The expression that a person would write: ``1-3, 7, 101-170x3``; frames must ascend."""
    return ", ".join(_written(run) for run in _runs(list(frames)))


def _written(run: range) -> str:
    if len(run) == 1:
        return str(run.start)
    return f"{run.start}-{run[-1]}" + (f"x{run.step}" if run.step > 1 else "")


def _runs(frames: list[int]) -> Iterator[range]:
    """Cut into stretches of one step, each of three frames at least where the step is larger than 1."""
    at = 0
    while at < len(frames):
        stop = at + 1
        step = frames[stop] - frames[at] if stop < len(frames) else 1
        while stop < len(frames) and frames[stop] - frames[stop - 1] == step:
            stop += 1
        if stop - at == 2 and step > 1:
            stop = at + 1
        yield range(frames[at], frames[stop - 1] + 1, step)
        at = stop


def frames_per_job(frames: int, startup: float, per_frame: float) -> int:
    """How many frames a child renders when nobody says.

    The fewest for which start-up takes at most 5 % of the child's time and it renders for at least 2 minutes; never
    more than 30 minutes of rendering, unless one frame takes longer or the array would be too wide.

    Parameters
    ----------
    frames : of the run, > 0
    startup : seconds from a child's start to its first frame
    per_frame : seconds
    """
    per_frame = max(per_frame, 1e-3)
    for_startup = startup * (1 - OVERHEAD) / OVERHEAD / per_frame
    wanted = math.ceil(max(for_startup, SHORTEST / per_frame))
    most = math.floor(LONGEST / per_frame)
    return min(frames, max(1, min(wanted, most), math.ceil(frames / MAX_ARRAY_SIZE)))
