"""Laws of frame expressions and of the sizes of children."""

import math

from hypothesis import given
from hypothesis import strategies as st

from fanout.frames import LAST_FRAME, LONGEST, OVERHEAD, SHORTEST, format_frames, frames_per_job, parse_frames

frames = st.sets(st.integers(0, LAST_FRAME), min_size=1, max_size=200)
seconds = st.floats(0.01, 10_000)


@given(frames)
def test_what_is_told_is_read_back(listed: set[int]) -> None:
    assert set(parse_frames(format_frames(sorted(listed)))) == listed


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(1, 500))
def test_a_span_is_what_blender_makes_of_start_end_and_step(start: int, length: int, step: int) -> None:
    assert parse_frames(f"{start}-{start + length}x{step}") == tuple(range(start, start + length + 1, step))


@given(st.integers(1, 200_000), seconds, seconds)
def test_a_child_is_neither_too_short_nor_too_long(count: int, startup: float, per_frame: float) -> None:
    size = frames_per_job(count, startup, per_frame)
    assert 1 <= size <= count
    assert math.ceil(count / size) <= 10_000
    if size > max(1, math.ceil(count / 10_000)):
        assert size * per_frame <= LONGEST * (1 + 1e-9)
        fewer = size - 1  # was not enough
        assert fewer * per_frame < SHORTEST or startup / (startup + fewer * per_frame) > OVERHEAD
