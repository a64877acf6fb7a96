"""What was decided while the cloud ran, each kind of decision once, and what of the policies it used. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from localcloud.access.policies import Ask, Verdict, statements

MOST = 10_000  # kinds of decisions kept; the pipelines make some two hundred


@dataclass(slots=True, kw_only=True)
class Decision:
    """The first ask of its kind, and how many there were."""

    role: str
    ask: Ask
    verdict: Verdict
    count: int = 1

    def document(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "action": self.ask.action,
            "resource": self.ask.resource,
            "context": dict(self.ask.context),
            "allowed": self.verdict.allowed,
            "explicit": self.verdict.explicit,
            "by": [asdict(match) for match in self.verdict.by],
            "count": self.count,
        }


@dataclass(slots=True)
class Record:
    """Decisions by role, action and what they met: a million objects read are one entry.

    Written without a lock: two threads that meet may lose a count, never an entry.
    """

    _kinds: dict[tuple[Any, ...], Decision] = field(default_factory=dict)

    def add(self, role: str, ask: Ask, verdict: Verdict) -> None:
        where = ask.resource if not verdict.allowed else ""  # what was denied is kept apart, to be shown
        kind = (role, ask.action, where, tuple(ask.context), verdict.by)
        known = self._kinds.get(kind)
        if known is not None:
            known.count += 1
        elif len(self._kinds) < MOST:
            self._kinds[kind] = Decision(role=role, ask=ask, verdict=verdict)

    def decisions(self) -> list[Decision]:
        return list(self._kinds.values())


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Grant:
    """Something that a policy allows: one element of a statement's Action or Resource."""

    role: str
    policy: str
    statement: str
    element: str = ""  # an action or a resource; empty: the whole statement

    def __str__(self) -> str:
        return f"{self.role}/{self.statement} {self.element}".rstrip()


def used(decisions: Iterable[Mapping[str, Any]]) -> set[Grant]:
    """Statements, and their elements, that at least one allowed decision met."""
    found: set[Grant] = set()
    for decision in decisions:
        for match in decision["by"] if decision["allowed"] else ():
            place = {"role": decision["role"], "policy": match["policy"], "statement": match["statement"]}
            elements = ("", match["action"], match["resource"])
            found.update(Grant(**place, element=element) for element in elements)
    return found


def declared(roles: Mapping[str, Mapping[str, Any]]) -> Iterator[Grant]:
    """Every allowance of ``roles``: role → policy → document. Statements first, then their several elements."""
    for role, policies in roles.items():
        for policy, document in policies.items():
            for statement in _allowances(policy, document):
                yield Grant(role=role, policy=policy, statement=statement[0])
                for elements in statement[1:]:
                    if len(elements) > 1:
                        for element in elements:
                            yield Grant(role=role, policy=policy, statement=statement[0], element=element)


def _allowances(policy: str, document: Any) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    for statement in statements(policy, document):
        if statement.allows:
            yield statement.name, statement.actions, statement.resources
