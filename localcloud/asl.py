"""Checks of a state machine's definition. Pure.

:func:`problems` is what deployment insists on: the graph holds together, and every construct is one that the tests run
through the interpreter. AWS refuses a dangling ``Next`` when a state machine is created; moto, ``sam validate`` and
cfn-lint accept it. :func:`convention_problems` is about style that keeps pipelines from hanging.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.aslstates import state_problems
from localcloud.asltables import BRANCH_FIELDS, ENDS, MACHINE_FIELDS, MAX_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """States that can follow each other: the machine's, a branch's, or a Map's."""

    where: str
    definition: Mapping[str, Any]

    @property
    def states(self) -> Mapping[str, Any]:
        states = self.definition.get("States")
        return states if isinstance(states, Mapping) else {}

    def place(self, name: str) -> str:
        return f"{self.where}States.{name!r}"


def problems(definition: Any) -> list[str]:
    """What keeps the state machine from running here, each with its place; an empty list if nothing does."""
    if not isinstance(definition, Mapping):
        return ["the definition is not a JSON object"]
    found = list(_machine_problems(definition))
    seen: dict[str, str] = {}
    for scope in scopes(definition):
        found += _graph_problems(scope)
        for name, state in scope.states.items():
            if name in seen:
                found.append(f"{scope.place(name)}: the name is taken by {seen[name]}")
            seen[name] = scope.place(name)
            found += state_problems(state, scope.place(name))
    return found


def convention_problems(definition: Mapping[str, Any]) -> list[str]:
    """Tasks without a timeout: a lost task would hold its execution for a year."""
    return [
        f"{scope.place(name)}: a task without TimeoutSeconds"
        for scope in scopes(definition)
        for name, state in scope.states.items()
        if isinstance(state, Mapping)
        and state.get("Type") == "Task"
        and not {"TimeoutSeconds", "TimeoutSecondsPath"} & set(state)
    ]


def scopes(definition: Mapping[str, Any], where: str = "") -> Iterator[Scope]:
    """The machine and everything nested in it, outermost first."""
    scope = Scope(where=where, definition=definition)
    yield scope
    for name, state in scope.states.items():
        if not isinstance(state, Mapping):
            continue
        for field, nested in _nested(state):
            if isinstance(nested, Mapping):
                yield from scopes(nested, f"{scope.place(name)}.{field}.")


def _nested(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if state.get("Type") == "Parallel":
        for index, branch in enumerate(state.get("Branches") or []):
            yield f"Branches[{index}]", branch
    if state.get("Type") == "Map":
        for field in ("ItemProcessor", "Iterator"):
            if field in state:
                yield field, state[field]


def _machine_problems(definition: Mapping[str, Any]) -> Iterator[str]:
    for field in definition:
        if field not in MACHINE_FIELDS:
            yield f"{field} is no field of a state machine here"
    if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
        yield "QueryLanguage: only JSONPath runs here; moto does not evaluate JSONata"
    for scope in scopes(definition):
        if scope.where:
            for field in scope.definition:
                if field not in BRANCH_FIELDS:
                    yield f"{scope.where}{field} is no field of a branch here"


def _graph_problems(scope: Scope) -> Iterator[str]:
    states = scope.states
    if not states:
        yield f"{scope.where}States is missing or empty"
        return
    start = scope.definition.get("StartAt")
    if start not in states:
        yield f"{scope.where}StartAt: there is no state {start!r}"
    for name, state in states.items():
        if len(name) > MAX_NAME:
            yield f"{scope.place(name)}: the name has {len(name)} characters; {MAX_NAME} are allowed"
        for field, target in transitions(state):
            if target not in states:
                yield f"{scope.place(name)}.{field}: there is no state {target!r}"
    reached = _reachable(start, states)
    yield from (f"{scope.place(name)}: cannot be reached from {start!r}" for name in states if name not in reached)
    if reached and not any(_ends(states[name]) for name in reached):
        yield f"{scope.where}States: no state that ends the execution can be reached"


def transitions(state: Any) -> Iterator[tuple[str, Any]]:
    """Where a state may go next: (field, name of the next state)."""
    if not isinstance(state, Mapping):
        return
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Choices", "Catch"):
        rules = state.get(field)
        for index, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, Mapping) and "Next" in rule:
                yield f"{field}[{index}].Next", rule["Next"]


def _reachable(start: Any, states: Mapping[str, Any]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in states and name not in reached:
            reached.add(name)
            waiting += [target for _, target in transitions(states[name])]
    return reached


def _ends(state: Any) -> bool:
    return isinstance(state, Mapping) and (state.get("End") is True or state.get("Type") in ENDS)
