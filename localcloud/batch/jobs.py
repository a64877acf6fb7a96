"""Jobs: their statuses, the legal transitions between them, and what is recorded. Nothing here does any I/O.

::

    SUBMITTED ─> PENDING ─> RUNNABLE ─> STARTING ─> RUNNING ─> SUCCEEDED
        │           │          │  ^         │          ├─────> FAILED
        └───────────┴──────────┼──┼─────────┴──────────┘
                               │  └── another attempt ──┘
                               └────────────────────────────> FAILED

The parent of an array never becomes RUNNABLE, STARTING or RUNNING.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """A job's status, in the order in which a job that never fails passes through them."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


ENDED = frozenset({Status.SUCCEEDED, Status.FAILED})

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.SUBMITTED: frozenset({Status.PENDING, Status.RUNNABLE, Status.FAILED}),
    Status.PENDING: frozenset({Status.RUNNABLE, Status.FAILED}),
    Status.RUNNABLE: frozenset({Status.STARTING, Status.FAILED}),
    Status.STARTING: frozenset({Status.RUNNING, Status.RUNNABLE, Status.FAILED}),
    Status.RUNNING: frozenset({Status.RUNNABLE, Status.SUCCEEDED, Status.FAILED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
}

PARENT_TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.SUBMITTED: frozenset({Status.PENDING, Status.FAILED}),
    Status.PENDING: frozenset({Status.SUCCEEDED, Status.FAILED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a job asks for, or what a machine has."""

    cpu: int  # thousandths of a vCPU
    memory: int  # MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """One entry of ``evaluateOnExit``: all patterns that are given must match. A pattern may end in ``*``."""

    action: str  # RETRY or EXIT
    on_exit_code: str | None = None
    on_reason: str | None = None
    on_status_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A compute environment of a queue, as far as it limits what may run."""

    name: str
    cpu: int  # its maxvCpus, in thousandths


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimit:
    """One of a queue's ``jobStateTimeLimitActions``: ends a job that is RUNNABLE for ``reason`` for that long."""

    reason: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A job queue with its compute environments in the order of preference."""

    arn: str
    name: str
    priority: int  # the higher goes first
    environments: tuple[Environment, ...]
    time_limits: tuple[TimeLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What was submitted, resolved against its definition; the children of an array share it."""

    name: str
    queue: Queue
    definition: Mapping[str, Any]  # as DescribeJobDefinitions returns it
    request: Mapping[str, Any]  # SubmitJob's body
    command: tuple[str, ...]  # after parameter substitution
    parameters: Mapping[str, str]
    environment: Mapping[str, str]  # declared by the definition and the submission
    resources: Resources
    attempts: int = 1
    retry_rules: tuple[RetryRule, ...] = ()
    timeout: int | None = None  # seconds an attempt may run
    fault: str | None = None  # why it fails instead of starting, if it was accepted all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ended attempt."""

    started_at: int | None  # milliseconds since 1970; None if it never ran
    stopped_at: int
    exit_code: int | None  # None if the container never reported one
    reason: str | None  # the container's
    status_reason: str


@dataclass(slots=True, kw_only=True, eq=False)
class Array:
    """What only the parent of an array has."""

    children: list["Job"]
    summary: dict[Status, int]
    sequential: bool = False
    followers: list["Job"] = field(default_factory=list)  # arrays whose child i waits for child i of this one


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A job, the parent of an array, or a child. Only the scheduler changes it."""

    root: str  # the id that SubmitJob returned
    spec: Spec
    created_at: int  # milliseconds since 1970, as every time here
    index: int | None = None  # of a child
    parent: "Job | None" = None
    array: Array | None = None  # of a parent
    status: Status = Status.SUBMITTED
    status_reason: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    attempts: tuple[Attempt, ...] = ()
    unmet: int = 0  # dependencies that have not succeeded yet
    waiters: list["Job"] | None = None  # jobs that depend on this one
    cancelled: bool = False
    terminated: bool = False
    tags: dict[str, str] | None = None  # of a job that was submitted, not of a child

    @property
    def id(self) -> str:
        """``root``, for a child ``root:index``."""
        return self.root if self.index is None else f"{self.root}:{self.index}"

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def may_become(self, status: Status) -> bool:
        """Whether the transition from the present status is legal."""
        return status in (TRANSITIONS if self.array is None else PARENT_TRANSITIONS)[self.status]


def task_id(job_id: str, attempt: int) -> str:
    """The 32 hexadecimal digits that name an attempt's ECS task and log stream; the same for the same attempt."""
    return hashlib.blake2b(f"{job_id}#{attempt}".encode(), digest_size=16).hexdigest()


def log_stream(spec: Spec, job_id: str, attempt: int) -> str:
    """``prefix/default/task``: the prefix is the definition's name unless its log options give another."""
    container = spec.definition.get("containerProperties") or {}
    options = (container.get("logConfiguration") or {}).get("options") or {}
    prefix = options.get("awslogs-stream-prefix") or spec.definition["jobDefinitionName"]
    return f"{prefix}/default/{task_id(job_id, attempt)}"


def log_group(spec: Spec) -> str:
    """The definition's ``awslogs-group``, by default ``/aws/batch/job``."""
    container = spec.definition.get("containerProperties") or {}
    options = (container.get("logConfiguration") or {}).get("options") or {}
    return str(options.get("awslogs-group") or "/aws/batch/job")
