"""The walk over the blocks of a .blend: from header to header, keeping the few blocks that matter.

Blender writes global settings, windows and scenes first and the description of its structs last. Where the stream
can jump, the walk ends when the scenes are known and enough was read; the description is then looked for at the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from fanout.blend.header import Layout
from fanout.blend.sources import BlendDamage, Source
from fanout.blend.streams import Stream

GLOBAL, SCENE, DATA, STRUCTS, END = b"GLOB", b"SC", b"DATA", b"DNA1", b"ENDB"
CAMERA = b"CA"
REFERRING = {b"LI", b"IM", b"SO", b"VF", b"MC", b"CF", b"VO"}  # library, image, sound, font, clip, cache, volume
LONGEST = {GLOBAL: 1 << 16, SCENE: 1 << 18, STRUCTS: 1 << 22} | dict.fromkeys(REFERRING, 1 << 16)  # bytes
MOST_KEPT = 1 << 25  # bytes of all kept blocks
OVERHEAD = 200  # bytes that keeping a block takes besides its data
SCENE_PART = 1 << 13  # bytes: larger data of a scene (curves, thumbnails) says nothing about its frames
MOST_PARTS = 1 << 22  # bytes of such data
MOST_BLOCKS = 1_000_000  # that are walked over
MOST_REQUESTS = 2_000  # before a scene was found: they take about a minute, where Blender writes it after some twenty
ENOUGH_REQUESTS = 64  # before the walk gives up where it may: about a second
TAILS = (3 << 16, 1 << 20)  # bytes to look for the description in; Blender 5.2's has 134,572
SIGNATURE = b"SDNANAME"  # how that description begins


class Block(NamedTuple):
    """One kept block."""

    code: bytes  # without padding
    struct: int  # which struct of the file's own description
    address: int  # where it lay in Blender's memory: what pointers to it hold
    data: bytes


@dataclass(slots=True)
class Walk:
    """What was found."""

    kept: list[Block] = field(default_factory=list)
    cameras: int = 0  # camera data-blocks
    complete: bool = False  # whether every block was seen
    _size: int = 0  # of what is kept

    def wants(self, code: bytes, length: int, *, part_of_scene: bool) -> bool:
        """Whether to keep a block. Raises BlendDamage if one that is needed has an absurd size."""
        if code == DATA:
            wanted = part_of_scene and length <= SCENE_PART and self._size < MOST_PARTS
        else:
            wanted = code in LONGEST
            if wanted and (length > LONGEST[code] or self._size + length > MOST_KEPT):
                raise BlendDamage(f"its block {code.decode()} of {length:,} bytes is absurdly long")
        self._size += wanted * (length + OVERHEAD)
        return wanted

    def of(self, code: bytes) -> Iterator[Block]:
        return (block for block in self.kept if block.code == code)


def walk_blocks(stream: Stream, layout: Layout, source: Source) -> Walk:
    """Raises BlendDamage if the file ends early, or its blocks contradict themselves."""
    walk, owner, scenes, seen = Walk(), b"", False, 0
    unpack, size = layout.block.unpack, layout.block.size
    length_at, address_at, struct_at, _ = layout.fields
    while True:
        at = stream.position
        head = stream.read(size)
        if head[:4] == END:
            walk.complete = True
            return walk
        if len(head) < size:
            raise BlendDamage(f"truncated: it ends at byte {at + len(head):,}, in the header of block {seen}")
        fields = unpack(head)
        length, code = fields[length_at], fields[0].strip(b"\0")
        check_length(code, length, at + size, stream.end)
        seen += 1
        if code != DATA:
            owner, scenes = code, scenes or code == SCENE
            walk.cameras += code == CAMERA
        if seen > MOST_BLOCKS or (not scenes and source.requests > MOST_REQUESTS):
            check_endless(stream, seen, scenes=scenes)
        if scenes and (owner != SCENE or seen > MOST_BLOCKS) and enough(stream, source):
            walk.kept += last_blocks(stream, layout)
            return walk
        if not walk.wants(code, length, part_of_scene=owner == SCENE):
            stream.skip(length)
            continue
        data = stream.read(length)
        if len(data) < length:
            raise BlendDamage(f"truncated: it ends in block {code.decode()} at byte {at:,}")
        walk.kept.append(Block(code, fields[struct_at], fields[address_at], data))


def check_length(code: bytes, length: int, start: int, end: int | None) -> None:
    """Raises BlendDamage if a block of ``length`` bytes cannot begin at ``start``."""
    if length < 0:
        raise BlendDamage(f"its block {code!r} at byte {start:,} claims {length:,} bytes: damaged")
    if end is not None and start + length > end:
        raise BlendDamage(
            f"truncated: its block {code!r} at byte {start:,} claims {length:,} bytes, the file ends at {end:,}"
        )


def check_endless(stream: Stream, blocks: int, *, scenes: bool) -> None:
    """Raises BlendDamage unless the walk may end here."""
    if not scenes:
        raise BlendDamage(f"it holds no scene in its first {blocks:,} blocks: a library of assets, nothing to render")
    if stream.end is None:
        raise BlendDamage(f"more than {MOST_BLOCKS:,} blocks that cannot be skipped: save it with Blender 3.0")


def enough(stream: Stream, source: Source) -> bool:
    """Whether to jump to the end now."""
    return stream.end is not None and (source.bytes_read > stream.patience or source.requests > ENOUGH_REQUESTS)


def last_blocks(stream: Stream, layout: Layout) -> list[Block]:
    """The description of the structs, found from the end. Raises BlendDamage if it is not there."""
    assert stream.end is not None
    for length in TAILS:
        stream.skip(max(0, stream.end - length) - stream.position)
        if found := structs_block(stream.read(length), layout):
            return [found]
    raise BlendDamage(f"truncated or damaged: it does not end (at byte {stream.end:,}) as Blender ends a file")


def structs_block(tail: bytes, layout: Layout) -> Block | None:
    length_at, address_at, struct_at, _ = layout.fields
    at = tail.rfind(SIGNATURE) - layout.block.size
    if at < 0:
        return None
    head = layout.block.unpack_from(tail, at)
    start = at + layout.block.size
    stop = start + head[length_at]
    if head[0] != STRUCTS or tail[stop : stop + len(END)] != END:
        return None
    return Block(STRUCTS, head[struct_at], head[address_at], tail[start:stop])
