"""The templates, the state machines and their policies as one thing to look at, or to damage."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.unit.conventions.template import ROOT, TEMPLATES


@dataclass(slots=True)
class System:
    """The templates by path, and the state machines by path."""

    templates: dict[str, dict[str, Any]] = field(default_factory=lambda: deepcopy(TEMPLATES))
    machines: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            f"statemachine/{path.name}": json.loads(path.read_text())
            for path in sorted((ROOT / "statemachine").glob("*.json"))
        }
    )

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return {name: body for each in self.templates.values() for name, body in each["Resources"].items()}

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: body.get("Properties", {}) for name, body in self.resources.items() if body["Type"] == kind}

    def machine_of(self, properties: dict[str, Any]) -> dict[str, Any]:
        return self.machines[properties["DefinitionUri"]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, and whose it is."""

    owner: str
    body: dict[str, Any]
    on_resource: bool  # the policy belongs to a resource: "*" is that resource

    @property
    def name(self) -> str:
        return f"{self.owner}.{self.body.get('Sid')}"

    @property
    def actions(self) -> list[str]:
        return listed(self.body["Action"])

    @property
    def targets(self) -> list[Any]:
        return listed(self.body.get("Resource", []))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(system: System) -> Iterator[Statement]:
    """Every statement that says what somebody may do; who may assume a role is not among them."""
    for name, body in system.resources.items():
        properties = body.get("Properties", {})
        documents = [each.get("PolicyDocument", each) for each in _inline(properties)]
        resource_policies = [properties.get(key) for key in ("KeyPolicy", "FileSystemPolicy")]
        if body["Type"] == "AWS::IAM::ManagedPolicy":
            documents.append(properties["PolicyDocument"])
        elif "PolicyDocument" in properties:
            resource_policies.append(properties["PolicyDocument"])
        for document in documents:
            yield from (Statement(name, each, False) for each in document["Statement"])
        for document in filter(None, resource_policies):
            yield from (Statement(name, each, True) for each in document["Statement"])


def _inline(properties: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in properties.get("Policies", []) if isinstance(each, dict)]


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state, those inside maps and branches included."""
    for name, state in machine["States"].items():
        yield name, state
        for inner in [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]:
            if inner:
                yield from states(inner)


def role_statements(system: System, machine: str) -> list[Statement]:
    """What the role of a state machine may do, by its own policies and by those that are attached."""
    role = system.resources[machine]["Properties"]["Role"]["Fn::GetAtt"].partition(".")[0]
    attached = {each.get("Ref") for each in system.resources[role]["Properties"].get("ManagedPolicyArns", [])}
    return [each for each in statements(system) if each.owner == role or each.owner in attached]
