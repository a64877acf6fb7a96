"""Checks of payload templates: paths, context paths and intrinsic functions. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.asltables import INTRINSICS

_CALL = re.compile(r"\b(States\.[A-Za-z0-9]+)\s*\(")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")  # literals inside a call may hold anything


def template_problems(template: Any, where: str) -> Iterator[str]:
    """Keys that end in ``.$`` hold paths or intrinsic functions; everything else is taken as it stands."""
    if isinstance(template, list):
        for index, item in enumerate(template):
            yield from template_problems(item, f"{where}[{index}]")
    if not isinstance(template, Mapping):
        return
    for key, value in template.items():
        if key.endswith(".$"):
            yield from _dynamic_problems(value, f"{where}.{key}")
            if key.removesuffix(".$") in template:
                yield f"{where}.{key}: stands beside the same key without .$"
        else:
            yield from template_problems(value, f"{where}.{key}")


def _dynamic_problems(value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{where}: must be a path or an intrinsic function, not {value!r}"
        return
    if value.startswith("$"):
        return
    code = _TEXT.sub("''", value)
    names = _CALL.findall(code)
    if not names or not code.startswith(names[0]):
        yield f"{where}: {value!r} is neither a path nor an intrinsic function"
    elif code.count("(") != code.count(")") or not code.rstrip().endswith(")"):
        yield f"{where}: the parentheses of {value!r} do not match"
    for name in names:
        if name not in INTRINSICS:
            yield f"{where}: there is no intrinsic function {name}"
