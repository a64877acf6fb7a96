"""The execution's input as a frozen struct: unknown keys, wrong types and bad values are refused by name."""

from typing import Any

import msgspec

from fanout.errors import RequestError


def parse_request[T](raw: object, kind: type[T]) -> T:
    """``raw``, the JSON that a state passed, as a ``kind``. Raises RequestError with place, value and what to do."""
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `")
        raise RequestError(_place(path), f"{problem}{_value(raw, path)}") from error


def _place(path: str) -> str:
    keys = path.rstrip("`").removeprefix("$").strip(".")
    return f"input.{keys}" if keys else "input"


def _value(raw: object, path: str) -> str:
    value: Any = raw
    for key in filter(None, path.rstrip("`").removeprefix("$").split(".")):
        if not isinstance(value, dict) or key not in value:
            return ""
        value = value[key]
    return f" (it is {value!r})" if path else ""
