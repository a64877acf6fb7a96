"""Policies compiled once, and decisions over them. Pure.

A decision costs one look-up for the action and one comparison for each resource of the statements that name it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.access.conditions import Condition, Context, conditions, glob, hold, listed

_KEYS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal", "NotPrincipal"}
)
_NOTHING: Context = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a request needs leave for: one action on one resource, ``*`` where the action knows no resources."""

    action: str  # as IAM writes it: s3:GetObject
    resource: str = "*"
    context: Context = field(default_factory=dict)  # condition keys in lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What of a statement an ask met."""

    policy: str
    statement: str
    action: str  # the element of Action, as written
    resource: str  # the element of Resource, as written


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    allowed: bool
    by: tuple[Match, ...]  # every allowance that met it; if it is denied outright, the denial
    explicit: bool = False


class Statement:
    """One statement, its patterns compiled."""

    def __init__(self, policy: str, name: str, document: Mapping[str, Any]) -> None:
        unknown = set(document) - _KEYS
        assert not unknown, f"policy {policy}: {', '.join(sorted(unknown))} is no element of a statement"
        self.policy = policy
        self.name = name
        self.allows = document["Effect"] == "Allow"
        self.actions: tuple[str, ...] = tuple(listed(document.get("Action", document.get("NotAction", []))))
        self.resources: tuple[str, ...] = tuple(listed(document.get("Resource", document.get("NotResource", "*"))))
        self.principal = document.get("Principal")
        self._other_actions = "NotAction" in document
        self._other_resources = "NotResource" in document
        self._conditions: tuple[Condition, ...] = conditions(document.get("Condition") or {})

    def action_of(self, action: str) -> str | None:
        """The element of Action that covers ``action``."""
        found = next((each for each in self.actions if glob(each, ignore_case=True)(action)), None)
        if self._other_actions:
            return "NotAction" if found is None else None
        return found

    def match(self, action: str, ask: Ask, base: Context) -> Match | None:
        """``action``: what :meth:`action_of` gave. Unknown conditions hold for a denial and not for an allowance."""
        found = next((each for each in self.resources if glob(each)(ask.resource)), None)
        if self._other_resources:
            found = "NotResource" if found is None else None
        if found is None:
            return None
        if self._conditions:
            outcome = hold(self._conditions, {**base, **ask.context})
            if outcome is False or (outcome is None and self.allows):
                return None
        return Match(policy=self.policy, statement=self.name, action=action, resource=found)


def statements(policy: str, document: Mapping[str, Any]) -> list[Statement]:
    """Of a policy document; those without a Sid are called by their number."""
    found: Sequence[Mapping[str, Any]] = listed(document["Statement"])
    return [Statement(policy, str(each.get("Sid") or f"#{number}"), each) for number, each in enumerate(found, 1)]


class Policies:
    """Every statement that applies to a principal as such."""

    def __init__(self, found: Iterable[Statement], base: Context = _NOTHING) -> None:
        """``base``: condition keys that all its requests have, in lower case."""
        self.statements = tuple(found)
        self.base = base
        self._by_action: dict[str, tuple[tuple[Statement, str], ...]] = {}

    def judge(self, ask: Ask) -> Verdict:
        """Denied where a denial matches, allowed where an allowance does, otherwise denied."""
        candidates = self._by_action.get(ask.action)
        if candidates is None:
            covering = ((each, each.action_of(ask.action)) for each in self.statements)
            candidates = tuple((each, action) for each, action in covering if action is not None)
            self._by_action[ask.action] = candidates
        allowances = []
        for statement, action in candidates:
            match = statement.match(action, ask, self.base)
            if match is None:
                continue
            if not statement.allows:
                return Verdict(allowed=False, by=(match,), explicit=True)
            allowances.append(match)
        return Verdict(allowed=bool(allowances), by=tuple(allowances))
