"""What Batch refuses when definitions, queues and environments are created. Pure."""

import re
from typing import Any

from localcloud.batch.requests import PATTERNS, is_pattern
from localcloud.errors import ApiError

Document = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_LIMIT_REASONS = ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "MISCONFIGURATION:")


def check_name(field: str, name: str) -> None:
    """Up to 128 letters, digits, hyphens and underscores, not beginning with a punctuation mark."""
    if not _NAME.fullmatch(name):
        raise _refusal(f"{field} {name!r} does not match {_NAME.pattern}")


def check_definition(body: Document) -> None:
    check_name("jobDefinitionName", body["jobDefinitionName"])
    if body["type"] != "container":
        raise _refusal(f"type {body['type']!r} is not emulated; only container job definitions are")
    container = body.get("containerProperties")
    if not container or not container.get("image"):
        raise _refusal("containerProperties.image is required")
    parameters = body.get("parameters", {})
    for name, value in parameters.items():
        if not isinstance(value, str):
            raise _refusal(f"parameters.{name} is {value!r}; parameters are strings")
    _check_resources(container)
    _check_retries(body.get("retryStrategy", {}))
    seconds = body.get("timeout", {}).get("attemptDurationSeconds")
    if seconds is not None and seconds < 60:
        raise _refusal(f"timeout.attemptDurationSeconds is {seconds}; the minimum is 60")


def _check_resources(container: Document) -> None:
    needs = {need["type"]: need["value"] for need in container.get("resourceRequirements", [])}
    for kind, legacy in (("VCPU", "vcpus"), ("MEMORY", "memory")):
        value = needs.get(kind, container.get(legacy))
        if value is None:
            raise _refusal(f"containerProperties.resourceRequirements needs a {kind}")
        try:
            amount = float(value)
        except ValueError:
            raise _refusal(f"resourceRequirements {kind} is {value!r}, not a number") from None
        if amount <= 0 or (kind == "MEMORY" and amount < 4):
            raise _refusal(f"resourceRequirements {kind} is {value!r}, too small")


def _check_retries(strategy: Document) -> None:
    attempts = strategy.get("attempts")
    if attempts is not None and not 1 <= attempts <= 10:
        raise _refusal(f"retryStrategy.attempts is {attempts}; it must be between 1 and 10")
    rules = strategy.get("evaluateOnExit", [])
    if len(rules) > 5:
        raise _refusal(f"retryStrategy.evaluateOnExit has {len(rules)} rules; the limit is 5")
    if rules and attempts is None:
        raise _refusal("retryStrategy.evaluateOnExit needs retryStrategy.attempts")
    for index, rule in enumerate(rules):
        where = f"retryStrategy.evaluateOnExit[{index}]"
        if str(rule.get("action", "")).upper() not in ("RETRY", "EXIT"):
            raise _refusal(f"{where}.action is {rule.get('action')!r}; it must be RETRY or EXIT")
        for field in PATTERNS:
            pattern = rule.get(field)
            if pattern is not None and not is_pattern(field, pattern):
                rest = "digits" if field == "onExitCode" else "letters, digits, periods, colons and white space"
                words = f"only the last character may be an asterisk, the others {rest}, at most 512 in all"
                raise _refusal(f"{where}.{field} is {pattern!r}; {words}")


def check_queue(body: Document) -> None:
    if not 0 <= int(body["priority"]) <= 1000:
        raise _refusal(f"priority is {body['priority']}; it must be between 0 and 1000")
    if not 1 <= len(body["computeEnvironmentOrder"]) <= 3:
        raise _refusal(f"computeEnvironmentOrder has {len(body['computeEnvironmentOrder'])} entries; it takes 1 to 3")
    for index, action in enumerate(body.get("jobStateTimeLimitActions", [])):
        where = f"jobStateTimeLimitActions[{index}]"
        if not 600 <= int(action["maxTimeSeconds"]) <= 86400:
            raise _refusal(f"{where}.maxTimeSeconds is {action['maxTimeSeconds']}; it must be between 600 and 86400")
        if action["state"] != "RUNNABLE" or not str(action["reason"]).startswith(_LIMIT_REASONS):
            raise _refusal(f"{where} does not name state RUNNABLE and a reason that Batch knows: {action}")


def check_environment(body: Document) -> None:
    check_name("computeEnvironmentName", body["computeEnvironmentName"])
    if body["type"] not in ("MANAGED", "UNMANAGED"):
        raise _refusal(f"type is {body['type']!r}; it must be MANAGED or UNMANAGED")
    resources = body.get("computeResources")
    if body["type"] == "MANAGED" and resources is None:
        raise _refusal("computeResources must be specified for a managed environment")
    if resources is None:
        return
    if int(resources["maxvCpus"]) < max(int(resources.get("minvCpus", 0)), 1):
        raise _refusal(f"computeResources.maxvCpus is {resources['maxvCpus']}, below minvCpus or 1")
    if not resources.get("subnets"):
        raise _refusal("computeResources.subnets is empty")
    if str(resources["type"]) in ("EC2", "SPOT") and not resources.get("instanceRole"):
        raise _refusal("computeResources.instanceRole is required for EC2 and SPOT")


def _refusal(problem: str) -> ApiError:
    return ApiError(400, "ClientException", f"Error executing request, Exception : {problem}")
