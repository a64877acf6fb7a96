"""Permissions against AWS's service authorization reference, as the package parliament carries it.

Only its data is read: the package itself imports what Python no longer has.
"""

import importlib.util
import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from tests.unit.conventions.system import Statement, System, statements

# Wildcards that stand although the action knows resources; each with its reason. One that is no longer met fails.
EXCEPTIONS = {
    "RunPipelinesPolicy.StopJobs job/*": "a job's id is not known before it is submitted",
    "MonteCarloStateMachineRole.SubmitJobs job/*": "a job's id is not known before it is submitted",
    "RenderingStateMachineRole.SubmitJobs job/*": "a job's id is not known before it is submitted",
    "NtonStateMachineRole.SubmitJobs job/*": "a job's id is not known before it is submitted",
    "ArrayWorkflowStateMachineRole.SubmitJobs job/*": "a job's id is not known before it is submitted",
    "MonteCarloStateMachineRole.SubmitJobs job-definition/*": "users may name a definition of their own",
    "RenderingStateMachineRole.SubmitJobs job-definition/*": "users may name a definition of their own",
    "SpotInterruptionRole.ReclaimInstances instance/*": "instances come and go; a condition names their tag",
}


@cache
def reference() -> dict[str, dict[str, list[str]]]:
    """Service -> action -> resource types, a required one ending in "*"; [""] for an action that knows none."""
    found = importlib.util.find_spec("parliament")
    assert found is not None
    assert found.origin is not None
    document = json.loads((Path(found.origin).parent / "iam_definition.json").read_text())
    return {
        service["prefix"]: {
            each["privilege"]: [kind["resource_type"] for kind in each["resource_types"]]
            for each in service["privileges"]
        }
        for service in document
    }


def matching(action: str) -> dict[str, list[str]]:
    """The actions that a pattern means, with the types of resources they know."""
    service, _, pattern = action.partition(":")
    known = reference().get(service, {})
    return {name: kinds for name, kinds in known.items() if fnmatchcase(name.lower(), pattern.lower())}


def every_action_exists(system: System) -> list[str]:
    return [
        f"{each.name}: there is no {action}"
        for each in statements(system)
        for action in each.actions
        if action != "*" and not matching(action)
    ]


def every_resource_is_named(system: System) -> list[str]:
    """A statement allows "*" only for actions that know no resources; every other wildcard is a listed exception."""
    problems, met = [], set()
    for each in statements(system):
        if each.on_resource:
            continue
        problems += _needlessly_wide(each)
        for target in each.targets:
            key = f"{each.name} {_wild(target)}"
            if _wild(target) and key in EXCEPTIONS:
                met.add(key)
            elif _wild(target):
                problems.append(f"{key}: a wildcard without a reason")
    return problems + [f"{key}: an exception that nothing needs" for key in sorted(set(EXCEPTIONS) - met)]


def _needlessly_wide(each: Statement) -> list[str]:
    if "*" not in each.targets:
        return []
    knowing = [action for action in each.actions if any(any(kinds) for kinds in matching(action).values())]
    return [f"{each.name}: {action} can name its resources" for action in knowing]


def _wild(target: object) -> str:
    """``job/*`` of a resource that ends in a wildcard; nothing for a bucket's objects or a group's streams."""
    text = target.get("Fn::Sub", "") if isinstance(target, dict) else ""
    plain = re.sub(r"\$\{[^}]*\}", "x", text) if isinstance(text, str) else ""
    found = re.search(r":([\w-]+[/:])[^/:]*\*$", plain)
    return f"{found[1]}*" if found else ""
