"""Frame expressions, and how many frames a child takes."""

from collections.abc import Sequence

import pytest

from fanout.errors import RequestError
from fanout.frames import MOST_FRAMES, format_frames, frames_per_job, parse_frames


@pytest.mark.parametrize(
    ("expression", "frames"),
    [
        ("7", [7]),
        ("0", [0]),
        ("1-3", [1, 2, 3]),
        ("1-10,20,30-50x2", [*range(1, 11), 20, *range(30, 51, 2)]),
        (" 5 - 6 ".replace(" - ", "-"), [5, 6]),
        ("3, 1-2", [1, 2, 3]),
        ("1-3,2-4", [1, 2, 3, 4]),
        ("1-10x100", [1]),
        ("5-5", [5]),
    ],
)
def test_an_expression_lists_its_frames_in_order_each_once(expression: str, frames: list[int]) -> None:
    assert list(parse_frames(expression)) == frames


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "'' is neither a frame"),
        ("1-", "'1-' is neither a frame"),
        ("1,,2", "'' is neither a frame"),
        ("-5", "'-5' is neither a frame"),
        ("1-5x", "'1-5x' is neither a frame"),
        ("٣", "neither a frame"),
        ("10-1", "'10-1' ends before it begins"),
        ("1-5x0", "'1-5x0' has no step"),
        ("1-9999999", "beyond frame 1,048,574"),
        ("1-1" + "0" * 30, "beyond frame 1,048,574"),
        ("1-1000000", f"more than the {MOST_FRAMES:,} frames"),
        (",".join(["1-100000"] * 3), f"more than the {MOST_FRAMES:,} frames"),
    ],
)
def test_an_expression_that_is_wrong_is_refused_by_the_part_that_is(expression: str, words: str) -> None:
    with pytest.raises(RequestError, match=r"^input\.frames: ") as caught:
        parse_frames(expression)
    assert words in str(caught.value)


def test_a_run_may_have_as_many_frames_as_are_allowed_and_no_more() -> None:
    assert len(parse_frames(f"1-{MOST_FRAMES}")) == MOST_FRAMES
    with pytest.raises(RequestError, match="more than the"):
        parse_frames(f"0-{MOST_FRAMES}")


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ([], ""),
        ([7], "7"),
        ([1, 2, 3, 7, 9, 10], "1-3, 7, 9-10"),
        ([1, 2], "1-2"),
        ([1, 3], "1, 3"),
        ([101, 104, 107], "101-107x3"),
        ([1, 2, 3, 5, 7, 9], "1-3, 5-9x2"),
        ([1, 3, 4, 5, 6], "1, 3-6"),
        (range(1, 200_000, 2), "1-199999x2"),
    ],
)
def test_frames_are_told_as_a_person_would_write_them(frames: Sequence[int], told: str) -> None:
    assert format_frames(frames) == told


@pytest.mark.parametrize(
    ("frames", "startup", "per_frame", "expected"),
    [
        (1_000, 2.0, 1.0, 120),  # two minutes of rendering; start-up is 1.6 %
        (1_000, 10.0, 1.0, 190),  # 10 / (10 + 190) is 5 %
        (1_000, 10.0, 60.0, 4),  # 10 / (10 + 180) is 5.3 %, 10 / (10 + 240) is 4 %
        (1_000, 200.0, 1.0, 1_000),  # 5 % would take 63 minutes: 30 minutes are the most, and there are no more frames
        (5_000, 200.0, 1.0, 1_800),
        (1_000, 10.0, 4_000.0, 1),  # one frame takes longer than a child should: it gets one
        (24, 1.0, 0.1, 24),
        (200_000, 0.1, 1_000.0, 20),  # an array has at most 10,000 children
        (10, 1.0, 0.0, 10),
    ],
)
def test_a_child_renders_few_frames_but_enough_to_be_worth_its_start(
    frames: int, startup: float, per_frame: float, expected: int
) -> None:
    assert frames_per_job(frames, startup, per_frame) == expected
