"""A repair to moto's DynamoDB: it looks for each of an attribute value's ten kinds under four spellings.

Nine tenths of the time of a Query or Scan went there: a page of 1 MB took 1.4 s, with the kind that a value has looked
up at once it takes a fifth of that.
"""

from functools import cache
from typing import Any

from moto.core.serialize import BaseJSONSerializer, ResponseSerializer

from localcloud.repairs import expect


@cache  # a second repair would wrap the first
def repair() -> None:
    """Values of DynamoDB are written as they are stored, one kind each."""
    expect(ResponseSerializer._serialize_type_structure, "for member_key, member_shape in shape.members.items():")  # noqa: SLF001 - a repair
    expect(BaseJSONSerializer._serialize_type_structure, "super()._serialize_type_structure(")  # noqa: SLF001
    as_moto_does = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001

    def serialize(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != "AttributeValue" or not key or type(value) is not dict or len(value) != 1:
            as_moto_does(self, serialized, value, shape, key)
            return
        ((kind, content),) = value.items()
        written: dict[str, Any] = {}
        if kind in {"S", "N"} and type(content) is str:
            written[kind] = content
        else:
            self._serialize(written, content, shape.members[kind], kind)
        self._default_serialize(serialized, written, shape, key)

    BaseJSONSerializer._serialize_type_structure = serialize  # noqa: SLF001
