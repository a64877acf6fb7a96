"""Following an execution to its end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stepbatch.cloud import Cloud
from stepbatch.history import Failure, History, StateVisit, explained, parsed
from stepbatch.jobs import JobProgress, describe, progress

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

UNFINISHED = {"RUNNING", "PENDING_REDRIVE"}
PAUSES = {True: (0.2, 1.0), False: (2.0, 5.0)}  # seconds between polls, first and longest: local cloud, AWS
GROWTH = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An execution at one moment."""

    arn: str
    status: str
    seconds: float  # since it began
    states: tuple[StateVisit, ...]
    current: tuple[str, ...]
    jobs: tuple[JobProgress, ...]
    output: Any = None  # what it answered, once it has
    failure: Failure | None = None
    note: str = ""  # what the pipeline itself says of its progress

    @property
    def ended(self) -> bool:
        return self.status not in UNFINISHED


class Watcher:
    """Looks at one execution; what was read once is not asked for again."""

    def __init__(self, cloud: Cloud, arn: str) -> None:
        self._cloud = cloud
        self._arn = arn
        self._history = History()
        self._jobs: dict[str, JobProgress] = {}

    def look(self) -> View:
        """The execution now. Its status is read first, so that a finished one's history is complete."""
        execution = self._cloud.stepfunctions.describe_execution(executionArn=self._arn)
        self._history.add(new_events(self._cloud.stepfunctions, self._arn, self._history.last_id))
        self._refresh_jobs()
        status = execution["status"]
        end = execution.get("stopDate") or datetime.now(UTC)
        failure = None
        if status not in UNFINISHED and status != "SUCCEEDED":
            failure = self._history.failure or explained(execution.get("error", status), execution.get("cause", ""))
        return View(
            arn=self._arn,
            status=status,
            seconds=max(0.0, (end - execution["startDate"]).total_seconds()),
            states=tuple(self._history.states.values()),
            current=self._history.current,
            jobs=tuple(self._jobs.values()),
            output=parsed(execution.get("output")),
            failure=failure,
        )

    def _refresh_jobs(self) -> None:
        submitted = self._history.jobs
        asked = [job_id for job_id in submitted if job_id not in self._jobs or not self._jobs[job_id].ended]
        found = describe(self._cloud.batch, asked)
        for job_id in asked:
            if job_id in found:
                self._jobs[job_id] = progress(found[job_id], submitted[job_id].state)


def follow(
    cloud: Cloud,
    arn: str,
    show: Callable[[View], None],
    *,
    note: Callable[[float], str] = lambda _: "",
    wait: Callable[[float], None] = time.sleep,
) -> View:
    """Shows the execution again and again until it ends; its last view.

    ``note`` tells what the pipeline knows of its progress, given the seconds since it began.
    """
    watcher = Watcher(cloud, arn)
    pause, longest = PAUSES[cloud.local]
    while True:
        view = watcher.look()
        view = replace(view, note=note(view.seconds))
        show(view)
        if view.ended:
            return view
        wait(pause)
        pause = min(longest, pause * GROWTH)


def new_events(stepfunctions: "SFNClient", arn: str, last_id: int) -> Iterator[Any]:
    """The events after ``last_id``: read backwards from the newest, as many pages as that takes."""
    pages = stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=arn, reverseOrder=True, includeExecutionData=True
    )
    for page in pages:
        yield from (event for event in page["events"] if event["id"] > last_id)
        if any(event["id"] <= last_id for event in page["events"]):
            return
