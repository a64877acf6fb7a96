"""What a cloud knows of executions and jobs, for people."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from rich.console import Console

from stepbatch.cloud import Cloud
from stepbatch.console import table
from stepbatch.errors import UsageError
from stepbatch.executions import execution_name, start
from stepbatch.failures import show_failures
from stepbatch.jobs import (
    Attempt,
    children,
    describe_one,
    log_group,
    log_lines,
    log_stream,
    members,
    progress,
)
from stepbatch.jobs import attempts as attempts_of
from stepbatch.outcome import status_of
from stepbatch.progress import shown
from stepbatch.watch import UNFINISHED, follow

INDICES_SHOWN = 10


def followed(cloud: Cloud, arn: str, *, stdout: Console, stderr: Console) -> int:
    """Follows an execution; its output goes to stdout, its failure to stderr. The exit status."""
    with shown(stderr) as show:
        view = follow(cloud, arn, show)
    if view.output is not None:
        stdout.print(json.dumps(view.output, indent=1), soft_wrap=True)
    show_failures(cloud, view.failure, view.jobs, stderr)
    return status_of(view).exit_status


def started_again(cloud: Cloud, arn: str) -> str:
    """The ARN of a new execution with the input of one that ended. Raises UsageError if it still runs."""
    execution = cloud.stepfunctions.describe_execution(executionArn=arn)
    if execution["status"] in UNFINISHED:
        raise UsageError(f"{arn} still runs: watch it with stepbatch watch{cloud.flags} {arn}")
    request: dict[str, Any] = json.loads(execution["input"])
    job_name = str(request.get("jobName") or arn.rsplit(":", 2)[1])
    name = execution_name(job_name, datetime.now(UTC), uuid4().hex[:4])
    return start(cloud, execution["stateMachineArn"], name, request)


def show_attempts(cloud: Cloud, job_id: str, *, every: bool, to: Console) -> None:
    """A row an attempt; of an array, unless ``every`` is wanted, only of children that did not succeed at once."""
    job = describe_one(cloud.batch, job_id)
    tried = {member["jobId"]: (member["status"], attempts_of(member)) for member in members(cloud.batch, job)}
    smooth = {each for each, (status, tries) in tried.items() if status == "SUCCEEDED" and len(tries) == 1}
    hidden = smooth if len(tried) > 1 and not every else set()
    rows = table(
        f"attempts of {job_id}", "#child", "#attempt", "#exit code", "#seconds", "began (UTC)", "reason", "log stream"
    )
    for each in tried:
        for attempt in tried[each][1] if each not in hidden else []:
            rows.add_row(*_cells(attempt))
    if rows.row_count:
        to.print(rows)
    if hidden:
        to.print(f"{len(hidden):,} of {len(tried):,} children succeeded at the first attempt")
    if not rows.row_count and not hidden:
        to.print(f"{job_id} is {job['status']}: no attempt has ended yet")


def _cells(attempt: Attempt) -> list[str]:
    began = datetime.fromtimestamp(attempt.started / 1000, UTC) if attempt.started else None
    return [
        attempt.job_id.partition(":")[2],
        str(attempt.number),
        "" if attempt.exit_code is None else str(attempt.exit_code),
        "" if attempt.seconds is None else f"{attempt.seconds:.1f}",
        f"{began:%Y-%m-%d %H:%M:%S}" if began else "",
        attempt.reason,
        attempt.log_stream,
    ]


def job_log(cloud: Cloud, job_id: str, attempt: int | None) -> Iterator[str]:
    """The lines of one attempt's log. Raises UsageError where there is no such log."""
    job = describe_one(cloud.batch, job_id)
    if (size := progress(job).size) > 1:
        failed = sorted(child["arrayProperties"]["index"] for child in children(cloud.batch, job_id, "FAILED"))
        which = f"; failed are {', '.join(map(str, failed[:INDICES_SHOWN]))}" if failed else ""
        raise UsageError(f"{job_id} is an array: name one of its children {job_id}:0 to {job_id}:{size - 1}{which}")
    stream = log_stream(job)
    if attempt is not None:
        tried = attempts_of(job)
        if attempt > len(tried):
            raise UsageError(f"{job_id} has no attempt {attempt}: {len(tried)} have ended")
        stream = tried[attempt - 1].log_stream
    if not stream:
        raise UsageError(f"{job_id} has no log yet: it is {job['status']} {job.get('statusReason', '')}".rstrip())
    return _existing(log_lines(cloud.logs, log_group(job), stream), f"{job_id} is {job['status']}, but has no log yet")


def _existing(lines: Iterator[str], otherwise: str) -> Iterator[str]:
    from botocore.exceptions import ClientError

    try:
        yield from lines
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise UsageError(otherwise) from error
