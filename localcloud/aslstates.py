"""Checks of single states: their fields, their tasks, their rules. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.aslpaths import template_problems
from localcloud.asltables import (
    CATCH_FIELDS,
    COMBINATIONS,
    COMPARISONS,
    ENDS,
    INTEGRATIONS,
    PAUSES,
    RETRY_FIELDS,
    SDK_SERVICES,
    STATE_FIELDS,
)

_INTEGRATION = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]*:\d*:([A-Za-z0-9-]+:[A-Za-z0-9]+)(?:\.(.+))?")
_SDK = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]*:\d*:aws-sdk:([a-z0-9]+):([a-zA-Z0-9]+)")
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d+:function:.+")
_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector")


def state_problems(state: Any, where: str) -> Iterator[str]:
    """What is wrong with one state, apart from where it leads."""
    if not isinstance(state, Mapping):
        yield f"{where}: is not a JSON object"
        return
    kind = state.get("Type")
    if kind not in STATE_FIELDS:
        yield f"{where}.Type: {kind!r} is no type of state"
        return
    for field in state:
        if field not in STATE_FIELDS[kind]:
            yield f"{where}.{field}: a {kind} state has no such field here"
    if state.get("QueryLanguage", "JSONPath") != "JSONPath":
        yield f"{where}.QueryLanguage: only JSONPath runs here"
    yield from _ending_problems(state, kind, where)
    for field in _TEMPLATES:
        if field in state:
            yield from template_problems(state[field], f"{where}.{field}")
    yield from _rule_problems(state, where)
    yield from _SPECIFIC.get(kind, _nothing)(state, where)


def _nothing(_: Mapping[str, Any], __: str) -> Iterator[str]:
    return iter(())


def _ending_problems(state: Mapping[str, Any], kind: str, where: str) -> Iterator[str]:
    if kind in ENDS or kind == "Choice":
        return
    if state.get("End", True) is not True:
        yield f"{where}.End: must be true or absent"
    if ("Next" in state) == ("End" in state):
        yield f"{where}: needs either Next or End"


def _rule_problems(state: Mapping[str, Any], where: str) -> Iterator[str]:
    for field, known in (("Retry", RETRY_FIELDS), ("Catch", CATCH_FIELDS)):
        rules = state.get(field, [])
        if not isinstance(rules, list):
            yield f"{where}.{field}: is not a list"
            continue
        for index, rule in enumerate(rules):
            place = f"{where}.{field}[{index}]"
            for key in rule:
                if key not in known:
                    yield f"{place}.{key}: no such field here"
            errors = rule.get("ErrorEquals")
            if not isinstance(errors, list) or not errors:
                yield f"{place}.ErrorEquals: is missing or empty"
            elif "States.ALL" in errors and (len(errors) > 1 or index < len(rules) - 1):
                yield f"{place}.ErrorEquals: States.ALL must stand alone and last"
            if field == "Catch" and "Next" not in rule:
                yield f"{place}.Next: is missing"


def _task_problems(state: Mapping[str, Any], where: str) -> Iterator[str]:
    resource = state.get("Resource")
    if not isinstance(resource, str):
        yield f"{where}.Resource: is missing"
        return
    if _FUNCTION.fullmatch(resource):
        return
    sdk = _SDK.fullmatch(resource)
    if sdk:
        if sdk[1] not in SDK_SERVICES:
            yield f"{where}.Resource: aws-sdk:{sdk[1]} does not run here; {', '.join(sorted(SDK_SERVICES))} do"
        return
    found = _INTEGRATION.fullmatch(resource)
    if not found or found[1] not in INTEGRATIONS:
        yield f"{where}.Resource: {resource!r} does not run here; {', '.join(sorted(INTEGRATIONS))} do"
        return
    patterns, parameters = INTEGRATIONS[found[1]]
    if found[2] is not None and found[2] not in patterns:
        yield f"{where}.Resource: {found[1]} does not run as .{found[2]} here"
    for key in state.get("Parameters", {}):
        if key.removesuffix(".$") not in parameters:
            yield f"{where}.Parameters.{key}: {found[1]} takes no such parameter here"


def _choice_problems(state: Mapping[str, Any], where: str) -> Iterator[str]:
    choices = state.get("Choices")
    if not isinstance(choices, list) or not choices:
        yield f"{where}.Choices: is missing or empty"
        return
    for index, rule in enumerate(choices):
        place = f"{where}.Choices[{index}]"
        if "Next" not in rule:
            yield f"{place}.Next: is missing"
        yield from _comparison_problems({k: v for k, v in rule.items() if k not in ("Next", "Comment")}, place)


def _comparison_problems(rule: Any, where: str) -> Iterator[str]:
    if not isinstance(rule, Mapping):
        yield f"{where}: is not a JSON object"
        return
    combined = COMBINATIONS & set(rule)
    if combined:
        name = min(combined)
        parts = [rule[name]] if name == "Not" else rule[name]
        if len(rule) != 1 or not isinstance(parts, list) or not parts:
            yield f"{where}.{name}: must stand alone and hold rules"
            return
        for index, part in enumerate(parts):
            yield from _comparison_problems(part, f"{where}.{name}[{index}]")
        return
    operators = set(rule) - {"Variable"}
    if "Variable" not in rule or len(operators) != 1 or not operators <= COMPARISONS:
        yield f"{where}: needs Variable and one comparison, not {sorted(rule)}"


def _wait_problems(state: Mapping[str, Any], where: str) -> Iterator[str]:
    if len(PAUSES & set(state)) != 1:
        yield f"{where}: needs exactly one of {', '.join(sorted(PAUSES))}"


def _fail_problems(state: Mapping[str, Any], where: str) -> Iterator[str]:
    for field in ("Error", "Cause"):
        if {field, f"{field}Path"} <= set(state):
            yield f"{where}: has both {field} and {field}Path"


def _parallel_problems(state: Mapping[str, Any], where: str) -> Iterator[str]:
    if not isinstance(state.get("Branches"), list) or not state["Branches"]:
        yield f"{where}.Branches: is missing or empty"


def _map_problems(state: Mapping[str, Any], where: str) -> Iterator[str]:
    if ("ItemProcessor" in state) == ("Iterator" in state):
        yield f"{where}: needs either ItemProcessor or Iterator"
        return
    mode = (state.get("ItemProcessor") or {}).get("ProcessorConfig", {}).get("Mode", "INLINE")
    if mode != "INLINE":
        yield f"{where}.ItemProcessor.ProcessorConfig.Mode: only INLINE runs here, not {mode!r}"


_SPECIFIC = {
    "Task": _task_problems,
    "Choice": _choice_problems,
    "Wait": _wait_problems,
    "Fail": _fail_problems,
    "Parallel": _parallel_problems,
    "Map": _map_problems,
}
