"""CancelJob and TerminateJob, and CancelJobs and TerminateJobs for many at once."""

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.batch.jobs import Job
from localcloud.batch.requests import RefusedError

MAX_JOBS = 50  # of one CancelJobs or TerminateJobs
MAX_REASON = 1024  # characters

type Document = Mapping[str, Any]
type End = Callable[[Job, str], None]


class Ending:
    """``find`` returns the job with an id or ARN, or None; ``cancel`` and ``terminate`` end one for a reason."""

    def __init__(self, find: Callable[[str], Job | None], *, cancel: End, terminate: End) -> None:
        self._find = find
        self.operations: dict[str, Callable[[Document], dict[str, Any]]] = {
            "canceljob": lambda body: self._one(cancel, body),
            "canceljobs": lambda body: self._many(cancel, body),
            "terminatejob": lambda body: self._one(terminate, body),
            "terminatejobs": lambda body: self._many(terminate, body),
        }

    def _one(self, end: End, body: Document) -> dict[str, Any]:
        job = self._find(body["jobId"])
        if job is None:
            raise RefusedError(f"Job {body['jobId']} not found")
        end(job, _reason(body))
        return {}

    def _many(self, end: End, body: Document) -> dict[str, Any]:
        """Jobs that are not found count as ended, as the service has it."""
        named = list(dict.fromkeys(body["jobs"]))
        if not 1 <= len(named) <= MAX_JOBS:
            raise RefusedError(f"The number of jobs must be between 1 and {MAX_JOBS}, got {len(named)}")
        reason = _reason(body)
        for job in map(self._find, named):
            if job is not None:
                end(job, reason)
        return {"successful": named, "errors": []}


def _reason(body: Document) -> str:
    reason = str(body["reason"])
    if len(reason) > MAX_REASON:
        raise RefusedError(f"Reason must be at most {MAX_REASON} characters, got {len(reason)}")
    return reason
