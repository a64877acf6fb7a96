"""Which value of a document does not fit its type, and how: by place, value and what was expected.

Documents are checked by msgspec's compiled converters, which say only what type was expected. When one refuses,
``first_misfit`` walks the document along the same type: one description of the format, and the message names the value.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import date
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import inspect

from fanout.errors import LocatedError
from fanout.strictjson import Flaw

SHOWN = 60  # characters of a value in a message
CALENDAR_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Misfit = tuple[str, str]  # place and problem


def fit[Fitted](value: Any, type_: type[Fitted], place: str, error: Callable[[str, str], LocatedError]) -> Fitted:
    """``value`` as ``type_``; what does not fit is raised as ``error(place, problem)``."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as fault:
        misfit = first_misfit(value, type_, place) or (place, str(fault))
        raise error(*misfit) from fault


def show(value: Any) -> str:
    """A value as the user wrote it, shortened."""
    if isinstance(value, Flaw):
        return value.problem
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=show, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def first_misfit(value: Any, type_: Any, place: str) -> Misfit | None:
    """The first place in ``value`` that does not fit ``type_`` (a type, or msgspec's description of one), or None."""
    return next(misfits(value, inspect.type_info(type_), place), None)


def misfits(value: Any, kind: inspect.Type, place: str) -> Iterator[Misfit]:
    hint = ""
    if isinstance(kind, inspect.Metadata):
        hint = (kind.extra_json_schema or {}).get("description", "")
        kind = kind.type
    if isinstance(value, Flaw):
        yield place, value.problem
    elif isinstance(kind, inspect.UnionType):
        yield from of_union(value, kind, place)
    elif isinstance(kind, inspect.StructType):
        yield from of_struct(value, kind, place)
    elif isinstance(kind, inspect.DictType):
        yield from of_dict(value, kind, place)
    elif isinstance(kind, inspect.VarTupleType | inspect.TupleType):
        yield from of_list(value, kind, place)
    elif problem := of_leaf(value, kind, hint):
        yield place, problem


def of_union(value: Any, kind: inspect.UnionType, place: str) -> Iterator[Misfit]:
    """An optional value, or structs told apart by a tag."""
    structs = {k.tag: k for k in kind.types if isinstance(k, inspect.StructType)}
    if None in structs or not structs:
        if value is not None:
            yield from misfits(value, next(k for k in kind.types if not isinstance(k, inspect.NoneType)), place)
        return
    tag_field = next(iter(structs.values())).tag_field or ""
    choices = ", ".join(repr(tag) for tag in structs)
    if not isinstance(value, dict):
        yield place, f"{show(value)} is not an object"
    elif tag_field not in value:
        yield join(place, tag_field), f"is missing: expected one of {choices}"
    elif (tag := value[tag_field]) not in list(structs):
        yield join(place, tag_field), f"{show(tag)} is not one of {choices}"
    else:
        yield from misfits(value, structs[tag], place)


def of_struct(value: Any, kind: inspect.StructType, place: str) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield place, f"{show(value)} is not an object"
        return
    names = [field.encode_name for field in kind.fields]
    for key in value:
        if key not in names and key != kind.tag_field:
            close = get_close_matches(key, names, 1)
            yield join(place, key), f"unknown key{f': did you mean {close[0]!r}?' if close else ''}"
    for field in kind.fields:
        if field.encode_name in value:
            yield from misfits(value[field.encode_name], field.type, join(place, field.encode_name))
        elif field.required:
            yield join(place, field.encode_name), "is missing"


def of_dict(value: Any, kind: inspect.DictType, place: str) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield place, f"{show(value)} is not an object"
        return
    if not value and kind.min_length:
        yield place, "is empty"
    for key, member in value.items():
        for _, problem in misfits(key, kind.key_type, place):
            yield join(place, key), f"the key {problem}"
        yield from misfits(member, kind.value_type, join(place, key))


def of_list(value: Any, kind: inspect.VarTupleType | inspect.TupleType, place: str) -> Iterator[Misfit]:
    if not isinstance(value, list | tuple):
        yield place, f"{show(value)} is not a list"
        return
    if isinstance(kind, inspect.VarTupleType):
        if len(value) < (kind.min_length or 0):
            yield place, "is empty"
        kinds = [kind.item_type] * len(value)
    else:
        kinds = list(kind.item_types)
        if len(value) != len(kinds):
            yield place, f"{show(value)} has {len(value)} elements, not {len(kinds)}"
            return
    for number, (element, item) in enumerate(zip(value, kinds, strict=True)):
        yield from misfits(element, item, f"{place}[{number}]")


def of_leaf(value: Any, kind: inspect.Type, hint: str) -> str | None:
    match kind:
        case inspect.FloatType() | inspect.IntType():
            return of_number(value, kind, hint)
        case inspect.BoolType():
            return None if isinstance(value, bool) else f"{show(value)} is not true or false"
        case inspect.LiteralType():
            choices = " or ".join(repr(choice) for choice in kind.values)
            return None if value in kind.values else f"{show(value)} is not {choices}"
        case inspect.DateType():
            return of_date(value)
        case inspect.StrType():
            return of_text(value, kind, hint)
    raise TypeError(f"no message is written for {kind}")


def of_number(value: Any, kind: inspect.FloatType | inspect.IntType, hint: str) -> str | None:
    whole = isinstance(kind, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return f"{show(value)} is not a {'whole ' if whole else ''}number"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number: it exceeds what a double holds"
    written = ",d" if whole else "g"
    if kind.gt is not None and value <= kind.gt:
        return f"{show(value)} is not above {kind.gt:{written}}"
    if kind.ge is not None and value < kind.ge:
        return f"{show(value)} is below {kind.ge:{written}}"
    if kind.le is not None and value > kind.le:
        return f"{show(value)} is above {kind.le:{written}}" + (f" ({hint})" if hint else "")
    return None


def of_date(value: Any) -> str | None:
    if isinstance(value, date):
        return None
    try:
        if isinstance(value, str) and CALENDAR_DATE.fullmatch(value):
            date.fromisoformat(value)
            return None
    except ValueError as fault:
        return f"{show(value)} is not a date: {fault}"
    return f"{show(value)} is not a date (YYYY-MM-DD)"


def of_text(value: Any, kind: inspect.StrType, hint: str) -> str | None:
    if not isinstance(value, str):
        return f"{show(value)} is not text"
    if not value:
        return "is empty"
    if kind.max_length is not None and len(value) > kind.max_length:
        return f"{show(value)} is longer than {kind.max_length} characters"
    if kind.pattern is not None and not re.search(kind.pattern, value):
        return f"{show(value)} is not allowed here" + (f" ({hint})" if hint else "")
    return None


def join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key
