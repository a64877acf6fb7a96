"""What a deployment made: resources, outputs, and the names it gives."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.deploy.template import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A resource that exists: what Ref returns, and what GetAtt may ask for."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    stack: "Stack | None" = None  # what a nested stack is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResource:
    logical_id: str
    type: str
    created: Created
    emulated: bool  # False: accepted so that the template deploys, but nothing stands behind it
    finished: datetime
    declaration: Any = None  # what it was made from, see registry.Declaration; needed to change and to delete it


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happens to a resource in the course of a deployment."""

    stack_arn: str
    stack_name: str
    logical_id: str
    type: str
    physical_id: str
    status: str  # CREATE_IN_PROGRESS, UPDATE_COMPLETE, DELETE_FAILED, …
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    key: str
    value: str
    description: str
    export: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A deployed template, as the CloudFormation calls describe it."""

    name: str
    arn: str
    template: Template
    resources: tuple[StackResource, ...]
    outputs: tuple[Output, ...]
    created: datetime
    parent: str | None = None  # ARN of the stack that this one is nested in
    root: str | None = None  # ARN of the outermost of them

    def nested(self) -> Iterator["Stack"]:
        """The stacks inside this one, at any depth, each before those inside it."""
        for resource in self.resources:
            if resource.created.stack is not None:
                yield resource.created.stack
                yield from resource.created.stack.nested()

    def resource(self, logical_id: str) -> StackResource:
        """Raises KeyError for a logical id that was not created."""
        for resource in self.resources:
            if resource.logical_id == logical_id:
                return resource
        raise KeyError(logical_id)


def physical_name(stack: str, logical_id: str, *, limit: int) -> str:
    """``stack-LogicalId``, the same in every run; shortened with a digest where the service takes fewer characters."""
    name = f"{stack}-{logical_id}"
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9]}-{digest}"


def bucket_name(stack: str, logical_id: str, account: str) -> str:
    """``stack-logicalid-account``, at most 63 characters of lower case."""
    return f"{physical_name(stack, logical_id, limit=63 - len(account) - 1)}-{account}".lower()
