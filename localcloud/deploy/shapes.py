"""CloudFormation properties as API parameters, by botocore's shapes. Pure.

CloudFormation writes ``ContainerProperties: {ResourceRequirements: …}`` where the API has ``containerProperties``; it
also takes ``"60"`` for a number and ``"true"`` for a boolean. What the API does not know is refused with its path.
"""

from collections.abc import Mapping
from typing import Any

from botocore.model import Shape

from localcloud.errors import TemplateError


def api_parameters(value: Any, shape: Shape, where: str) -> Any:
    """``value`` with the member names and scalar types of ``shape``."""
    match shape.type_name:
        case "structure":
            return _structure(value, shape, where)
        case "list":
            return _list(value, shape, where)
        case "map":
            return _map(value, shape, where)
        case _:
            return _scalar(value, shape, where)


def _structure(value: Any, shape: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TemplateError(where, f"expected an object, not {value!r}")
    members = {name.lower(): name for name in shape.members}
    converted = {}
    for key, item in value.items():
        member = members.get(key.lower())
        if member is None:
            known = ", ".join(sorted(shape.members))
            raise TemplateError(f"{where}.{key}", f"is not known to the service; known are {known}")
        converted[member] = api_parameters(item, shape.members[member], f"{where}.{key}")
    return converted


def _list(value: Any, shape: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise TemplateError(where, f"expected a list, not {value!r}")
    return [api_parameters(item, shape.member, f"{where}[{index}]") for index, item in enumerate(value)]


def _map(value: Any, shape: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TemplateError(where, f"expected an object, not {value!r}")
    return {key: api_parameters(item, shape.value, f"{where}.{key}") for key, item in value.items()}


def _scalar(value: Any, shape: Shape, where: str) -> Any:
    if isinstance(value, Mapping | list):
        raise TemplateError(where, f"expected a {shape.type_name}, not {value!r}")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case _:
                return text
    except (ValueError, KeyError):
        raise TemplateError(where, f"expected a {shape.type_name}, not {value!r}") from None
