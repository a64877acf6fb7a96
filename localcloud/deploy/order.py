"""The order in which resources are created. Pure."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localcloud.deploy.intrinsics import Scope, condition, references
from localcloud.errors import TemplateError


def included(resources: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The resources whose conditions hold."""
    return {
        name: resource
        for name, resource in resources.items()
        if "Condition" not in resource or condition(resource["Condition"], scope, f"Resources.{name}.Condition")
    }


def creation_order(resources: Mapping[str, Any], scope: Scope) -> list[str]:
    """Logical ids, each after everything that it refers to or depends on."""
    graph = {name: set(_dependencies(name, resource, resources, scope)) for name, resource in resources.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise TemplateError("Resources", f"circular dependency: {' → '.join(reversed(error.args[1]))}") from error


def _dependencies(name: str, resource: Mapping[str, Any], resources: Mapping[str, Any], scope: Scope) -> Iterable[str]:
    where = f"Resources.{name}"
    declared = resource.get("DependsOn") or []
    for other in [declared] if isinstance(declared, str) else declared:
        if other not in resources:
            raise TemplateError(f"{where}.DependsOn", f"there is no resource {other!r}")
        yield other
    for other in references(resource.get("Properties") or {}, scope, f"{where}.Properties"):
        if other in resources and other != name:
            yield other
