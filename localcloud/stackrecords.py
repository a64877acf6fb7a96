"""Stacks as CloudFormation remembers them: their state, what happened to them, and the change sets that wait."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.deploy.stack import Stack, Step
from localcloud.deploy.template import Template

STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    action: str  # Add, Modify, Remove
    logical_id: str
    type: str


@dataclass(slots=True, kw_only=True)
class ChangeSet:
    """A template that waits to be deployed; ``status`` FAILED if there is nothing to do."""

    name: str
    arn: str
    kind: str  # CREATE or UPDATE
    template: Template
    tags: Mapping[str, str]
    capabilities: tuple[str, ...]
    description: str
    created: datetime
    changes: tuple[Change, ...] = ()
    status: str = "CREATE_COMPLETE"
    execution: str = "AVAILABLE"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    id: str
    at: datetime
    step: Step


@dataclass(slots=True, kw_only=True)
class Record:
    """A stack from its first change set to after its deletion."""

    name: str
    arn: str
    created: datetime
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    updated: datetime | None = None
    deleted: datetime | None = None
    stack: Stack | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)  # of nested stacks too; oldest first

    @property
    def in_progress(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def become(self, status: str, at: datetime, reason: str = "") -> None:
        """Enter a status, and tell so."""
        self.status, self.reason = status, reason
        self.tell(
            Step(
                stack_arn=self.arn,
                stack_name=self.name,
                logical_id=self.name,
                type=STACK,
                physical_id=self.arn,
                status=status,
                reason=reason,
            ),
            at,
        )

    def tell(self, step: Step, at: datetime) -> None:
        self.events.append(Event(id=str(uuid.uuid4()), at=at, step=step))

    def events_of(self, arn: str) -> list[Event]:
        """Of this stack, or of one inside it; newest first."""
        return [event for event in reversed(self.events) if event.step.stack_arn == arn]

    def views(self) -> Iterator["Record"]:
        """This stack and those inside it, which share its state."""
        yield self
        for inner in self.stack.nested() if self.stack is not None else ():
            yield Record(
                name=inner.name,
                arn=inner.arn,
                created=inner.created,
                status=self.status,
                stack=inner,
                tags=self.tags,
                capabilities=self.capabilities,
                events=self.events,
            )


def difference(before: Mapping[str, Any], after: Mapping[str, Any], altered: frozenset[str]) -> tuple[Change, ...]:
    """What becomes of resources. ``altered``: parameters whose values differ, which changes all that name them."""
    changes = [
        Change(action="Add", logical_id=name, type=resource["Type"])
        for name, resource in after.items()
        if name not in before
    ]
    changes += [
        Change(action="Modify", logical_id=name, type=resource["Type"])
        for name, resource in after.items()
        if name in before and (before[name] != resource or _names(resource, altered))
    ]
    changes += [
        Change(action="Remove", logical_id=name, type=resource["Type"])
        for name, resource in before.items()
        if name not in after
    ]
    return tuple(changes)


def _names(value: Any, altered: frozenset[str]) -> bool:
    """Whether a Ref or a Fn::Sub below ``value`` names one of the parameters."""
    if isinstance(value, Mapping):
        return value.get("Ref") in altered or any(_names(item, altered) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, altered) for item in value)
    return isinstance(value, str) and any(f"${{{name}}}" in value for name in altered)
