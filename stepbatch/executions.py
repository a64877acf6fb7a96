"""Executions by name: started once for a directory, found again by the next command."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from stepbatch.cloud import Cloud
from stepbatch.errors import UsageError
from stepbatch.watch import UNFINISHED
from stepbatch.workspace import Workspace, file_sha256, read_json, write_whole

NAME_LENGTH = 80  # characters that Step Functions takes
UNKNOWN = {"ExecutionDoesNotExist", "InvalidArn"}


def execution_name(job_name: str, now: datetime, token: str) -> str:
    """``book-20260101T120000Z-1f9a``: no ``:``, which execution names do not admit."""
    tail = f"-{now:%Y%m%dT%H%M%SZ}-{token}"
    return re.sub(r"[^A-Za-z0-9_-]", "-", job_name)[: NAME_LENGTH - len(tail)] + tail


def running(
    cloud: Cloud, machine_arn: str, workspace: Workspace, request: Mapping[str, Any], files: Mapping[str, Path]
) -> str | None:
    """The ARN of the directory's execution if the machine still runs it with the same input, else None.

    Raises UsageError if it runs with another input: two would write to the same place.
    """
    record = read_json(_record(workspace))
    if record is None or not record["executionArn"].startswith(f"{execution_prefix(machine_arn)}:"):
        return None
    if not _runs(cloud, record["executionArn"]):
        return None
    if record["request"] == request and record["files"] == _hashes(files):
        return str(record["executionArn"])
    raise UsageError(
        f"{workspace.out}: {record['executionArn']} still runs with another input; wait for it "
        f"(stepbatch watch{cloud.flags} …), stop it (aws stepfunctions stop-execution), or choose another --out"
    )


def start(cloud: Cloud, machine_arn: str, name: str, request: Mapping[str, Any]) -> str:
    """The ARN of the execution that began."""
    answer = cloud.stepfunctions.start_execution(stateMachineArn=machine_arn, name=name, input=json.dumps(request))
    return answer["executionArn"]


def note_running(workspace: Workspace, arn: str, request: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """Lets the next command with the same directory find the execution."""
    record = {"executionArn": arn, "request": request, "files": _hashes(files)}
    write_whole(_record(workspace), json.dumps(record, indent=1).encode() + b"\n")


def was_started(workspace: Workspace) -> bool:
    """Whether an execution was ever started for the directory."""
    return _record(workspace).exists()


def execution_prefix(machine_arn: str) -> str:
    """What the ARNs of a state machine's executions begin with."""
    return machine_arn.replace(":stateMachine:", ":execution:")


def find(cloud: Cloud, execution: str) -> str:
    """The ARN of an execution given by ARN or by name, looked for among the stack's state machines.

    Raises UsageError if there is none, or several have the name.
    """
    from botocore.exceptions import ClientError

    machines = sorted({value for key, value in cloud.outputs.items() if key.endswith("StateMachineArn")})
    candidates = [execution]
    if not execution.startswith("arn:"):
        candidates = [f"{execution_prefix(arn)}:{execution}" for arn in machines]
    found = []
    for arn in candidates:
        try:
            found.append(cloud.stepfunctions.describe_execution(executionArn=arn)["executionArn"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in UNKNOWN:
                raise
    if len(found) > 1:
        raise UsageError(f"several state machines have an execution {execution!r}: give one of {', '.join(found)}")
    if not found:
        names = ", ".join(arn.rpartition(":")[2] for arn in machines) or "no state machine"
        raise UsageError(f"there is no execution {execution!r} of {names} in stack {cloud.stack!r}")
    return found[0]


def _runs(cloud: Cloud, arn: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        return cloud.stepfunctions.describe_execution(executionArn=arn)["status"] in UNFINISHED
    except ClientError as error:
        if error.response["Error"]["Code"] not in UNKNOWN:
            raise
        return False


def _record(workspace: Workspace) -> Path:
    return workspace.state / "execution.json"


def _hashes(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: file_sha256(path) for name, path in files.items()}
