"""Custom resources: their function is invoked as CloudFormation would, and must answer as CloudFormation wants it."""

import json
import uuid
from typing import Any

from localcloud.deploy.answers import Answers
from localcloud.deploy.registry import Declaration, creates
from localcloud.deploy.removal import removes
from localcloud.deploy.stack import Created

CUSTOM = "AWS::CloudFormation::CustomResource"
_DEFAULT_SECONDS = 3600


@creates(CUSTOM)
def create(this: Declaration) -> Created:
    return perform(this, "Create")


def update(this: Declaration, before: Declaration, created: Created) -> Created:
    """The resource after its properties changed; with another physical id the old one is to be deleted."""
    old = _as_text(_given(before))
    return perform(this, "Update", PhysicalResourceId=created.physical_id, OldResourceProperties=old)


@removes(CUSTOM)
def delete(this: Declaration, created: Created) -> None:
    perform(this, "Delete", PhysicalResourceId=created.physical_id)


def perform(this: Declaration, kind: str, **further: Any) -> Created:
    """Have the function do one ``kind`` of request; DeployError if it does not answer, or not well."""
    token = str(this.need("ServiceToken"))
    seconds = float(this.take("ServiceTimeout", _DEFAULT_SECONDS))
    this.without_effect(*this.properties)  # they are the function's business
    request = {
        "RequestType": kind,
        "StackId": this.stack_arn,
        "RequestId": str(uuid.uuid4()),
        "ResourceType": this.type,
        "LogicalResourceId": this.logical_id,
        "ResourceProperties": _as_text(_given(this)),
        **further,
    }
    answer = _asked(this, token, request, seconds)
    if answer["Status"] != "SUCCESS":
        raise this.error(f"its function answered: {answer.get('Reason') or 'FAILED, without a reason'}")
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        if answer.get(key) != request[key]:
            raise this.error(f"the answer's {key} is {answer.get(key)!r}, not the request's")
    if not answer.get("PhysicalResourceId"):
        raise this.error("the answer names no PhysicalResourceId")
    return Created(physical_id=str(answer["PhysicalResourceId"]), attributes=dict(answer.get("Data") or {}))


def _asked(this: Declaration, token: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Send ``request`` to the function ``token`` and wait for its answer, which may come from elsewhere."""
    with Answers() as answers:
        ran = this.call(
            "lambda", "invoke", FunctionName=token, Payload=json.dumps(request | {"ResponseURL": answers.url})
        )
        if ran.get("FunctionError"):
            error = json.loads(ran["Payload"].read() or b"{}")
            raise this.error(f"its function died: {error.get('errorType')}: {error.get('errorMessage')}")
        try:
            return answers.wait(seconds)
        except (TimeoutError, ValueError) as error:
            raise this.error(str(error)) from error


def _given(this: Declaration) -> dict[str, Any]:
    return {name: value for name, value in this.properties.items() if name != "ServiceTimeout"}


def _as_text(value: Any) -> Any:
    """CloudFormation hands every scalar over as a string."""
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
