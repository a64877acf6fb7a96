"""What a run of a local cloud proves about the permissions of its roles."""

import copy
import json
import tomllib
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localcloud.access.conditions import listed
from localcloud.access.policies import Ask, Policies, statements
from localcloud.access.record import Grant, declared, used
from localcloud.gateway import ACCESS_PATH
from tests.local.cloud_process import Cloud

UNUSED = Path(__file__).with_name("unused.toml")
BASE = {"aws:securetransport": "true"}


@dataclass(frozen=True)
class Evidence:
    """Roles with their policies, and every kind of decision that was made over them, as the cloud gives them."""

    stack: str
    roles: Mapping[str, Mapping[str, Any]]  # role → policy → document
    decisions: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, cloud: Cloud) -> "Evidence":
        with urllib.request.urlopen(f"{cloud.endpoint_url}{ACCESS_PATH}") as answer:
            document = json.load(answer)
        return cls(cloud.stack, document["roles"], tuple(document["decisions"]))

    def of_roles(self, chosen: Any) -> "Evidence":
        """Of those roles only whose logical id satisfies ``chosen``."""
        return Evidence(
            self.stack,
            {role: policies for role, policies in self.roles.items() if chosen(self.logical(role))},
            tuple(decision for decision in self.decisions if chosen(self.logical(decision["role"]))),
        )

    def logical(self, role: str) -> str:
        return role.removeprefix(f"{self.stack}-")

    @property
    def denied(self) -> list[str]:
        refused = (decision for decision in self.decisions if not decision["allowed"])
        return [f"{each['role']}: {each['action']} on {each['resource']}" for each in refused]

    @property
    def inline(self) -> dict[str, dict[str, Any]]:
        """The policies that the template writes; AWS's own are not its to trim."""
        return {
            role: {name: document for name, document in policies.items() if not name.startswith("arn:aws:iam::aws:")}
            for role, policies in self.roles.items()
        }

    @property
    def grants(self) -> list[Grant]:
        return list(declared(self.inline))

    @property
    def unused(self) -> set[str]:
        """Grants that no decision met. A statement of which nothing was used is told once."""
        seen = used(self.decisions)
        left = [grant for grant in self.grants if grant not in seen]
        whole = {(grant.role, grant.policy, grant.statement) for grant in left if not grant.element}
        kept = [each for each in left if not each.element or (each.role, each.policy, each.statement) not in whole]
        return {self.title(grant) for grant in kept}

    def title(self, grant: Grant) -> str:
        element = (
            grant.element.replace(f"{self.stack}-", "").rpartition(":")[2] if "arn:" in grant.element else grant.element
        )
        return str(replace(grant, role=self.logical(grant.role), element=element))

    def spared(self) -> list[str]:
        """Used grants that could be taken away without any recorded decision being another."""
        seen = used(self.decisions)
        return [self.title(grant) for grant in self.grants if grant in seen and not self._missed(grant)]

    def _missed(self, grant: Grant) -> bool:
        policies = _without(self.roles[grant.role], grant)
        found = [each for name, document in policies.items() for each in statements(name, document)]
        judge = Policies(found, BASE).judge
        asks = (
            Ask(action=each["action"], resource=each["resource"], context=each["context"])
            for each in self.decisions
            if each["role"] == grant.role and each["allowed"]
        )
        return any(not judge(ask).allowed for ask in asks)


def _without(policies: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """The policies of a role with one statement, or one element of it, taken away."""
    kept: dict[str, Any] = copy.deepcopy(dict(policies))
    document = kept[grant.policy]
    trimmed = []
    for number, statement in enumerate(listed(document["Statement"]), 1):
        if (statement.get("Sid") or f"#{number}") == grant.statement:
            if not grant.element:
                continue
            for key in ("Action", "Resource"):
                statement[key] = [each for each in listed(statement[key]) if each != grant.element]
        trimmed.append(statement)
    document["Statement"] = trimmed
    return kept


def reasons() -> dict[str, str]:
    """Grant → why no run on this machine uses it."""
    tables = tomllib.loads(UNUSED.read_text())
    return dict(_flat(tables))


def _flat(tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for role, grants in tables.items():
        for grant, reason in grants.items():
            yield f"{role}/{grant}", reason
