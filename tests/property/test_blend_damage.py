"""Whatever is done to a .blend, it is read or refused by name: nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.blend.reader import read_blend
from fanout.blend.renderable import chosen_frames, chosen_scene
from fanout.errors import BlendError, RequestError
from tests.unit.fanout.blendsources import MemorySource
from tests.unit.fanout.blendwriter import Blend, gzipped, seekable_zstd


def project(blend: Blend) -> bytes:
    """Two scenes, one with a strip; an image outside; which scene was open."""
    return (
        blend.scene(0x1000, ed=0x500, r__scemode=1 << 4)
        .add(b"DATA", "Editing", 0x500, seqbase__first=0x600)
        .scene(0x2000, id__name="SCB")
        .add(b"IM", "Image", name="//oak.png", source=1)
        .add(b"GLOB", "FileGlobal", curscene=0x2000)
    ).data


FILE = project(Blend())
OLD = project(Blend(version=279, order=">", pointer=4))
FILES = [FILE, OLD, seekable_zstd(FILE, chunk=500), gzipped(FILE)]
TELLING = [b"\0", b"\xff\xff", b"\x7f\xff\xff\xff", b"\0" * 8, b"[99999999999999999999]", b"*", b"char\0", b"float\0"]

damage = st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=8) | st.sampled_from(TELLING))


@pytest.mark.parametrize("data", FILES, ids=["plain", "old", "zstd", "gzip"])
def test_undamaged_each_of_them_is_read(data: bytes) -> None:
    active = read_blend(MemorySource(data), "scene.blend").active
    assert active is not None
    assert active.name == "B"


@given(st.sampled_from(FILES), st.lists(damage, min_size=1, max_size=4))
def test_a_damaged_file_is_read_or_refused_by_its_name(data: bytes, damages: list[tuple[float, int, bytes]]) -> None:
    for place, length, other in damages:
        at = int(place * len(data))
        data = data[:at] + other + data[at + length :]
    try:
        blend = read_blend(MemorySource(data), "scene.blend")
        scene = chosen_scene(blend, "scene.blend", frozenset({"scene.blend"}), None, ignore_missing=True)
        frames = chosen_frames(scene, "scene.blend", None)
    except (BlendError, RequestError) as refusal:
        where = refusal.where
    else:
        where = "scene.blend" if frames and scene.fps > 0 else ""
    assert where in {"scene.blend", "input.scene"}
