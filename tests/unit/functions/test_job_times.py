"""When children ran: asked of Batch page by page, drawn as a picture."""

import itertools
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from botocore.exceptions import ClientError

from job_timeline import ticks, timeline
from job_times import ChildRun, JobTimes, Step, child_run, overlap, timings


class Batch:
    """Batch, knowing an array of three children of which one never ran, and a lone job."""

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        known = {
            "array": {"status": "FAILED", "arrayProperties": {"size": 3}},
            "lone": {"status": "SUCCEEDED", "startedAt": 5_000, "stoppedAt": 6_000},
        }
        return {"jobs": [known[name] for name in jobs if name in known]}

    def get_paginator(self, operation: str) -> "Batch":
        assert operation == "list_jobs"
        return self

    def paginate(self, *, arrayJobId: str, jobStatus: str) -> list[dict[str, Any]]:  # noqa: N803 - boto3's names
        assert arrayJobId == "array"
        if jobStatus == "SUCCEEDED":
            pages = [(2, 3_000, 4_000), (0, 1_000, 2_000)]
            return [{"jobSummaryList": [summary(index, "SUCCEEDED", a, b)]} for index, a, b in pages]
        unrun = {"status": "FAILED", "arrayProperties": {"index": 1}, "statusReason": "Dependent Job failed"}
        return [{"jobSummaryList": [unrun]}]


def summary(index: int, status: str, started: int, stopped: int) -> dict[str, Any]:
    return {"status": status, "arrayProperties": {"index": index}, "startedAt": started, "stoppedAt": stopped}


def step(name: str, *spans: tuple[int, int], failed: tuple[int, ...] = ()) -> Step:
    runs = [ChildRun(index=k, started=a, stopped=b, succeeded=k not in failed) for k, (a, b) in enumerate(spans)]
    return Step(name=name, job_id=name, runs=tuple(runs))


@pytest.fixture
def times() -> JobTimes:
    made = JobTimes()
    made.__dict__["batch"] = Batch()
    return made


def test_children_are_listed_to_the_last_page_and_those_that_never_ran_left_out(times: JobTimes) -> None:
    steps, trouble = times.steps({"process": "array"})
    assert trouble is None
    assert [(run.index, run.started, run.stopped) for run in steps[0].runs] == [(0, 1_000, 2_000), (2, 3_000, 4_000)]


def test_a_lone_job_is_child_0(times: JobTimes) -> None:
    [lone], _ = times.steps({"procure": "lone"})
    assert lone.runs == (ChildRun(index=0, started=5_000, stopped=6_000, succeeded=True),)


def test_steps_come_in_the_order_in_which_they_started(times: JobTimes) -> None:
    steps, _ = times.steps({"procure": "lone", "process": "array", "gone": "forgotten"})
    assert [each.name for each in steps] == ["process", "procure"]


def test_a_question_that_fails_costs_the_picture_and_nothing_else() -> None:
    class Throttled(Batch):
        def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "slow"}}, "DescribeJobs")

    times = JobTimes()
    times.__dict__["batch"] = Throttled()
    steps, trouble = times.steps({"procure": "lone"})
    assert (steps, "slow" in str(trouble)) == ([], True)


def test_overlap_is_the_share_that_started_before_the_step_before_had_ended() -> None:
    first, second = step("a", (0, 10), (0, 20)), step("b", (10, 15), (19, 30), (20, 30), (21, 30))
    assert overlap(first, second) == 0.5


def test_timings_count_failed_children_and_the_records_of_the_whole_time() -> None:
    steps = [step("a", (0, 1_000), (500, 2_000), failed=(1,)), step("b", (1_000, 4_000))]
    assert timings(steps, 80) == {
        "seconds": 4.0,
        "recordsPerSecond": 20.0,
        "steps": [
            {"step": "a", "jobId": "a", "children": 2, "failed": 1, "seconds": 2.0, "childSeconds": 2.5},
            {
                "step": "b",
                "jobId": "b",
                "children": 1,
                "failed": 0,
                "seconds": 3.0,
                "childSeconds": 3.0,
                "overlap": 1.0,
            },
        ],
    }


def test_a_child_that_never_started_has_no_times() -> None:
    assert child_run({"status": "FAILED"}) is None
    assert child_run({"status": "FAILED", "startedAt": 5}) is None


SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_has_a_bar_for_every_child_and_marks_those_that_failed() -> None:
    steps = [step("procure", (0, 1_000), (0, 2_000)), step("process", (1_000, 3_000), (2_000, 3_000), failed=(0,))]
    root = ET.fromstring(timeline("a <run> & its children", steps))
    bars = [path.attrib["d"].count("M") for path in root.iter(f"{SVG}path") if "stroke-width" in path.attrib]
    assert sum(bars) == 4
    assert [path.attrib["d"].count("M") for path in root.iter(f"{SVG}path") if path.get("class") == "failed"] == [1]
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"a <run> & its children", "procure", "process", "child 0", "child 1", "0 s"} <= set(texts)


def test_a_bar_lies_where_and_as_long_as_its_child_ran() -> None:
    root = ET.fromstring(timeline("t", [step("a", (5_000, 6_000), (6_000, 10_000))]))
    [bars] = [path.attrib["d"] for path in root.iter(f"{SVG}path") if "stroke-width" in path.attrib]
    assert bars == "M110.0 65.00h174.0M284.0 83.00h696.0"


def test_the_picture_of_ten_thousand_children_stays_small() -> None:
    spans = [(k * 10, k * 10 + 5) for k in range(10_000)]
    picture = timeline("wide", [step(name, *spans) for name in ("procure", "process", "deliver")])
    assert len(picture) < 50_000
    assert float(ET.fromstring(picture).attrib["height"]) < 800


def many(failed: tuple[int, ...] = ()) -> ET.Element:
    """Three steps of 1,000 children, ten seconds a step, each beginning five seconds after the one before."""
    spans = [[(5_000 * at + k * 10, 5_000 * at + k * 10 + 20) for k in range(1_000)] for at in range(3)]
    steps = [
        step("procure", *spans[0]),
        step("process", *spans[1], failed=failed),
        step("deliver", *spans[2]),
    ]
    return ET.fromstring(timeline("many", steps))


def bars_of(path: ET.Element) -> list[tuple[float, float, float]]:
    found = re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)", path.attrib["d"])
    return [(float(x), float(y), float(width)) for x, y, width in found]


def test_many_children_have_a_panel_a_step_under_each_other_on_one_time_axis() -> None:
    root = many()
    panels = [
        {key: float(rect.attrib[key]) for key in ("x", "y", "width", "height")} for rect in root.iter(f"{SVG}rect")
    ]
    assert [round(panel["x"]) for panel in panels] == [110, 327, 545]  # 20 s are 870 pixels
    assert {round(panel["width"]) for panel in panels} == {435}
    for above, below in itertools.pairwise(panels):
        assert above["y"] + above["height"] < below["y"]
    lines = [bars_of(path) for path in root.iter(f"{SVG}path") if "stroke-width" in path.attrib]
    for panel, bars in zip(panels, lines, strict=True):
        assert panel["x"] <= min(x for x, _, _ in bars) < panel["x"] + 5
        assert max(x + width for x, _, width in bars) == pytest.approx(panel["x"] + panel["width"], abs=0.2)
        assert all(panel["y"] < y < panel["y"] + panel["height"] for _, y, _ in bars)
        assert [x for x, _, _ in bars] == sorted(x for x, _, _ in bars)  # in the order in which they ran


def test_the_picture_of_many_says_how_much_of_a_step_began_before_the_one_before_had_ended() -> None:
    root = many()
    assert "50.1 % of process began before procure had ended, 50.1 % of deliver began before process had ended" in {
        text.text for text in root.iter(f"{SVG}text")
    }
    ends = [path.attrib["d"] for path in root.iter(f"{SVG}path") if "stroke-dasharray" in path.attrib]
    assert [round(float(re.findall(r"M([\d.]+)", end)[0])) for end in ends] == [545, 763]


def test_one_failed_child_of_many_is_seen() -> None:
    [failed] = [path for path in many(failed=(500,)).iter(f"{SVG}path") if path.get("class") == "failed"]
    [(_, _, width)] = bars_of(failed)
    assert width >= 5
    assert float(failed.attrib["stroke-width"]) >= 5


def test_children_on_one_line_of_pixels_are_drawn_where_one_of_them_ran_and_nowhere_else() -> None:
    spans = [(0, 1_000) if k % 2 else (9_000, 10_000) for k in range(1_600)]
    root = ET.fromstring(timeline("t", [step("a", *spans)]))
    [path] = [path for path in root.iter(f"{SVG}path") if "stroke-width" in path.attrib]
    assert {(x, width) for x, _, width in bars_of(path)} == {(110.0, 87.0), (893.0, 87.0)}
    assert len(bars_of(path)) == 2 * 160


def test_a_run_without_jobs_has_a_picture_that_says_so() -> None:
    assert b"no job ran" in timeline("t", [])


@pytest.mark.parametrize("seconds", [0.001, 0.3, 1, 7, 59, 60, 3_601, 86_400])
def test_the_axis_has_a_few_round_moments(seconds: float) -> None:
    moments = ticks(seconds)
    assert 4 <= len(moments) <= 10
    assert moments[0] == 0
    assert moments[-1] <= seconds
