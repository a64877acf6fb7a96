"""CloudFormation's intrinsic functions. Pure: a value and a scope in, a plain value out.

Every error names the place in the template, e.g. ``Resources.Queue.Properties.Priority.Fn::If[1]``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from localcloud.deploy.values import EAGER, arguments, listed, mapping, text
from localcloud.errors import TemplateError

_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
_CONDITIONALS = frozenset({"Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Condition"})
_REFUSED = {
    "Fn::ImportValue": "values of other stacks do not exist here",
    "Fn::Transform": "macros are not run here",
    "Fn::ForEach": "loops are not expanded here",
}


class _Absent:
    """``AWS::NoValue``: the property or item that holds it is left out."""


NO_VALUE: Final = _Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What references can name.

    ``ref`` and ``attribute`` answer for resources; they raise ``KeyError`` for a name that they do not know, and
    another ``LookupError`` that says what else is wrong. ``parameters`` holds pseudo parameters too, such as
    ``AWS::Region``.
    """

    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    ref: Callable[[str], Any]
    attribute: Callable[[str, str], Any]


def resolve(value: Any, scope: Scope, where: str) -> Any:
    """``value`` with every intrinsic replaced; dictionary entries and list items that are AWS::NoValue are dropped."""
    if isinstance(value, Mapping):
        name = _function(value)
        if name is not None:
            return _call(name, value[name], scope, f"{where}.{name}")
        resolved = {key: resolve(item, scope, f"{where}.{key}") for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}
    if isinstance(value, list):
        items = [resolve(item, scope, f"{where}[{index}]") for index, item in enumerate(value)]
        return [item for item in items if item is not NO_VALUE]
    return value


def condition(name: str, scope: Scope, where: str, pending: tuple[str, ...] = ()) -> bool:
    """Whether the template's condition ``name`` holds."""
    if name in pending:
        raise TemplateError(where, f"the conditions {' → '.join([*pending, name])} go in a circle")
    if name not in scope.conditions:
        raise TemplateError(where, f"there is no condition {name!r}")
    return _truth(scope.conditions[name], scope, f"Conditions.{name}", (*pending, name))


def references(value: Any, scope: Scope, where: str) -> Iterator[str]:
    """The names that ``value`` refers to, through the branches of ``Fn::If`` that are taken."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, scope, f"{where}[{index}]")
    if not isinstance(value, Mapping):
        return
    name = _function(value)
    argument = value[name] if name else None
    if name == "Ref":
        yield str(argument)
    elif name == "Fn::GetAtt":
        yield str(_attribute_path(argument, where)[0])
        yield from references(argument, scope, where)
    elif name == "Fn::Sub":
        pattern, names = _sub_argument(argument, where)
        yield from (word.split(".")[0] for word in _placeholders(pattern) if word not in names)
        yield from references(names, scope, where)
    elif name == "Fn::If":
        yield from references(_branch(argument, scope, where)[0], scope, where)
    else:
        for key, item in value.items():
            yield from references(item, scope, f"{where}.{key}")


def _function(value: Mapping[str, Any]) -> str | None:
    if len(value) != 1:
        return None
    name = next(iter(value))
    return name if isinstance(name, str) and (name == "Ref" or name.startswith("Fn::")) else None


def _call(name: str, argument: Any, scope: Scope, where: str) -> Any:
    if name in _REFUSED:
        raise TemplateError(where, f"{name} is not supported: {_REFUSED[name]}")
    if name in _CONDITIONALS:
        return _truth({name: argument}, scope, where, ())
    if name in _LAZY:
        return _LAZY[name](argument, scope, where)
    if name not in EAGER:
        raise TemplateError(where, f"there is no intrinsic function {name}")
    resolved = resolve(argument, scope, where)
    if name == "Fn::GetAZs":
        resolved = resolved or scope.parameters["AWS::Region"]
    return EAGER[name](resolved, where)


def _ref(name: Any, scope: Scope, where: str) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in scope.parameters:
        return scope.parameters[name]
    try:
        return scope.ref(name)
    except LookupError as error:
        raise TemplateError(where, _unknown(name, error)) from error


def _get_att(argument: Any, scope: Scope, where: str) -> Any:
    resource, attribute = _attribute_path(argument, where)
    attribute = resolve(attribute, scope, where)
    try:
        return scope.attribute(resource, attribute)
    except LookupError as error:
        raise TemplateError(where, _unknown(f"{resource}.{attribute}", error)) from error


def _unknown(name: str, error: LookupError) -> str:
    return f"there is no parameter or resource {name!r}" if isinstance(error, KeyError) else str(error)


def _attribute_path(argument: Any, where: str) -> tuple[str, Any]:
    if isinstance(argument, str) and "." in argument:
        resource, _, attribute = argument.partition(".")
        return resource, attribute
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str):
        return argument[0], argument[1]
    raise TemplateError(where, f"Fn::GetAtt takes a resource and an attribute, not {argument!r}")


def _sub(argument: Any, scope: Scope, where: str) -> str:
    pattern, names = _sub_argument(argument, where)
    values = resolve(names, scope, where)

    def replacement(match: re.Match[str]) -> str:
        word = match[1].strip()
        if word.startswith("!"):
            return f"${{{word[1:]}}}"
        if word in values:
            found = values[word]
        elif "." in word:
            found = _get_att(word, scope, where)
        else:
            found = _ref(word, scope, where)
        return text(found, f"{where} ${{{word}}}")

    return _PLACEHOLDER.sub(replacement, pattern)


def _sub_argument(argument: Any, where: str) -> tuple[str, Mapping[str, Any]]:
    if isinstance(argument, str):
        return argument, {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str):
        return argument[0], mapping(argument[1], where)
    raise TemplateError(where, f"Fn::Sub takes a string, or a string and a map, not {argument!r}")


def _placeholders(pattern: str) -> Iterator[str]:
    return (word for match in _PLACEHOLDER.finditer(pattern) if not (word := match[1].strip()).startswith("!"))


def _if(argument: Any, scope: Scope, where: str) -> Any:
    value, place = _branch(argument, scope, where)
    return resolve(value, scope, place)


def _branch(argument: Any, scope: Scope, where: str) -> tuple[Any, str]:
    name, yes, no = arguments(argument, 3, where)
    return (yes, f"{where}[1]") if condition(text(name, where), scope, where) else (no, f"{where}[2]")


def _find_in_map(argument: Any, scope: Scope, where: str) -> Any:
    argument = listed(argument, where)
    if len(argument) not in (3, 4):
        raise TemplateError(where, f"Fn::FindInMap takes a map and two keys, not {argument!r}")
    keys = [text(resolve(key, scope, where), where) for key in argument[:3]]
    found: Any = scope.mappings
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            if len(argument) == 4 and "DefaultValue" in argument[3]:
                return resolve(argument[3]["DefaultValue"], scope, where)
            raise TemplateError(where, f"Mappings has no {'.'.join(keys)}")
        found = found[key]
    return found


_LAZY: Final[Mapping[str, Callable[[Any, Scope, str], Any]]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
}


def _truth(value: Any, scope: Scope, where: str, pending: tuple[str, ...]) -> bool:
    name = next(iter(value)) if isinstance(value, Mapping) and len(value) == 1 else None
    if name is None or name not in _CONDITIONALS:
        raise TemplateError(where, f"{value!r} is not a condition")
    argument = value[name]
    if name == "Condition":
        return condition(text(argument, where), scope, where, pending)
    if name == "Fn::Equals":
        left, right = (resolve(item, scope, where) for item in arguments(argument, 2, where))
        return bool(_comparable(left) == _comparable(right))
    parts = [_truth(item, scope, f"{where}.{name}[{i}]", pending) for i, item in enumerate(listed(argument, where))]
    if name == "Fn::Not":
        arguments(argument, 1, where)
        return not parts[0]
    if not 2 <= len(parts) <= 10:
        raise TemplateError(where, f"{name} takes 2 to 10 conditions, not {len(parts)}")
    return all(parts) if name == "Fn::And" else any(parts)


def _comparable(value: Any) -> Any:
    return text(value, "") if isinstance(value, bool | int | float) else value
