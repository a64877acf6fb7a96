"""Values of a template's parameters, checked as CloudFormation checks them. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from localcloud.errors import TemplateError

_LISTS = re.compile(r"CommaDelimitedList|List<.+>")
_SCALARS = re.compile(r"String|Number|AWS::[A-Za-z0-9]+::[A-Za-z0-9:]+")


def parameter_values(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Each declared parameter's value: the given one or its default; lists are split. Unknown names are refused."""
    for name in given:
        if name not in declared:
            raise TemplateError(f"Parameters.{name}", "is given but the template does not declare it")
    return {name: _value(name, declaration, given.get(name)) for name, declaration in declared.items()}


def _value(name: str, declaration: Mapping[str, Any], given: str | None) -> Any:
    where = f"Parameters.{name}"
    kind = str(declaration.get("Type", ""))
    raw = declaration.get("Default") if given is None else given
    if raw is None:
        raise TemplateError(where, "has no default and no value was given")
    value = str(raw).lower() if isinstance(raw, bool) else str(raw)
    if _LISTS.fullmatch(kind):
        items = [item.strip() for item in value.split(",")] if value else []
        for item in items:
            _check(where, declaration, item, number=kind == "List<Number>")
        return items
    if not _SCALARS.fullmatch(kind) or kind.startswith("AWS::SSM::Parameter::Value"):
        raise TemplateError(where, f"the type {kind!r} is not supported here")
    _check(where, declaration, value, number=kind == "Number")
    return value


def _check(where: str, declaration: Mapping[str, Any], value: str, *, number: bool) -> None:
    why = str(declaration.get("ConstraintDescription", ""))
    hint = f" ({why})" if why else ""
    allowed = declaration.get("AllowedValues")
    if allowed is not None and value not in [
        str(item).lower() if isinstance(item, bool) else str(item) for item in allowed
    ]:
        raise TemplateError(where, f"{value!r} is not one of {allowed}{hint}")
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        raise TemplateError(where, f"{value!r} does not match {pattern}{hint}")
    for limit, low in (("MinLength", True), ("MaxLength", False)):
        bound = declaration.get(limit)
        if bound is not None and (len(value) < int(bound) if low else len(value) > int(bound)):
            raise TemplateError(where, f"{value!r} breaks {limit} {bound}{hint}")
    if number:
        try:
            amount = float(value)
        except ValueError:
            raise TemplateError(where, f"{value!r} is not a number{hint}") from None
        if not float(declaration.get("MinValue", amount)) <= amount <= float(declaration.get("MaxValue", amount)):
            raise TemplateError(where, f"{value} is outside MinValue and MaxValue{hint}")
