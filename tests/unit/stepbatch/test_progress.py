"""How a running execution is shown."""

import io
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console
from rich.spinner import Spinner

from stepbatch.history import StateVisit
from stepbatch.jobs import progress
from stepbatch.progress import Lines, clock, counted, picture
from stepbatch.watch import View
from tests.unit.stepbatch.fakes import BEGIN, array_job


def view(seconds: float, *, status: str = "RUNNING", states: tuple[str, ...] = ("Price",), **counts: int) -> View:
    size = sum(counts.values())
    job_status = "SUCCEEDED" if counts.get("SUCCEEDED") == size else "PENDING"
    return View(
        arn="arn",
        status=status,
        seconds=seconds,
        states=tuple(StateVisit(name=name, entered=BEGIN, exited=BEGIN + timedelta(seconds=2)) for name in states),
        current=() if status != "RUNNING" else states[-1:],
        jobs=(progress(array_job("j", size, job_status, **counts), "Price"),),
    )


def test_a_pipe_gets_a_line_for_each_state_and_a_line_now_and_then_for_a_job() -> None:
    lines: list[str] = []
    show = Lines(lines.append).show
    for second in range(20):
        show(view(float(second), SUCCEEDED=second, RUNNABLE=20 - second))
    show(view(20.0, SUCCEEDED=20))
    show(view(21.0, SUCCEEDED=20, status="SUCCEEDED"))
    assert lines == [
        "00:00 Price",
        "00:00 Price: job j",
        "00:00 Price: 0/20 done",
        "00:05 Price: 5/20 done",
        "00:10 Price: 10/20 done",
        "00:15 Price: 15/20 done",
        "00:20 Price: 20/20 done",
        "00:21 succeeded",
    ]


def test_a_terminal_gets_the_states_and_a_bar_for_each_job() -> None:
    file = io.StringIO()
    to = Console(file=file, width=100)
    to.print(picture(view(3.0, SUCCEEDED=1, RUNNING=1, FAILED=1, states=("Count", "Price")), Spinner("dots")))
    text = file.getvalue()
    assert "✓ Count" in text
    assert "2.0 s" in text
    assert "━" in text
    assert "2/3 done, 1 running, 1 failed" in text


@pytest.mark.parametrize(
    ("job", "text"),
    [
        (array_job("j", 4, "PENDING", RUNNING=1, STARTING=1, SUCCEEDED=1, FAILED=1), "2/4 done, 2 running, 1 failed"),
        ({"jobId": "j", "jobName": "n", "status": "SUCCEEDED"}, "1/1 done"),
        (
            {"jobId": "j", "jobName": "n", "status": "RUNNABLE", "statusReason": "MISCONFIGURATION: no capacity"},
            "0/1 done, MISCONFIGURATION: no capacity",
        ),
    ],
)
def test_a_job_is_told_in_a_few_words(job: dict[str, Any], text: str) -> None:
    assert counted(progress(job)) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "00:00"), (59.9, "00:59"), (3725.0, "1:02:05")])
def test_the_clock_shows_hours_only_when_there_are_some(seconds: float, text: str) -> None:
    assert clock(seconds) == text
