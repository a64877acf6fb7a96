"""Writes small .blend files of any age: header, pointer size and byte order are free, as no living Blender's are."""

import gzip
import struct
from dataclasses import dataclass, field
from typing import Any

import zstandard

SCALARS = {"char": "b", "short": "h", "int": "i", "float": "f", "void": ""}
Fields = tuple[tuple[str, str], ...]

ID: Fields = (("void", "*next"), ("char", "name[66]"), ("short", "flag"), ("int", "us"))
LIST: Fields = (("void", "*first"), ("void", "*last"))
RENDER: Fields = (
    ("int", "sfra"), ("int", "efra"), ("int", "frame_step"), ("short", "size"), ("short", "frs_sec"), ("int", "xsch"),
    ("int", "ysch"), ("int", "scemode"), ("float", "frs_sec_base"), ("char", "engine[32]"),
)  # fmt: skip
STRUCTS: dict[str, Fields] = {
    "ID": ID,
    "ListBase": LIST,
    "RenderData": RENDER,
    "Scene": (("ID", "id"), ("Object", "*camera"), ("Editing", "*ed"), ("bNodeTree", "*nodetree"), ("RenderData", "r")),
    "Editing": (("void", "*act_seq"), ("ListBase", "seqbase")),
    "FileGlobal": (("char", "subvstr[4]"), ("short", "subversion"), ("short", "minversion"), ("Scene", "*curscene")),
    "Image": (("ID", "id"), ("char", "name[1024]"), ("short", "source"), ("short", "type"), ("void", "*packedfile")),
    "Library": (("ID", "id"), ("char", "name[1024]"), ("void", "*packedfile")),
    "bSound": (("ID", "id"), ("char", "name[1024]"), ("void", "*packedfile")),
    "VFont": (("ID", "id"), ("char", "name[1024]"), ("void", "*packedfile")),
    "Camera": (("ID", "id"), ("int", "type")),
    "Mesh": (("ID", "id"), ("int", "totvert")),
}
OPAQUE = ("Object", "bNodeTree")
FIRST_SCENE = {
    "id.name": "SCScene", "camera": 0x77, "r.sfra": 1, "r.efra": 24, "r.frame_step": 1, "r.size": 100, "r.frs_sec": 24,
    "r.frs_sec_base": 1.0, "r.xsch": 160, "r.ysch": 90, "r.scemode": 0, "r.engine": "CYCLES",
}  # fmt: skip


@dataclass(kw_only=True)
class Blend:
    """A file in the making; ``add`` its blocks, then take its ``data``."""

    version: int = 402
    order: str = "<"
    pointer: int = 8
    current: bool = False  # the header of Blender 5.0 and newer
    structs: dict[str, Fields] = field(default_factory=lambda: dict(STRUCTS))
    ended: bool = True
    _blocks: list[bytes] = field(default_factory=list)

    def add(self, code: bytes, kind: str, address: int = 0x1000, **values: Any) -> "Blend":
        """A block of one struct; ``r__sfra=5`` sets the field ``r.sfra``."""
        body = bytearray(self._size(kind))
        for path, value in values.items():
            self._set(body, kind, path.replace("__", "."), value)
        return self.raw(code, bytes(body), address=address, struct_index=list(self.structs).index(kind))

    def scene(self, address: int = 0x1000, **values: Any) -> "Blend":
        changed = {key.replace(".", "__"): value for key, value in FIRST_SCENE.items()} | values
        return self.add(b"SC", "Scene", address, **changed)

    def raw(self, code: bytes, body: bytes, *, address: int = 0, struct_index: int = 0) -> "Blend":
        self._blocks.append(self.block_header(code, len(body), address, struct_index) + body)
        return self

    def block_header(self, code: bytes, length: int, address: int = 0, struct_index: int = 0) -> bytes:
        padded = code.rjust(4, b"\0") if self.order == ">" else code.ljust(4, b"\0")
        if self.current:
            return struct.pack("<4siQqq", padded, struct_index, address, length, 1)
        form = f"{self.order}4si{'Q' if self.pointer == 8 else 'I'}ii"
        return struct.pack(form, padded, length, address, struct_index, 1)

    @property
    def header(self) -> bytes:
        if self.current:
            return b"BLENDER17-01v%04d" % self.version
        mark = b"-" if self.pointer == 8 else b"_"
        return b"BLENDER" + mark + (b"v" if self.order == "<" else b"V") + b"%03d" % self.version

    @property
    def data(self) -> bytes:
        tail = [self.structs_block(), self.block_header(b"ENDB", 0)] if self.ended else []
        return b"".join([self.header, *self._blocks, *tail])

    def structs_block(self) -> bytes:
        dna = self._dna()
        return self.block_header(b"DNA1", len(dna)) + dna

    def _types(self) -> list[str]:
        return [*SCALARS, *self.structs, *OPAQUE]

    def _dna(self) -> bytes:
        names = sorted({name for fields in self.structs.values() for _, name in fields})
        types = self._types()
        lengths = [self._size(kind) for kind in types]
        out = b"SDNA" + self._table(b"NAME", names) + self._table(b"TYPE", types)
        out = self._aligned(out) + b"TLEN" + struct.pack(f"{self.order}{len(types)}H", *lengths)
        out = self._aligned(out) + b"STRC" + struct.pack(f"{self.order}i", len(self.structs))
        for kind, fields in self.structs.items():
            numbers = [types.index(kind), len(fields)]
            for of, name in fields:
                numbers += [types.index(of), names.index(name)]
            out += struct.pack(f"{self.order}{len(numbers)}H", *numbers)
        return out

    def _table(self, tag: bytes, texts: list[str]) -> bytes:
        packed = struct.pack(f"{self.order}i", len(texts)) + b"".join(text.encode() + b"\0" for text in texts)
        return self._aligned(tag + packed)

    @staticmethod
    def _aligned(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)

    def _size(self, kind: str) -> int:
        if kind in SCALARS or kind in OPAQUE:
            return struct.calcsize(SCALARS.get(kind, ""))
        return sum(self._field_size(of, name) for of, name in self.structs[kind])

    def _field_size(self, of: str, name: str) -> int:
        if name.startswith("*"):
            return self.pointer
        count = int(name.partition("[")[2].rstrip("]") or 1)
        return self._size(of) * count

    def _set(self, body: bytearray, kind: str, path: str, value: Any) -> None:
        first, _, rest = path.partition(".")
        offset = 0
        for of, name in self.structs[kind]:
            bare = name.lstrip("*").partition("[")[0]
            if bare == first and rest:
                inner = bytearray(body[offset : offset + self._size(of)])
                self._set(inner, of, rest, value)
                body[offset : offset + len(inner)] = inner
                return
            if bare == first:
                body[offset : offset + self._field_size(of, name)] = self._packed(of, name, value)
                return
            offset += self._field_size(of, name)
        raise KeyError(path)

    def _packed(self, of: str, name: str, value: Any) -> bytes:
        if name.startswith("*"):
            return struct.pack(self.order + ("Q" if self.pointer == 8 else "I"), value)
        if isinstance(value, str):
            return value.encode().ljust(self._field_size(of, name), b"\0")
        return struct.pack(self.order + SCALARS[of], value)


def simple(**values: Any) -> bytes:
    """A file with one scene and its camera."""
    return Blend().scene(**values).add(b"CA", "Camera", id__name="CACamera").data


def seekable_zstd(data: bytes, chunk: int = 1 << 20, *, checksums: bool = False) -> bytes:
    """As Blender writes it: independent frames and a seek table."""
    compressor = zstandard.ZstdCompressor()
    chunks = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    frames = [compressor.compress(each) for each in chunks]
    extra = b"\0\0\0\0" if checksums else b""
    table = b"".join(struct.pack("<II", len(f), len(c)) + extra for f, c in zip(frames, chunks, strict=True))
    footer = struct.pack("<IBI", len(frames), 0x80 if checksums else 0, 0x8F92EAB1)
    skippable = struct.pack("<II", 0x184D2A5E, len(table) + len(footer))
    return b"".join([*frames, skippable, table, footer])


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)
