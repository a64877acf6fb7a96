"""How a run ended: its status, exit status, and the document that ``--json`` prints."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from fanout.errors import InputError
from stepbatch.history import Failure
from stepbatch.jobs import JobProgress
from stepbatch.watch import View


class Status(StrEnum):
    """How a run ended."""

    CHECKED = "checked"  # a dry run: the input is right, nothing was started
    COMPLETE = "complete"
    PARTIAL = "partial"  # something is missing, and the run tolerates it
    FAILED = "failed"
    REFUSED = "refused"  # the input is wrong: nothing was computed
    INTERRUPTED = "interrupted"  # by Ctrl-C

    @property
    def exit_status(self) -> int:
        return {"checked": 0, "complete": 0, "partial": 3, "failed": 1, "refused": 2, "interrupted": 130}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to; the places are None where it ended before there were any."""

    pipeline: str
    status: Status
    out: str
    execution_arn: str | None = None
    seconds: float = 0.0
    output_uri: str | None = None
    jobs: tuple[JobProgress, ...] = ()
    attempts: dict[str, int] = field(default_factory=dict)  # job id -> attempts of all its children
    failure: Failure | None = None
    result: Mapping[str, Any] | None = None  # what the pipeline found, in short

    def document(self) -> str:
        """One JSON document with the keys that scripts rely on."""
        jobs = [
            {
                "name": job.name,
                "jobId": job.job_id,
                "size": job.size,
                "succeeded": job.succeeded,
                "failed": job.failed,
                "attempts": self.attempts.get(job.job_id),
            }
            for job in self.jobs
        ]
        error = {"error": self.failure.error, "cause": self.failure.cause} if self.failure else None
        document: dict[str, Any] = {
            "pipeline": self.pipeline,
            "status": self.status.value,
            "executionArn": self.execution_arn,
            "seconds": round(self.seconds, 3),
            "outputUri": self.output_uri,
            "out": self.out,
            "jobs": jobs,
            "result": self.result,
            "error": error,
        }
        return json.dumps(document, indent=1)


def status_of(view: View) -> Status:
    """The status of an execution that ended; a state machine marks a partial success in its output.

    What goes wrong with the input once jobs have been submitted is a failure: there are results, and what was written
    stays.
    """
    if view.status == "SUCCEEDED":
        partial = isinstance(view.output, dict) and view.output.get("status") == "PARTIAL"
        return Status.PARTIAL if partial else Status.COMPLETE
    if view.failure and view.failure.error in input_errors() and not view.jobs:
        return Status.REFUSED
    return Status.FAILED


@cache
def input_errors() -> frozenset[str]:
    """The names under which Step Functions reports that the input is wrong."""

    def family(error: type[Exception]) -> Iterator[str]:
        yield error.__name__
        for child in error.__subclasses__():
            yield from family(child)

    return frozenset(family(InputError))
