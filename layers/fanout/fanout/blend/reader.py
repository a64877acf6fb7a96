"""``read_blend``: the scenes of a .blend and the files it refers to."""

from dataclasses import dataclass

from fanout.blend.assets import Asset, read_asset
from fanout.blend.blocks import DATA, GLOBAL, REFERRING, SCENE, STRUCTS, Walk, walk_blocks
from fanout.blend.dna import Dna, parse_dna
from fanout.blend.header import Layout, read_header
from fanout.blend.scene import Scene, read_scene
from fanout.blend.sources import BlendDamage, Source
from fanout.blend.streams import open_stream
from fanout.errors import BlendError

SMALL = 1 << 21  # bytes: read at once
SOUND, LIBRARY = b"SO", b"LI"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendFile:
    """What a .blend says about itself."""

    version: int  # of the Blender that saved it: 502 is 5.2
    big_endian: bool
    compression: str  # none, gzip, zstd
    scenes: tuple[Scene, ...]
    active: Scene | None  # the one that the artist last looked at
    assets: tuple[Asset, ...]
    complete: bool  # whether every block was seen; where not, assets may lack some
    cameras: int  # camera data-blocks seen
    sound: bool  # whether there may be sound to mix
    linked: bool  # whether there may be data from libraries

    def scene(self, name: str | None) -> Scene | None:
        """The scene of that name; without one the active scene."""
        if name is None:
            return self.active
        return next((scene for scene in self.scenes if scene.name == name), None)


def read_blend(source: Source, name: str) -> BlendFile:
    """Reads what is needed and no more: of a file of 300 MB about one.

    Raises BlendError, with ``name`` as its place, if this is no .blend, or a truncated or damaged one.
    """
    if 0 < source.size <= SMALL:
        source = _Held(source.read(0, source.size))
    try:
        stream = open_stream(source)
        layout = read_header(stream)
        walk = walk_blocks(stream, layout, source)
        return _described(walk, layout, stream.compression)
    except BlendDamage as damage:
        raise BlendError(name, str(damage)) from damage


def _described(walk: Walk, layout: Layout, compression: str) -> BlendFile:
    structs = next(walk.of(STRUCTS), None)
    if structs is None:
        raise BlendDamage("truncated or damaged: it lacks the description of its structs")
    dna = parse_dna(structs.data, layout)
    parts = {block.address: block.data for block in walk.of(DATA)}
    scenes = {block.address: read_scene(block.data, parts, dna) for block in walk.of(SCENE)}
    if not scenes:
        raise BlendDamage("it holds no scene: a library of assets, nothing to render")
    found = [read_asset(block, dna) for block in walk.kept if block.code in REFERRING]
    return BlendFile(
        version=layout.version,
        big_endian=layout.order == ">",
        compression=compression,
        scenes=tuple(scenes.values()),
        active=_active(walk, dna, scenes),
        assets=tuple(asset for asset in found if asset),
        complete=walk.complete,
        cameras=walk.cameras,
        sound=not walk.complete or any(walk.of(SOUND)),
        linked=not walk.complete or any(walk.of(LIBRARY)),
    )


def _active(walk: Walk, dna: Dna, scenes: dict[int, Scene]) -> Scene | None:
    if len(scenes) == 1:
        return next(iter(scenes.values()))
    settings = next(walk.of(GLOBAL), None)
    return scenes.get(dna.value(settings.data, "FileGlobal", "curscene")) if settings else None


class _Held:
    """A small file, already here."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)
        self.bytes_read = len(data)
        self.requests = 1

    def read(self, start: int, stop: int) -> bytes:
        return self._data[max(0, start) : stop]
