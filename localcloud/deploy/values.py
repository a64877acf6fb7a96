"""The intrinsic functions of plain values, and the checks of what they are given. Pure."""

import base64
import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from localcloud.errors import TemplateError


def text(value: Any, where: str) -> str:
    """A string as CloudFormation writes scalars: booleans in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(where, f"expected text, not {value!r}")


def integer(value: Any, where: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise TemplateError(where, f"expected a whole number, not {value!r}") from None


def listed(value: Any, where: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise TemplateError(where, f"expected a list, not {value!r}")


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise TemplateError(where, f"expected a map, not {value!r}")


def arguments(value: Any, count: int, where: str) -> list[Any]:
    items = listed(value, where)
    if len(items) != count:
        raise TemplateError(where, f"takes {count} arguments, not {len(items)}")
    return items


def _join(argument: Any, where: str) -> str:
    delimiter, values = arguments(argument, 2, where)
    return text(delimiter, where).join(text(item, f"{where}[{i}]") for i, item in enumerate(listed(values, where)))


def _select(argument: Any, where: str) -> Any:
    index, values = arguments(argument, 2, where)
    items = listed(values, where)
    position = integer(index, where)
    if not 0 <= position < len(items):
        raise TemplateError(where, f"there is no item {position} in a list of {len(items)}")
    return items[position]


def _split(argument: Any, where: str) -> list[str]:
    delimiter, value = arguments(argument, 2, where)
    if not delimiter:
        raise TemplateError(where, "Fn::Split needs a delimiter that is not empty")
    return text(value, where).split(text(delimiter, where))


def _cidr(argument: Any, where: str) -> list[str]:
    values = listed(argument, where)
    if len(values) not in (2, 3):
        raise TemplateError(where, f"Fn::Cidr takes a block, a count and host bits, not {values!r}")
    try:
        block = ipaddress.ip_network(text(values[0], where))
    except ValueError as error:
        raise TemplateError(where, str(error)) from error
    count = integer(values[1], where)
    bits = integer(values[2], where) if len(values) == 3 else block.max_prefixlen - block.prefixlen
    prefix = block.max_prefixlen - bits
    if prefix < block.prefixlen or count > 1 << (prefix - block.prefixlen) or not 1 <= count <= 256:
        raise TemplateError(where, f"{block} does not hold {count} blocks with {bits} host bits")
    subnets = block.subnets(new_prefix=prefix)
    return [str(next(subnets)) for _ in range(count)]


def _get_azs(region: Any, where: str) -> list[str]:
    return [f"{text(region, where)}{letter}" for letter in "abc"]


def _base64(argument: Any, where: str) -> str:
    return base64.b64encode(text(argument, where).encode()).decode()


def _length(argument: Any, where: str) -> int:
    return len(listed(argument, where))


def _to_json(argument: Any, where: str) -> str:
    del where  # every plain value has a JSON form
    return json.dumps(argument, separators=(",", ":"))


EAGER: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _get_azs,
    "Fn::Base64": _base64,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
}
"""Functions whose arguments are resolved before they are called."""
