"""Answer CloudFormation for a function that died: out of memory, out of time, or before it had begun."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from fanout.customresource import Answer, send

logger = Logger(service="answer-crash")


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """What Lambda sends to the destination of failed invocations; ``requestPayload`` is CloudFormation's request."""
    request = event["requestPayload"]
    why = event.get("responsePayload") or {}
    function = str(event.get("requestContext", {}).get("functionArn", "the function")).rpartition("function:")[2]
    message = why.get("errorMessage") if isinstance(why, dict) else why
    logger.error("died", extra={"function": function, "why": why})
    send(request, Answer(succeeded=False, reason=f"{function} died, see its log: {message or 'no error was given'}"))
