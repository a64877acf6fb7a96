"""The header of a .blend, and how the headers of its blocks are laid out."""

import re
import struct
from dataclasses import dataclass

from fanout.blend.sources import BlendDamage
from fanout.blend.streams import Stream

MAGIC = b"BLENDER"
SHORTEST = 12  # bytes of a header
LEGACY = re.compile(rb"BLENDER([_-])([vV])(\d{3})")  # 12 bytes, until Blender 4.5
CURRENT = re.compile(rb"BLENDER(\d{2})-(\d{2})v(\d{4})")  # 17 bytes, since Blender 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How to read everything after the header."""

    version: int  # 279 is 2.79, 502 is 5.2
    order: str  # of bytes, as struct writes it: "<" or ">"
    pointer: int  # bytes: 4 or 8
    block: struct.Struct  # a block's header
    fields: tuple[int, int, int, int]  # where in it: length, address, struct, count

    @property
    def saved_by(self) -> str:
        return version_name(self.version)


def version_name(version: int) -> str:
    """``502`` -> ``5.2``; ``279`` -> ``2.79``."""
    major, minor = divmod(version, 100)
    return f"{major}.{minor}"


def read_header(stream: Stream) -> Layout:
    """Raises BlendDamage if the stream does not begin as a .blend file does."""
    head = stream.read(SHORTEST)
    if match := LEGACY.fullmatch(head):
        wide, order = match[1] == b"-", "<" if match[2] == b"v" else ">"
        block = struct.Struct(f"{order}4si{'Q' if wide else 'I'}ii")  # code, length, address, struct, count
        return Layout(version=int(match[3]), order=order, pointer=8 if wide else 4, block=block, fields=(1, 2, 3, 4))
    if len(head) < SHORTEST and MAGIC.startswith(head[: len(MAGIC)]):
        raise BlendDamage(f"truncated: its header ends after {len(head)} bytes")
    if not re.match(rb"BLENDER\d{2}-", head):
        raise BlendDamage(f"not a .blend file: it begins with {head!r}")
    length = int(head[7:9])
    head += stream.read(length - len(head))
    match = CURRENT.match(head)
    if match is None or match[2] != b"01":
        raise BlendDamage(f"its header {head!r} is of a format that is newer than this reader")
    block = struct.Struct("<4siQqq")  # code, struct, address, length, count
    return Layout(version=int(match[3]), order="<", pointer=8, block=block, fields=(3, 2, 1, 4))
