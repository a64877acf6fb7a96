"""What an execution's history tells: which states ran, which Batch jobs they submitted, why it failed. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ENDINGS = {
    "ExecutionFailed": "executionFailedEventDetails",
    "ExecutionTimedOut": "executionTimedOutEventDetails",
    "ExecutionAborted": "executionAbortedEventDetails",
}
WORK = {"TaskStateEntered", "MapStateEntered", "ParallelStateEntered"}  # states a user waits for
CAUSE_LENGTH = 2_000  # characters of a cause worth showing


@dataclass(slots=True, kw_only=True)
class StateVisit:
    """A state that does work; a state entered again goes on as the same visit."""

    name: str
    entered: datetime
    exited: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A Batch job that a state submitted."""

    job_id: str
    name: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an execution did not succeed."""

    error: str  # the name that Catch clauses match
    cause: str


@dataclass(slots=True)
class History:
    """The fold of a history's events, given in any number of portions."""

    last_id: int = 0
    states: dict[str, StateVisit] = field(default_factory=dict)  # in the order of their first entry
    jobs: dict[str, Submitted] = field(default_factory=dict)  # in the order of their submission
    failure: Failure | None = None
    _state_of: dict[int, str] = field(default_factory=dict)  # event id -> the state it belongs to

    def add(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Events that were seen before are passed over."""
        for event in sorted(events, key=lambda event: event["id"]):
            if event["id"] > self.last_id:
                self.last_id = event["id"]
                self._add(event)

    @property
    def current(self) -> tuple[str, ...]:
        """The states that are at work now."""
        return tuple(visit.name for visit in self.states.values() if visit.exited is None)

    def _add(self, event: Mapping[str, Any]) -> None:
        kind: str = event["type"]
        if kind.endswith("StateEntered"):
            self._state_of[event["id"]] = name = event["stateEnteredEventDetails"]["name"]
            if kind in WORK:
                visit = self.states.setdefault(name, StateVisit(name=name, entered=event["timestamp"]))
                visit.exited = None
            return
        state = self._state_of.get(event.get("previousEventId", 0), "")
        self._state_of[event["id"]] = state
        if kind.endswith("StateExited"):
            self._leave(event["stateExitedEventDetails"]["name"], event["timestamp"])
        elif kind in {"TaskSubmitted", "TaskSucceeded"}:
            details = event["taskSubmittedEventDetails" if kind == "TaskSubmitted" else "taskSucceededEventDetails"]
            self._note_job(details, state)
        elif kind in ENDINGS:
            self._end(event.get(ENDINGS[kind]) or {}, kind, event["timestamp"])

    def _leave(self, name: str, when: datetime) -> None:
        if visit := self.states.get(name):
            visit.exited = when

    def _note_job(self, details: Mapping[str, Any], state: str) -> None:
        """The answer of SubmitJob, or of a ``.sync`` task the job's description; both name the job."""
        if details.get("resourceType") != "batch":
            return
        output = parsed(details.get("output"))
        if isinstance(output, dict) and "JobId" in output:
            job = Submitted(job_id=output["JobId"], name=output.get("JobName", ""), state=state)
            self.jobs.setdefault(job.job_id, job)

    def _end(self, details: Mapping[str, Any], kind: str, when: datetime) -> None:
        self.failure = explained(details.get("error") or kind, details.get("cause") or "")
        for visit in self.states.values():
            visit.exited = visit.exited or when


def explained(error: str, cause: str) -> Failure:
    """A failure with the message that its cause wraps: a Lambda's error payload, a Batch job's description."""
    inner = parsed(cause)
    if isinstance(inner, dict):
        if "errorMessage" in inner:
            cause = str(inner["errorMessage"])
        elif "JobId" in inner:
            cause = f"job {inner['JobId']}: {inner.get('StatusReason') or inner.get('Status')}"
    return Failure(error=error, cause=cause if len(cause) <= CAUSE_LENGTH else cause[:CAUSE_LENGTH] + " …")


def parsed(text: str | None) -> Any:
    """The JSON value, or None where the text is none."""
    try:
        return json.loads(text or "")
    except ValueError:
        return None
