"""The template and its nested stacks as data: tags become {"Fn::X": …} dictionaries."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags."""


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _tag)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)
    return document


PATHS = [ROOT / "template.yaml", *sorted((ROOT / "stacks").glob("*.yaml"))]
NAMES = [str(path.relative_to(ROOT)) for path in PATHS]
TEMPLATES: dict[str, dict[str, Any]] = {name: read(path) for name, path in zip(NAMES, PATHS, strict=True)}
TEMPLATE = TEMPLATES["template.yaml"]
RESOURCES: dict[str, dict[str, Any]] = {
    name: body for template in TEMPLATES.values() for name, body in template["Resources"].items()
}
assert len(RESOURCES) == sum(len(each["Resources"]) for each in TEMPLATES.values()), "a logical id stands twice"


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id -> properties of every resource of a type, in whichever template it stands."""
    return {name: body["Properties"] for name, body in RESOURCES.items() if body["Type"] == kind}
