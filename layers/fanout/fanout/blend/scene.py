"""One scene's render settings."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from fanout.blend.dna import Dna
from fanout.blend.sources import BlendDamage

SEQUENCER = 1 << 4  # R_DOSEQ in RenderData.scemode
COMPOSITOR = 1 << 0  # R_DOCOMP
MOST_PER_SECOND = 1_000
LONGEST_TERM = 1_001_000  # of a frame rate, for FFmpeg's av_parse_video_rate
OLDEST_ENGINE = "BLENDER_RENDER"  # before 2.5 there was no other


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a render of the scene needs to know."""

    name: str
    start: int  # frames
    end: int
    step: int
    fps: Fraction
    width: int  # pixels at 100 %
    height: int
    percent: int
    engine: str  # BLENDER_EEVEE, CYCLES, …
    camera: bool
    needs_camera: bool  # False where strips or a compositor may stand in for one

    def size(self, percent: int | None) -> tuple[int, int]:
        """Width and height in pixels, as Blender cuts them; without a percentage at the scene's own."""
        scale = percent or self.percent
        return self.width * scale // 100, self.height * scale // 100

    @property
    def frames(self) -> range:
        return range(self.start, self.end + 1, self.step)


def read_scene(data: bytes, parts: Mapping[int, bytes], dna: Dna) -> Scene:
    """A block ``SC``; ``parts`` holds what its pointers lead to, by address.

    Raises BlendDamage if it is damaged or its numbers make no sense.
    """

    def get[T](path: str, kind: type[T]) -> T:
        return dna.required(data, "Scene", path, kind)

    scene_mode = get("r.scemode", int)
    editing = parts.get(dna.value(data, "Scene", "ed") or 0)
    strips = scene_mode & SEQUENCER and editing and dna.value(editing, "Editing", "seqbase.first")
    nodes = dna.value(data, "Scene", "compositing_node_group") or dna.value(data, "Scene", "nodetree")
    scene = Scene(
        name=get("id.name", str)[2:],
        start=get("r.sfra", int),
        end=get("r.efra", int),
        step=get("r.frame_step", int),
        fps=rate(get("r.frs_sec", int), get("r.frs_sec_base", float)),
        width=get("r.xsch", int),
        height=get("r.ysch", int),
        percent=get("r.size", int),
        engine=(get("r.engine", str) if dna.locate("Scene", "r.engine") else "") or OLDEST_ENGINE,
        camera=bool(dna.value(data, "Scene", "camera")),
        needs_camera=not (strips or (nodes and scene_mode & COMPOSITOR)),
    )
    if scene.step < 1 or not (0 < scene.width <= 1 << 16 and 0 < scene.height <= 1 << 16):
        raise BlendDamage(
            f"its scene {scene.name!r} has frame step {scene.step} and {scene.width} × {scene.height} pixels: damaged"
        )
    return scene


def rate(per_second: int, base: float) -> Fraction:
    """Frames a second, exactly: 30 over the 32-bit 1.001 is 30000/1001, not 29.97002857….

    A base that is no short decimal gives the nearest fraction that FFmpeg takes.

    Raises BlendDamage if it is not above zero, or absurd.
    """
    if per_second < 1 or not 0 < base < float("inf"):
        raise BlendDamage(f"its frame rate is {per_second} / {base}: damaged")
    exact = Fraction(per_second) / shortest(base)
    if exact > MOST_PER_SECOND:
        raise BlendDamage(f"its frame rate is {float(exact):,.0f} a second, more than {MOST_PER_SECOND:,}")
    return exact.limit_denominator(int(LONGEST_TERM / max(exact, Fraction(1))))


def shortest(value: float) -> Fraction:
    """The decimal with the fewest digits that is the same 32-bit number: what the artist typed."""
    wanted = struct.pack("f", value)
    texts = (f"{value:.{digits}g}" for digits in range(1, 10))
    return next(Fraction(text) for text in texts if struct.pack("f", float(text)) == wanted)
