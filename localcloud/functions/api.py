"""Lambda's Invoke, synchronous and asynchronous. Everything else of Lambda is moto's."""

import base64
import json
import logging
import re
import threading
import uuid
from collections.abc import Callable
from urllib.parse import unquote

from localcloud.calls import Call, Reply
from localcloud.errors import ApiError
from localcloud.functions.configuration import FunctionConfiguration
from localcloud.functions.pool import Pool
from localcloud.functions.runtimeapi import Invocation
from localcloud.functions.worker import Outcome

LOG = logging.getLogger(__name__)
_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_LIMITS = {"RequestResponse": 6_291_556, "Event": 1_048_576, "DryRun": 6_291_556}  # bytes of payload
_RETRY_DELAYS = (60, 120)  # seconds before an asynchronous invocation is tried again, unless configured otherwise


class Invoker:
    """``find`` answers for a function's name or ARN and qualifier, and raises ApiError when there is none."""

    def __init__(self, find: Callable[[str, str | None], FunctionConfiguration], pool: Pool) -> None:
        self._find = find
        self._pool = pool

    def __call__(self, call: Call) -> Reply | None:
        found = _INVOKE.fullmatch(call.path)
        if call.method != "POST" or not found:
            return None
        function = self._find(unquote(found[1]), call.query.get("Qualifier", [None])[0])
        kind = call.header("X-Amz-Invocation-Type") or "RequestResponse"
        payload = _payload(call, kind)
        invocation = Invocation(
            request_id=str(uuid.uuid4()),
            payload=payload,
            arn=function.arn,
            client_context=_client_context(call),
        )
        if kind == "DryRun":
            return Reply(status=204)
        if kind == "Event":
            threading.Thread(target=self._later, args=(function, invocation), name="async-invoke", daemon=True).start()
            return _reply(function, invocation, Outcome(payload=b""), status=202)
        outcome = self._pool.invoke(function, invocation)
        reply = _reply(function, invocation, outcome, status=200)
        if call.header("X-Amz-Log-Type") == "Tail":
            reply.headers.append(("X-Amz-Log-Result", base64.b64encode(outcome.tail).decode()))
        return reply

    def _later(self, function: FunctionConfiguration, invocation: Invocation, attempt: int = 0) -> None:
        """An asynchronous invocation: twice more if it fails, as AWS does."""
        try:
            failed = self._pool.invoke(function, invocation).error is not None
        except ApiError as error:
            LOG.warning("asynchronous invocation of %s: %s", function.name, error)
            failed = error.status == 429
        if failed and attempt < len(_RETRY_DELAYS):
            timer = threading.Timer(_RETRY_DELAYS[attempt], self._later, (function, invocation, attempt + 1))
            timer.daemon = True
            timer.start()


def _payload(call: Call, kind: str) -> bytes:
    if kind not in _LIMITS:
        raise ApiError(400, "InvalidParameterValueException", f"InvocationType {kind!r} is not known")
    payload = call.body or b"{}"
    if len(payload) > _LIMITS[kind]:
        raise ApiError(
            413,
            "RequestTooLargeException",
            f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {_LIMITS[kind]} bytes)",
        )
    try:
        json.loads(payload)
    except ValueError as error:
        raise ApiError(
            400, "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error
    return payload


def _client_context(call: Call) -> str:
    encoded = call.header("X-Amz-Client-Context")
    if not encoded:
        return ""
    try:
        return base64.b64decode(encoded).decode()
    except ValueError as error:
        raise ApiError(400, "InvalidRequestContentException", f"ClientContext is not base64: {error}") from error


def _reply(function: FunctionConfiguration, invocation: Invocation, outcome: Outcome, *, status: int) -> Reply:
    headers = [("X-Amz-Executed-Version", function.version), ("x-amzn-RequestId", invocation.request_id)]
    if outcome.error is not None:
        headers.append(("X-Amz-Function-Error", outcome.error))
    return Reply(status=status, body=outcome.payload, headers=headers)
