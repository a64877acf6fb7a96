"""Tell CloudFormation how the build of an image ended. Started by CodeBuild's event."""

from collections.abc import Mapping
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from fanout.customresource import Answer, send

REQUEST = {  # variable of the build -> key of CloudFormation's request; containers/build_images.py sets them
    "CFN_RESPONSE_URL": "ResponseURL",
    "CFN_STACK_ID": "StackId",
    "CFN_REQUEST_ID": "RequestId",
    "CFN_LOGICAL_ID": "LogicalResourceId",
    "CFN_PHYSICAL_ID": "PhysicalResourceId",
}

logger = Logger(service="conclude-build")


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """A CodeBuild Build State Change; what the build was for, CodeBuild itself is asked."""
    identity = event["detail"]["build-id"]
    builds = boto3.client("codebuild").batch_get_builds(ids=[identity])["builds"]
    if not builds:
        raise LookupError(f"CodeBuild knows no build {identity}")
    [build] = builds
    variables = {each["name"]: each["value"] for each in build["environment"].get("environmentVariables", [])}
    answer = conclusion(build, variables)
    if answer is None or "CFN_RESPONSE_URL" not in variables:
        logger.info("nothing to answer", extra={"build": identity, "status": build["buildStatus"]})
        return
    request = {key: variables[name] for name, key in REQUEST.items() if variables.get(name)}
    send(request, answer)


def conclusion(build: Mapping[str, Any], variables: Mapping[str, str]) -> Answer | None:
    """None while the build still runs."""
    status = build["buildStatus"]
    if status == "IN_PROGRESS":
        return None
    if status == "SUCCEEDED":
        return Answer(succeeded=True, data={"ImageUri": variables.get("IMAGE_URI", "")})
    messages = [
        f"{phase['phaseType']}: {context['message']}"
        for phase in build.get("phases", [])
        for context in phase.get("contexts", [])
        if context.get("message")
    ]
    log = build.get("logs", {})
    where = f"; log {log.get('groupName')}, stream {log.get('streamName')}" if log.get("groupName") else ""
    why = "; ".join(messages) or "CodeBuild says no more"
    return Answer(succeeded=False, reason=f"the build of {variables.get('IMAGE_URI')} ended {status}{where}; {why}")
