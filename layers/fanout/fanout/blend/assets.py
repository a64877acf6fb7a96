"""The files that a .blend refers to: libraries, images, sounds, fonts, clips, caches, volumes.

Packed files are in the .blend itself; what Blender makes up (render results, generated images) is no file.
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from fanout.blend.blocks import Block
from fanout.blend.dna import Dna

KINDS = {
    "Library": "library", "Image": "image", "bSound": "sound", "VFont": "font",
    "MovieClip": "movie clip", "CacheFile": "cache file", "Volume": "volume",
}  # fmt: skip
PATHS = ("name", "filepath")  # the field with the path, by age
FILE_SOURCES = {1, 2, 3, 6}  # of an image: file, sequence, movie, tiles
BUILTIN = "<builtin>"
TILE = re.compile(r"<UDIM>|<UVTILE>")
TILE_NUMBER = {"<UDIM>": r"\d{4}", "<UVTILE>": r"u\d+_v\d+"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One reference."""

    kind: str
    path: str  # as the .blend writes it: //textures/oak.png is relative to the .blend

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"


def read_asset(block: Block, dna: Dna) -> Asset | None:
    """The file that a block refers to, or None if it needs none. Raises BlendDamage if the block is damaged."""
    kind = dna.names[block.struct] if 0 <= block.struct < len(dna.names) else ""
    if kind not in KINDS:
        return None

    def get(path: str) -> object:
        return dna.value(block.data, kind, path)

    path = next((value for field in PATHS if isinstance(value := get(field), str)), "")
    packed = get("packedfile") or get("packedfiles.first") or get("archive_parent_library")
    made_up = kind == "Image" and get("source") not in FILE_SOURCES
    if not path or path == BUILTIN or packed or made_up:
        return None
    return Asset(kind=KINDS[kind], path=path)


def missing(assets: Iterable[Asset], blend: str, files: frozenset[str]) -> list[Asset]:
    """The assets that are not among ``files``; all paths, and that of the ``blend``, are relative to the project."""
    return [asset for asset in assets if not stands(asset.path, blend, files)]


def stands(path: str, blend: str, files: frozenset[str]) -> bool:
    """Whether a path leads to one of the files. Absolute ones lead out of any project."""
    path = path.replace("\\", "/")
    if not path.startswith("//"):
        return False
    path = posixpath.normpath(posixpath.join(posixpath.dirname(blend), path[2:]))
    if TILE.search(path):
        parts = TILE.split(path)
        tiles = [TILE_NUMBER[mark] for mark in TILE.findall(path)] + [""]
        pattern = "".join(re.escape(part) + tile for part, tile in zip(parts, tiles, strict=True))
        return any(re.fullmatch(pattern, file) for file in files)
    return path in files
