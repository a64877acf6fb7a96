"""What a CloudFormation call says, in the Query protocol's flat form. Pure."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from localcloud.deploy.template import Template
from localcloud.errors import ApiError
from localcloud.stackdocuments import plain

STACK_NAME = "[a-zA-Z][-a-zA-Z0-9]*"
LONGEST_NAME = 128

type Form = Mapping[str, str]


def numbers(form: Form, name: str) -> list[str]:
    """Of the members of a list, in their order: ``Tags.member.2.Key`` → ``2``."""
    prefix = f"{name}.member."
    return sorted({key.removeprefix(prefix).partition(".")[0] for key in form if key.startswith(prefix)}, key=int)


def members(form: Form, name: str) -> tuple[str, ...]:
    """The values of a list."""
    return tuple(form[f"{name}.member.{number}"] for number in numbers(form, name))


def tags(form: Form) -> dict[str, str]:
    """What a stack and its resources are to be tagged with."""
    listed = numbers(form, "Tags")
    return {form[f"Tags.member.{each}.Key"]: form.get(f"Tags.member.{each}.Value", "") for each in listed}


def parameters(form: Form, before: Mapping[str, Any]) -> dict[str, str]:
    """The values that a call gives to its template's parameters, those of ``before`` where it asks for them."""
    given = {}
    for number in numbers(form, "Parameters"):
        key = form[f"Parameters.member.{number}.ParameterKey"]
        if form.get(f"Parameters.member.{number}.UsePreviousValue", "").lower() != "true":
            given[key] = form.get(f"Parameters.member.{number}.ParameterValue", "")
        elif key in before:
            given[key] = plain(before[key])
    return given


def check_name(name: str) -> None:
    """What CloudFormation takes as the name of a new stack."""
    problem = ""
    if not re.fullmatch(STACK_NAME, name):
        problem = f"Member must satisfy regular expression pattern: {STACK_NAME}"
    elif len(name) > LONGEST_NAME:
        problem = f"Member must have length less than or equal to {LONGEST_NAME}"
    if problem:
        told = f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: {problem}"
        raise ApiError(400, "ValidationError", told)


def check_capabilities(template: Template, given: tuple[str, ...]) -> None:
    """Who deploys roles must say so."""
    kinds = [resource for resource in template.resources.values() if resource["Type"].startswith("AWS::IAM::")]
    named = any("RoleName" in (resource.get("Properties") or {}) for resource in kinds)
    needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
    if kinds and not {needed, "CAPABILITY_NAMED_IAM"} & set(given):
        raise ApiError(400, "InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def object_of(url: str) -> tuple[str, str]:
    """Bucket and key of a template's URL: path style, or with the bucket as the host's first name."""
    parts = urlsplit(url)
    head, _, rest = unquote(parts.path).lstrip("/").partition("/")
    host = parts.netloc.partition(":")[0]
    if host.endswith(".amazonaws.com") and not host.startswith("s3"):
        return host.partition(".s3")[0], f"{head}/{rest}" if rest else head
    return head, rest
