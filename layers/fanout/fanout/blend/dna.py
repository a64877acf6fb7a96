"""The description of its structs that every .blend carries (SDNA): where each field of a block lies.

It makes one reader fit every Blender version: names are looked up, nothing is hard-wired.
"""

import re
import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

from fanout.blend.header import Layout
from fanout.blend.sources import BlendDamage

FORMATS = {
    "char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "float": "f", "double": "d",
    "int8_t": "b", "uint8_t": "B", "int64_t": "q", "uint64_t": "Q",
}  # fmt: skip
NAME = re.compile(r"\(?(\**)(\w+)\)?((?:\[\d+\])*)")  # *next, name[66], (*func)()
LONGEST = (1 << 16) - 1  # bytes of a struct: the table TLEN has 16 bits for it


class Field(NamedTuple):
    """One field of a struct."""

    offset: int  # bytes from the beginning of the struct
    type: str
    pointer: bool
    elements: int  # of an array, 1 otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Dna:
    """The structs of one file."""

    layout: Layout
    names: tuple[str, ...]  # struct number -> its name
    structs: dict[str, dict[str, Field]]

    def value(self, data: bytes, kind: str, path: str) -> Any:
        """The field ``r.frame_step`` of a ``kind``; None where this version of Blender has no such field.

        Texts are decoded, pointers are addresses, arrays are tuples.
        """
        found = self.locate(kind, path)
        if found is None:
            return None
        if found.pointer:
            return self._unpack("Q" if self.layout.pointer == 8 else "I", data, found.offset)[0]
        if found.type == "char" and found.elements > 1:
            return data[found.offset : found.offset + found.elements].split(b"\0")[0].decode("utf-8", "replace")
        if found.type not in FORMATS:
            raise BlendDamage(f"its field {kind}.{path} has the type {found.type}, which is no number")
        values = self._unpack(f"{found.elements}{FORMATS[found.type]}", data, found.offset)
        return values[0] if found.elements == 1 else values

    def required[T](self, data: bytes, kind: str, path: str, expected: type[T]) -> T:
        """A field of every ``kind`` since Blender 2.5. Raises BlendDamage if it is missing, or no ``expected``."""
        value = self.value(data, kind, path)
        if value is None:
            raise BlendDamage(f"it has no {kind}.{path}: saved by a Blender before 2.5, or newer than this reader")
        if not isinstance(value, expected):
            raise BlendDamage(f"its {kind}.{path} is {value!r}: damaged")
        return value

    def locate(self, kind: str, path: str) -> Field | None:
        """Where ``path`` lies in a ``kind``, structs inside structs resolved."""
        offset, found = 0, None
        for part in path.split("."):
            found = self.structs.get(kind, {}).get(part)
            if found is None:
                return None
            offset += found.offset
            kind = found.type
        return found and found._replace(offset=offset)

    def _unpack(self, form: str, data: bytes, offset: int) -> tuple[Any, ...]:
        try:
            return struct.unpack_from(self.layout.order + form, data, offset)
        except struct.error:
            raise BlendDamage(f"truncated: a block of {len(data)} bytes has no byte {offset}") from None


def parse_dna(data: bytes, layout: Layout) -> Dna:
    """The block ``DNA1``. Raises BlendDamage if it is damaged."""
    try:
        return _parse(_Reader(data, layout.order), layout)
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise BlendDamage(f"the description of its structs is damaged: {error}") from error


class _Reader:
    """Goes through the block's five tables."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data, self._order, self._at = data, order, 0

    def tag(self, expected: bytes) -> None:
        self._at = (self._at + 3) & ~3
        found = self._data[self._at : self._at + 4]
        if found != expected:
            raise ValueError(f"{found!r} stands where {expected!r} should")
        self._at += 4

    def numbers(self, form: str, count: int) -> tuple[int, ...]:
        packed = struct.Struct(f"{self._order}{count}{form}")
        values = packed.unpack_from(self._data, self._at)
        self._at += packed.size
        return values

    def texts(self) -> list[str]:
        [count] = self.numbers("i", 1)
        if not 0 <= count <= len(self._data) - self._at:
            raise ValueError(f"{count} names in {len(self._data)} bytes")
        found = self._data[self._at :].split(b"\0", count)
        if len(found) <= count:
            raise ValueError(f"{count} names were announced, {len(found)} are there")
        self._at = len(self._data) - len(found[-1])
        return [text.decode("ascii") for text in found[:count]]


def _parse(reader: _Reader, layout: Layout) -> Dna:
    reader.tag(b"SDNA")
    reader.tag(b"NAME")
    names = [_declared(text) for text in reader.texts()]
    reader.tag(b"TYPE")
    types = reader.texts()
    reader.tag(b"TLEN")
    lengths = reader.numbers("H", len(types))
    reader.tag(b"STRC")
    [count] = reader.numbers("i", 1)
    kinds: list[str] = []
    structs: dict[str, dict[str, Field]] = {}
    for _ in range(count):
        kind, field_count = reader.numbers("H", 2)
        pairs = reader.numbers("H", 2 * field_count)
        fields: dict[str, Field] = {}
        offset = 0
        for type_index, name_index in zip(pairs[::2], pairs[1::2], strict=True):
            name, pointer, elements = names[name_index]
            fields[name] = Field(offset, types[type_index], pointer, elements)
            offset += elements * (layout.pointer if pointer else lengths[type_index])
        if offset > LONGEST:
            raise ValueError(f"its struct {types[kind]} has {offset:,} bytes")
        kinds.append(types[kind])
        structs[types[kind]] = fields
    return Dna(layout=layout, names=tuple(kinds), structs=structs)


def _declared(text: str) -> tuple[str, bool, int]:
    """``*mat[4]`` -> its name, whether it is a pointer, how many."""
    match = NAME.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no field")
    count = 1
    for extent in re.findall(r"\d+", match[3]):
        count *= int(extent)
    return match[2], bool(match[1]), count
