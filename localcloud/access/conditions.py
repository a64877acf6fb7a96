"""The Condition element of a policy. Pure.

What is not understood is reported as unknown, not as false: an allowance must then not apply, a denial must.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

type Context = Mapping[str, str]

# Keys that a request here carries whenever it has them: where one is missing, the request does not have it.
KNOWN_KEYS: Final = frozenset(
    key.lower()
    for key in (
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalType",
        "aws:RequestedRegion",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIp",
        "aws:userid",
        "elasticfilesystem:AccessPointArn",
        "iam:PassedToService",
        "s3:delimiter",
        "s3:max-keys",
        "s3:prefix",
    )
)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One operator on one key: ``StringLike``, ``s3:prefix``, the values of which one must hold."""

    operator: str
    key: str  # in lower case
    values: tuple[str, ...]

    def holds(self, context: Context) -> bool | None:
        """None: this cannot be told here, by an operator, a key or a variable that localcloud does not know."""
        if self.key not in context and self.key not in KNOWN_KEYS:
            return None
        name, if_exists = self.operator.removesuffix("IfExists"), self.operator.endswith("IfExists")
        present = context.get(self.key)
        if name == "Null":
            return (present is None) == (self.values[0].lower() == "true")
        positive = name.replace("Not", "", 1) if name != "NotIpAddress" else "IpAddress"
        compare = _COMPARISONS.get(name) or _COMPARISONS.get(positive)
        if compare is None or any(_VARIABLE.search(value) for value in self.values):
            return None
        negated = name not in _COMPARISONS
        if present is None:
            return if_exists or negated
        return any(compare(present, value) for value in self.values) != negated


def conditions(document: Mapping[str, Mapping[str, Any]]) -> tuple[Condition, ...]:
    """The tests of a Condition element; all must hold."""
    return tuple(
        Condition(operator=operator, key=key.lower(), values=tuple(_text(value) for value in listed(values)))
        for operator, keys in document.items()
        for key, values in keys.items()
    )


def hold(tests: tuple[Condition, ...], context: Context) -> bool | None:
    """Whether all hold; None if none fails and one is unknown."""
    unknown = False
    for test in tests:
        outcome = test.holds(context)
        if outcome is False:
            return False
        unknown = unknown or outcome is None
    return None if unknown else True


def listed(value: Any) -> list[Any]:
    """IAM writes a list of one without its brackets."""
    return value if isinstance(value, list) else [value]


@cache
def glob(pattern: str, *, ignore_case: bool = False) -> Callable[[str], object]:
    """Tells whether a text matches; ``*`` is any run of characters, ``?`` is one."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0)).fullmatch


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _arn_like(value: str, pattern: str) -> bool:
    """Each of the six parts on its own: a wildcard does not reach beyond its colon, but in the last."""
    ours, theirs = value.split(":", 5), pattern.split(":", 5)
    return len(ours) == len(theirs) and all(glob(b)(a) is not None for a, b in zip(ours, theirs, strict=True))


def _in_block(value: str, block: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(block, strict=False)


# Positive operators; a ``Not`` before Equals, Like or IpAddress negates them.
_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, wanted: glob(wanted)(value) is not None,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_block,
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
}
