"""Step Functions at the gateway: what moto leaves out of its calls. Everything else is moto's, repaired."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.stepfunctions.exceptions import AWSError
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from localcloud import asl
from localcloud.calls import Call, Reply
from localcloud.errors import ApiError
from localcloud.interpreter import MAX_CAUSE, MAX_ERROR

MAX_INPUT = 262_144  # bytes of an execution's input
_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")


class StateMachines:
    """Names unnamed executions, stops with error and cause, pages histories, dates timed-out executions."""

    def __init__(
        self, *, account: str, region: str, check_role: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> None:
        """``check_role`` refuses, by ApiError, a machine whose role cannot do what its definition needs."""
        self._check_role = check_role
        self._account = account
        self._region = region

    def __call__(self, call: Call) -> Reply | None:
        match call.target:
            case "StartExecution":
                self._prepare_start(call)
                return None
            case "CreateStateMachine" | "UpdateStateMachine":
                _check_definition(call.json())
                self._check_role(call.json())
                return None
            case "ValidateStateMachineDefinition":
                return _validate(call.json())
            case "StopExecution":
                return self._stop(call.json())
            case "SendTaskSuccess" | "SendTaskFailure" | "SendTaskHeartbeat":
                return self._answer_task(call.target, call.json())
            case "DescribeExecution":
                return self._describe(call.json())
            case "GetExecutionHistory":
                return self._history(call.json())
            case _:
                return None

    def _backend(self) -> Any:
        return stepfunctions_parser_backends[self._account][self._region]

    def _prepare_start(self, call: Call) -> None:
        body = call.json()
        size = len(str(body.get("input", "")).encode())
        if size > MAX_INPUT:
            problem = f"Value at 'input' failed to satisfy constraint: {size} bytes, at most {MAX_INPUT} are allowed"
            raise ApiError(400, "ValidationException", problem)
        name = body.get("name")
        if name is None:
            call.replace_body(json.dumps(body | {"name": str(uuid.uuid4())}).encode())
        elif not _NAME.fullmatch(name):
            raise ApiError(400, "InvalidName", f"Invalid Name: '{name}'")

    def _execution(self, arn: str) -> Any:
        backend = self._backend()
        for machine in backend.state_machines:
            for execution in machine.executions:
                if execution.execution_arn == arn:
                    return execution
        raise ApiError(400, "ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")

    def _stop(self, body: dict[str, Any]) -> Reply:
        _check_lengths(body)
        execution = self._execution(body["executionArn"])
        execution.stop(stop_date=utcnow(), error=body.get("error"), cause=body.get("cause"))
        return Reply.of({"stopDate": _seconds(execution.stop_date)})

    def _answer_task(self, target: str, body: dict[str, Any]) -> Reply:
        """Callbacks; moto loses the cause of a failure, and trips over its own error for a task that is gone."""
        _check_lengths(body)
        backend, token = self._backend(), body["taskToken"]
        try:
            if target == "SendTaskSuccess":
                backend.send_task_success(token, body["output"])
            elif target == "SendTaskFailure":
                backend.send_task_failure(token, body.get("error"), body.get("cause"))
            else:
                backend.send_task_heartbeat(token)
        except AWSError as error:
            raise ApiError(400, error.relative_error_type, error.message) from error
        except TypeError as error:
            raise ApiError(400, "TaskTimedOut", "Task Timed Out: the provided task does not exist anymore") from error
        return Reply.of({})

    def _describe(self, body: dict[str, Any]) -> Reply:
        execution = self._execution(body["executionArn"])
        document = execution.to_describe_output()
        document["input"] = execution.execution_input
        document = {key: value for key, value in document.items() if value is not None}
        for key in ("startDate", "stopDate"):
            if key in document:
                document[key] = _seconds(document[key])
        return Reply.of(document)

    def _history(self, body: dict[str, Any]) -> Reply:
        execution = self._execution(body["executionArn"])
        events = list(execution.to_history_output()["events"])
        if body.get("reverseOrder"):
            events.reverse()
        start = int(body.get("nextToken") or 0)
        stop = start + int(body.get("maxResults") or 1000)
        page: dict[str, Any] = {
            "events": [event | {"timestamp": _seconds(event["timestamp"])} for event in events[start:stop]]
        }
        if stop < len(events):
            page["nextToken"] = str(stop)
        return Reply.of(page)


def _check_lengths(body: dict[str, Any]) -> None:
    """Of an error and a cause that a client gives: too long is refused, not cut."""
    for name, limit in (("error", MAX_ERROR), ("cause", MAX_CAUSE)):
        if len(body.get(name) or "") > limit:
            problem = f"Value at '{name}' failed to satisfy constraint: Member must have length less than or equal to"
            raise ApiError(400, "ValidationException", f"{problem} {limit}")


def _check_definition(body: dict[str, Any]) -> None:
    found = _problems(body.get("definition")) if "definition" in body else []
    if found:
        raise ApiError(400, "InvalidDefinition", f"Invalid State Machine Definition: '{'; '.join(found)}'")


def _problems(text: Any) -> list[str]:
    try:
        return asl.problems(json.loads(text))
    except (TypeError, ValueError) as error:
        return [f"INVALID_JSON_DESCRIPTION: {error}"]


def _validate(body: dict[str, Any]) -> Reply:
    found = _problems(body.get("definition"))
    diagnostics = [{"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": problem} for problem in found]
    return Reply.of({"result": "FAIL" if found else "OK", "diagnostics": diagnostics, "truncated": False})


def _seconds(moment: datetime | str) -> float:
    """JSON's timestamps are seconds; moto holds some as text."""
    return (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).timestamp()
