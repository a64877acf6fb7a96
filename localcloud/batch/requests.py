"""What SubmitJob accepts. Pure: a request, its definition and its queue in, a ``Spec`` out, or ``RefusedError``.

The texts are the service's own where they are known (from reports of its users), else in its manner.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from localcloud.batch.jobs import Environment, Queue, Resources, RetryRule, Spec, TimeLimit

JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
ARRAY_SIZES = range(2, 10_001)
MAX_DEPENDENCIES = 20
MAX_REQUEST = 30 * 1024  # bytes
MAX_OVERRIDES = 8192  # characters; ECS's limit, which Batch meets only when it starts the job
MAX_TAGS = 50
MAX_TAG_KEY, MAX_TAG_VALUE = 128, 256  # characters
PATTERNS = {"onExitCode": r"[0-9]*\*?", "onReason": r"[0-9A-Za-z.:\s]*\*?", "onStatusReason": r"[0-9A-Za-z.:\s]*\*?"}
MAX_PATTERN = 512  # characters
RESOURCES = ("VCPU", "MEMORY", "GPU")
MIN_TIMEOUT = 60  # seconds
RECLAIM_NOTICE = 2.0  # seconds; EC2 gives two minutes, which nobody wants to wait for at a desk
UNLIMITED = Environment(name="local", cpu=2**62)

type Document = Mapping[str, Any]


class RefusedError(Exception):
    """The request is answered with a ClientException of this text."""


def parse(body: Document, definition: Document, queue: Document) -> Spec:
    """The job that ``body`` asks for. ``definition`` and ``queue`` are as their Describe calls return them."""
    _refuse_other_kinds(body, definition)
    container = definition.get("containerProperties") or {}
    overrides = body.get("containerOverrides") or {}
    parameters = {**(definition.get("parameters") or {}), **(body.get("parameters") or {})}
    command = overrides.get("command") or container.get("command") or []
    retry = body.get("retryStrategy") or definition.get("retryStrategy") or {}
    attempts, rules = parse_retries(retry)
    substituted = tuple(substitute(word, parameters) for word in command)
    if "" in substituted:
        raise RefusedError("Error executing request, Exception : Command field cannot have empty strings")
    return Spec(
        name=body["jobName"],
        queue=parse_queue(queue),
        definition=definition,
        request=body,
        command=substituted,
        parameters=parameters,
        environment=_environment(container, overrides),
        resources=parse_resources(container, overrides),
        attempts=attempts,
        retry_rules=rules,
        timeout=parse_timeout(body.get("timeout") or definition.get("timeout") or {}),
        fault=_fault(body, definition, overrides, substituted if parameters or "command" in overrides else ()),
    )


def interruption(body: Document) -> tuple[list[str] | int, int | None, float]:
    """Of an InterruptJobs request, which AWS does not know: which jobs or how many, at most how many, the notice."""
    jobs, count, notice = body.get("jobs"), body.get("count"), body.get("noticeSeconds", RECLAIM_NOTICE)
    named = isinstance(jobs, list) and all(isinstance(job, str) for job in jobs)
    counted = type(count) is int and count >= 0
    chosen = jobs if named else count
    if chosen is None or not (named or jobs is None) or not (counted or count is None) or not _seconds(notice):
        raise RefusedError("InterruptJobs takes jobs, a list of ids, or count, or both, and noticeSeconds, a number")
    return chosen, count, float(notice)


def _seconds(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < math.inf


def check(body: Document) -> None:
    """What can be said without looking up the definition, the queue and the dependencies."""
    size = len(json.dumps(body, separators=(",", ":")).encode())
    if size > MAX_REQUEST:
        raise RefusedError(f"Job size must be less than 30 KiB, got {-(-size // 1024)} KiB")
    if not JOB_NAME.fullmatch(body["jobName"]):
        raise RefusedError("Job name should match valid pattern")
    dependencies = body.get("dependsOn") or []
    if len(dependencies) > MAX_DEPENDENCIES:
        raise RefusedError(f"Job cannot have more than {MAX_DEPENDENCIES} dependencies")
    array = body.get("arrayProperties")
    if array is not None and array.get("size") not in ARRAY_SIZES:
        raise RefusedError(f"Array size must be between 2 and 10,000, got {array.get('size')}")
    check_tags(body.get("tags") or {})
    for each in dependencies:
        _check_dependency(each, is_array=array is not None)


def check_tags(tags: Mapping[str, str]) -> None:
    """What a job's tags may be, all of them together."""
    if len(tags) > MAX_TAGS:
        raise RefusedError(f"A job cannot have more than {MAX_TAGS} tags")
    for key, value in tags.items():
        if not 1 <= len(key) <= MAX_TAG_KEY or key.lower().startswith("aws:"):
            raise RefusedError(f"Tag key {key} must have 1 to {MAX_TAG_KEY} characters and cannot start with aws:")
        if len(value) > MAX_TAG_VALUE:
            raise RefusedError(f"The value of tag {key} must have at most {MAX_TAG_VALUE} characters, got {len(value)}")


def _check_dependency(dependency: Document, *, is_array: bool) -> None:
    kind, job_id = dependency.get("type"), dependency.get("jobId")
    if kind not in {None, "N_TO_N", "SEQUENTIAL"}:
        raise RefusedError(f"Dependency type {kind} is not one of N_TO_N, SEQUENTIAL")
    if kind is not None and not is_array:
        raise RefusedError(f"Dependency of type {kind} can only be specified for an array job")
    if kind == "SEQUENTIAL" and job_id:
        raise RefusedError("Dependency of type SEQUENTIAL cannot have a jobId")
    if kind != "SEQUENTIAL" and not job_id:
        raise RefusedError("Dependency must have a jobId")


def substitute(word: str, parameters: Mapping[str, str]) -> str:
    """A word of the command that is ``Ref::name`` stands for that parameter; inside a word it stands for itself."""
    if not word.startswith("Ref::"):
        return word
    name = word.removeprefix("Ref::")
    if name not in parameters:
        raise RefusedError(f"Unable to substitute value. No parameter found for reference {name}")
    return parameters[name]


def parse_retries(strategy: Document) -> tuple[int, tuple[RetryRule, ...]]:
    """``retryStrategy``: the number of attempts and the rules of ``evaluateOnExit``."""
    entries = strategy.get("evaluateOnExit") or []
    attempts = strategy.get("attempts")
    if attempts is None and strategy:
        raise RefusedError("RetryAttempts must be provided with retry strategy")
    if attempts is not None and not 1 <= attempts <= 10:
        raise RefusedError(f"Retry attempts must be between 1 and 10, got {attempts}")
    if len(entries) > 5:
        raise RefusedError(f"EvaluateOnExit cannot have more than 5 entries, got {len(entries)}")
    return attempts or 1, tuple(_retry_rule(entry) for entry in entries)


def _retry_rule(entry: Document) -> RetryRule:
    action = str(entry.get("action")).upper()  # "The values aren't case sensitive"
    if action not in {"RETRY", "EXIT"}:
        raise RefusedError(f"EvaluateOnExit action must be RETRY or EXIT, got {entry.get('action')}")
    for key in PATTERNS:
        pattern = entry.get(key)
        if pattern is not None and not is_pattern(key, pattern):
            raise RefusedError(f"EvaluateOnExit {key} should match valid pattern, got {pattern}")
    return RetryRule(
        action=action,
        on_exit_code=entry.get("onExitCode"),
        on_reason=entry.get("onReason"),
        on_status_reason=entry.get("onStatusReason"),
    )


def is_pattern(key: str, text: str) -> bool:
    """Whether ``evaluateOnExit`` takes ``text`` for its condition ``key``."""
    return len(text) <= MAX_PATTERN and re.fullmatch(PATTERNS[key], text) is not None


def parse_timeout(timeout: Document) -> int | None:
    """``attemptDurationSeconds``, at least 60."""
    seconds = timeout.get("attemptDurationSeconds")
    if seconds is not None and seconds < MIN_TIMEOUT:
        raise RefusedError(f"Timeout attemptDurationSeconds must be at least {MIN_TIMEOUT}, got {seconds}")
    return seconds


def parse_resources(container: Document, overrides: Document) -> Resources:
    """``resourceRequirements`` win over the old fields ``vcpus`` and ``memory``, the submission over the definition."""
    wanted: dict[str, Any] = {"VCPU": 1, "MEMORY": 4}
    for source in (container, overrides):
        wanted |= {kind: source[key] for kind, key in (("VCPU", "vcpus"), ("MEMORY", "memory")) if source.get(key)}
    for source in (container, overrides):
        for each in source.get("resourceRequirements") or []:
            if each["type"] not in RESOURCES:
                raise RefusedError(f"ResourceRequirements type {each['type']} is not one of {', '.join(RESOURCES)}")
            wanted[each["type"]] = each["value"]
    try:
        cpu, memory = round(1000 * float(wanted["VCPU"])), int(wanted["MEMORY"])
    except (ValueError, OverflowError) as error:
        raise RefusedError(f"ResourceRequirements values must be numbers: {error}") from None
    if cpu <= 0:
        raise RefusedError(f"Container vcpus must be greater than 0, got {wanted['VCPU']}")
    if memory < 4:
        raise RefusedError(f"Container memory must be at least 4 MiB, got {memory}")
    return Resources(cpu=cpu, memory=memory)


def parse_queue(queue: Document) -> Queue:
    """The queue with the limits of its compute environments; one that is not described does not limit."""
    order = sorted(queue.get("computeEnvironmentOrder") or [], key=lambda each: int(each["order"]))
    environments = [_compute_environment(each) for each in order]
    return Queue(
        arn=queue["jobQueueArn"],
        name=queue["jobQueueName"],
        priority=int(queue.get("priority") or 0),
        environments=tuple(environments) or (UNLIMITED,),
        time_limits=tuple(
            TimeLimit(reason=each["reason"], seconds=int(each["maxTimeSeconds"]))
            for each in queue.get("jobStateTimeLimitActions") or []
        ),
    )


def _compute_environment(entry: Document) -> Environment:
    name = entry["computeEnvironment"].rpartition("/")[2]
    most = ((entry.get("detail") or {}).get("computeResources") or {}).get("maxvCpus")
    return Environment(name=name, cpu=UNLIMITED.cpu if most is None else 1000 * int(most))


def _environment(container: Document, overrides: Document) -> dict[str, str]:
    declared: dict[str, str] = {}
    for source in (container, overrides):
        for each in source.get("environment") or []:
            if not each.get("name"):
                raise RefusedError("Environment variables must have a name")
            if each["name"].startswith("AWS_BATCH"):
                raise RefusedError(f"Environment variables cannot start with AWS_BATCH: {each['name']}")
            declared[each["name"]] = each.get("value", "")
    return declared


def _fault(body: Document, definition: Document, overrides: Document, command: tuple[str, ...]) -> str | None:
    sent = {**overrides, **({"command": command} if command else {})}
    if sent and len(json.dumps(sent, separators=(",", ":"), ensure_ascii=False)) > MAX_OVERRIDES:
        return f"Container Overrides length must be at most {MAX_OVERRIDES}"
    if body.get("propagateTags", definition.get("propagateTags")):
        total = len({**(definition.get("tags") or {}), **(body.get("tags") or {})})
        if total > MAX_TAGS:
            return f"The job and its definition have {total} tags, more than {MAX_TAGS}, and cannot propagate them"
    return None


def _refuse_other_kinds(body: Document, definition: Document) -> None:
    if definition.get("type", "container") != "container" or not definition.get("containerProperties"):
        raise RefusedError(f"Job definition {definition['jobDefinitionName']} is not of type container")
    for key in ("nodeOverrides", "eksPropertiesOverride", "ecsPropertiesOverride"):
        if body.get(key):
            raise RefusedError(f"{key} does not apply to a container job")
    if body.get("shareIdentifier") or body.get("schedulingPriorityOverride") is not None:
        raise RefusedError(
            "Job with shareIdentifier or schedulingPriority can only be submitted to job queue with fair share "
            "scheduling policy."
        )
