"""Which jobs ListJobs returns, page by page. Pure."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.batch.jobs import Job, Status
from localcloud.batch.requests import RefusedError
from localcloud.batch.retries import matches

PAGE = 1000
FILTERED_PAGE = 100
FILTERS = ("JOB_NAME", "JOB_DEFINITION", "BEFORE_CREATED_AT", "AFTER_CREATED_AT")


def page(jobs: Sequence[Job], body: Mapping[str, Any]) -> tuple[list[Job], str | None]:
    """The jobs of ``body``'s page and the token of the next. ``jobs``: an array's children, or a queue's, newest first.

    A page starts after the last job of the one before, whatever has been submitted or has ended in between.
    """
    chosen = _filter(body)
    if chosen and body.get("arrayJobId"):
        raise RefusedError("Filters cannot be applied to the child jobs of an array")
    status = body.get("jobStatus") or Status.RUNNING.value
    if status not in list(Status):
        raise RefusedError(f"jobStatus {status} is not one of {', '.join(Status)}")
    most = FILTERED_PAGE if chosen else PAGE
    limit = body.get("maxResults", most)
    if not 1 <= limit <= most:
        raise RefusedError(f"maxResults must be between 1 and {most}, got {limit}")
    left = _position(body, len(jobs))
    found: list[Job] = []
    for number in range(len(jobs) - left, len(jobs)):
        job = jobs[number]
        if not (_passes(job, *chosen) if chosen else job.status == status):
            continue
        if len(found) == limit:
            return found, _token(body, len(jobs) - number)
        found.append(job)
    return found, None


def _filter(body: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    filters = body.get("filters") or []
    if not filters:
        return None
    if len(filters) > 1:
        raise RefusedError("Only one filter can be used at a time")
    name, values = filters[0].get("name"), list(filters[0].get("values") or [])
    if name not in FILTERS:
        raise RefusedError(f"Filter {name} is not one of {', '.join(FILTERS)}")
    if not values:
        raise RefusedError(f"Filter {name} must have a value")
    if name.endswith("CREATED_AT") and not all(value.isdecimal() for value in values):
        raise RefusedError(f"Filter {name} must be milliseconds since 1970, got {values[0]}")
    return name, values


def _passes(job: Job, name: str, values: list[str]) -> bool:
    if name == "JOB_NAME":
        return any(matches(value.lower(), job.spec.name.lower()) for value in values)
    if name == "JOB_DEFINITION":
        arn, definition = job.spec.definition["jobDefinitionArn"], job.spec.definition["jobDefinitionName"]
        return any(value == arn if value.startswith("arn:") else matches(value, definition) for value in values)
    if name == "BEFORE_CREATED_AT":
        return any(job.created_at < int(value) for value in values)
    return any(job.created_at > int(value) for value in values)


def _question(body: Mapping[str, Any]) -> list[Any]:
    return [body.get(key) for key in ("jobQueue", "arrayJobId", "jobStatus", "filters")]


def _token(body: Mapping[str, Any], left: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([left, *_question(body)]).encode()).decode()


def _position(body: Mapping[str, Any], count: int) -> int:
    """How many jobs, counted from the oldest, are still to be looked at: newer ones do not shift the pages."""
    token = body.get("nextToken")
    if not token:
        return count
    try:
        left, *question = json.loads(base64.urlsafe_b64decode(token))
    except (TypeError, ValueError):
        raise RefusedError("Invalid nextToken") from None
    if question != _question(body) or not isinstance(left, int) or not 0 <= left <= count:
        raise RefusedError("Invalid nextToken")
    return left
