"""Deleting what a deployment made."""

from collections.abc import Callable

from localcloud.deploy.removal import remove
from localcloud.deploy.stack import Stack, StackResource, Step
from localcloud.errors import TemplateError


def dismantle_stack(stack: Stack, note: Callable[[Step], None]) -> None:
    """Delete a stack's resources, each before what it was made from; TemplateError names what cannot be deleted."""
    for resource in reversed(stack.resources):
        dismantle(resource, note)


def dismantle(resource: StackResource, note: Callable[[Step], None]) -> None:
    """Delete one resource, unless its template wants it kept."""
    this = resource.declaration
    if this.template.resources[resource.logical_id].get("DeletionPolicy") == "Retain":
        note(_step(resource, "DELETE_SKIPPED"))
        return
    note(_step(resource, "DELETE_IN_PROGRESS"))
    try:
        if resource.created.stack is not None:
            dismantle_stack(resource.created.stack, note)
        else:
            remove(this, resource.created)
    except TemplateError as error:
        note(_step(resource, "DELETE_FAILED", str(error)))
        raise
    note(_step(resource, "DELETE_COMPLETE"))


def _step(resource: StackResource, status: str, reason: str = "") -> Step:
    this = resource.declaration
    return Step(
        stack_arn=this.stack_arn,
        stack_name=this.place.stack,
        logical_id=resource.logical_id,
        type=resource.type,
        physical_id=resource.created.physical_id,
        status=status,
        reason=reason,
    )
