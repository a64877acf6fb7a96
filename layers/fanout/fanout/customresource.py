"""Answers to CloudFormation from the functions behind custom resources.

CloudFormation sends a request, and waits until somebody PUTs an answer to the request's ``ResponseURL``: no answer
leaves a stack hanging until the resource's ``ServiceTimeout``. So whatever a function meets, :func:`respond` answers;
when the function itself dies, the destination of its failed invocations does (functions/answer_crash.py).
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

Request = Mapping[str, Any]
MOST_REASON = 500  # characters: the whole answer may have 4,096 bytes, and JSON writes six for some characters
TIMEOUT = 20  # seconds for one attempt


class AnswerError(Exception):
    """CloudFormation did not take an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request ended. ``data`` is what ``Fn::GetAtt`` of the resource finds."""

    succeeded: bool
    reason: str = ""  # why not; CloudFormation shows it
    data: Mapping[str, str] = field(default_factory=dict)


def respond(
    request: Request, act: Callable[[Request], Answer | None], *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Do what ``request`` asks for and answer it; None from ``act`` means that the answer comes later, from elsewhere.

    Any error of ``act`` is an answer too.
    """
    try:
        answer = act(request)
    except Exception as error:  # noqa: BLE001 a stack must not hang for want of an answer
        answer = Answer(succeeded=False, reason=f"{type(error).__name__}: {error}")
    if answer is not None:
        send(request, answer, sleep=sleep)


def send(request: Request, answer: Answer, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """PUT ``answer`` to the request's ResponseURL. Raises AnswerError when it is not taken, after some attempts."""
    body = json.dumps(document(request, answer)).encode()
    url = str(request["ResponseURL"])
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise AnswerError(f"the ResponseURL is neither https nor this machine's: {url[:40]!r}")
    for pause in (0.5, 1.0, 2.0, None):
        problem = _put(url, body)
        if problem is None:
            return
        if pause is not None:
            sleep(pause)
    raise AnswerError(f"CloudFormation did not take the answer of {request.get('LogicalResourceId')}: {problem}")


def document(request: Request, answer: Answer) -> dict[str, Any]:
    """The answer as CloudFormation reads it. The resource's identity never changes: an update replaces nothing."""
    identity = request.get("PhysicalResourceId") or f"{request['StackId'].split('/')[1]}-{request['LogicalResourceId']}"
    written: dict[str, Any] = {
        "Status": "SUCCESS" if answer.succeeded else "FAILED",
        "PhysicalResourceId": identity,
        "StackId": request["StackId"],
        "RequestId": request["RequestId"],
        "LogicalResourceId": request["LogicalResourceId"],
    }
    if not answer.succeeded:
        reason = answer.reason or "no reason was given"
        written["Reason"] = reason if len(reason) <= MOST_REASON else f"{reason[: MOST_REASON - 2]} …"
    if answer.data:
        written["Data"] = dict(answer.data)
    return written


def _put(url: str, body: bytes) -> str | None:
    """What went wrong, if anything did. The signature of the URL covers an empty content type."""
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310 checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310 the scheme was checked
            return None
    except (urllib.error.URLError, HTTPException, OSError) as error:
        return str(error)
