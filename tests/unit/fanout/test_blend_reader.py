"""Reading .blend files: every header, compression and age; damage is named."""

import gzip
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import zstandard

from fanout.blend import blocks
from fanout.blend.blocks import MOST_BLOCKS
from fanout.blend.header import version_name
from fanout.blend.reader import SMALL, BlendFile, read_blend
from fanout.blend.sources import FileSource, Source
from fanout.errors import BlendError
from tests.unit.fanout.blendsources import MemorySource, SparseSource
from tests.unit.fanout.blendwriter import FIRST_SCENE, Blend, gzipped, seekable_zstd, simple

BLENDS = Path(__file__).parent / "blends"
REAL = sorted(BLENDS.glob("*.blend"))
MIB = 1 << 20
PLAIN_SCENE: dict[str, Any] = {key.replace(".", "__"): value for key, value in FIRST_SCENE.items()}


def read(data: bytes) -> BlendFile:
    return read_blend(MemorySource(data), "scene.blend")


def refusal(source: Source | bytes) -> str:
    if isinstance(source, bytes):
        source = MemorySource(source)
    with pytest.raises(BlendError) as caught:
        read_blend(source, "scene.blend")
    assert caught.value.where == "scene.blend"
    return caught.value.problem


def inflated(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()


def padded(data: bytes) -> bytes:
    """A file that is too long to be read at once: Blender ignores what follows its end."""
    return data + bytes(SMALL)


def real_bytes() -> bytes:
    """What Blender wrote, compressed."""
    return REAL[0].read_bytes()


@pytest.fixture(params=REAL, ids=[path.stem for path in REAL])
def real(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.mark.parametrize("packing", ["zstd", "raw", "gzip", "zstd by hand"])
def test_a_file_that_blender_saved_is_counted_right_however_it_is_compressed(real: Path, packing: str) -> None:
    raw = inflated(real)
    by_hand = zstandard.ZstdCompressor().compress(raw)
    data = {"zstd": real.read_bytes(), "raw": raw, "gzip": gzipped(raw), "zstd by hand": by_hand}[packing]
    blend = read(data)
    assert blend.compression == {"raw": "none", "zstd by hand": "zstd"}.get(packing, packing)
    assert version_name(blend.version) == real.stem.split("_")[1]
    first, second = sorted(blend.scenes, key=lambda scene: scene.name)
    assert blend.active == first
    assert (first.name, list(first.frames)[:3], len(first.frames)) == ("Größe", [101, 104, 107], 24)
    assert (first.fps, first.width, first.height, first.percent) == (Fraction(30000, 1001), 161, 91, 50)
    assert (first.engine, first.camera) == ("CYCLES", True)
    assert (second.name, list(second.frames), second.camera, second.fps) == ("Second", [5, 6], False, Fraction(24))
    assert [str(asset) for asset in blend.assets] == ["image //textures/oak.png"]
    assert blend.complete


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("pointer", [4, 8])
def test_old_headers_are_read_whatever_the_machine_that_wrote_them(order: str, pointer: int) -> None:
    blend = Blend(version=249, order=order, pointer=pointer)
    blend.scene(0x1000, r__sfra=7, r__efra=9).scene(0x2000, id__name="SCB", r__frs_sec=25)
    blend.add(b"GLOB", "FileGlobal", curscene=0x2000)
    found = read(blend.data)
    assert (found.version, found.big_endian) == (249, order == ">")
    assert [list(scene.frames)[:3] for scene in found.scenes] == [[7, 8, 9], [1, 2, 3]]
    assert found.active
    assert (found.active.name, found.active.fps) == ("B", Fraction(25))


def test_the_header_of_blender_5_is_read() -> None:
    blend = Blend(version=502, current=True).scene(0x7F0011223344)
    blend.add(b"GLOB", "FileGlobal", curscene=0x7F0011223344)
    assert read(blend.data).version == 502


@pytest.mark.parametrize("checksums", [False, True])
@pytest.mark.parametrize("frame", [500, 4_096, 1 << 30])
def test_a_seek_table_of_any_length_is_read_with_or_without_checksums(frame: int, checksums: bool) -> None:
    found = read(seekable_zstd(simple(), chunk=frame, checksums=checksums))
    assert (found.compression, found.complete) == ("zstd", True)


def test_a_long_file_that_was_compressed_by_hand_is_read_through() -> None:
    noisy = Blend().scene().raw(b"ME", SparseSource([3 * MIB]).read(0, 3 * MIB))
    found = read(zstandard.ZstdCompressor().compress(noisy.data))
    assert (found.compression, found.complete) == ("zstd", True)


@pytest.mark.parametrize(
    ("per_second", "base", "expected"),
    [
        (24, 1.0, Fraction(24)),
        (30, 1.001, Fraction(30000, 1001)),
        (24, 1.001, Fraction(24000, 1001)),
        (60, 1.001, Fraction(60000, 1001)),
        (25, 2.5, Fraction(10)),
        (1, 3.0, Fraction(1, 3)),
        (24, 1.001001, Fraction(2997, 125)),  # 23.976, which nobody can write as a base
        (1_000, 1.0, Fraction(1_000)),
    ],
)
def test_the_frame_rate_is_the_fraction_that_the_artist_set(per_second: int, base: float, expected: Fraction) -> None:
    [scene] = read(simple(r__frs_sec=per_second, r__frs_sec_base=base)).scenes
    assert scene.fps == expected


@pytest.mark.parametrize(
    ("per_second", "base"), [(0, 1.0), (32_767, 0.001), (24, 0.0), (24, float("nan")), (24, float("inf"))]
)
def test_a_frame_rate_that_is_none_is_refused(per_second: int, base: float) -> None:
    assert "frame rate" in refusal(simple(r__frs_sec=per_second, r__frs_sec_base=base))


def test_strips_stand_in_for_a_camera_only_where_there_are_strips() -> None:
    def needs(strips: int, mode: int) -> bool:
        blend = Blend().scene(ed=0x500, camera=0, r__scemode=mode)
        blend.add(b"DATA", "Editing", 0x500, seqbase__first=strips)
        return read(blend.data).scenes[0].needs_camera

    assert [needs(0x600, 1 << 4), needs(0, 1 << 4), needs(0x600, 0)] == [False, True, True]


def test_packed_and_made_up_assets_need_no_file() -> None:
    blend = Blend().scene()
    blend.add(b"IM", "Image", id__name="IMoak", name="//oak.png", source=1)
    blend.add(b"IM", "Image", id__name="IMpacked", name="//packed.png", source=1, packedfile=0x9)
    blend.add(b"IM", "Image", id__name="IMgrid", name="//grid.png", source=4)
    blend.add(b"VF", "VFont", id__name="VFBfont", name="<builtin>")
    blend.add(b"LI", "Library", id__name="LIset", name="//set.blend")
    blend.add(b"SO", "bSound", id__name="SOsong", name="//song.wav")
    found = read(blend.data)
    assert [str(asset) for asset in found.assets] == ["image //oak.png", "library //set.blend", "sound //song.wav"]
    assert (found.sound, found.linked) == (True, True)


def test_a_long_uncompressed_file_is_read_at_its_head_and_tail_only() -> None:
    blend = Blend().scene().add(b"GLOB", "FileGlobal", curscene=0x1000)
    mesh = 2 * MIB
    meshes = [piece for _ in range(150) for piece in (blend.block_header(b"DATA", mesh), mesh)]
    ended = blend.structs_block() + blend.block_header(b"ENDB", 0)
    source = SparseSource([blend.header, *blend._blocks, blend.block_header(b"ME", 0), *meshes, ended])
    assert source.size > 300_000_000
    found = read_blend(source, "scene.blend")
    assert (found.active, found.complete) == (found.scenes[0], False)
    assert source.bytes_read < 2_000_000
    assert source.requests < 100


def test_a_long_compressed_file_is_read_at_its_head_and_tail_only() -> None:
    blend = Blend().scene()
    head = blend.header + b"".join(blend._blocks)
    tail = blend.structs_block() + blend.block_header(b"ENDB", 0)
    meshes, size = 300, MIB
    noisy = SparseSource([meshes * size])
    first = head + blend.block_header(b"ME", meshes * size - len(head) - blend_header(blend))
    chunks = [first + noisy.read(0, size - len(first)), noisy.read(0, size)]
    compressor = zstandard.ZstdCompressor()
    frames = [compressor.compress(chunk) for chunk in [*chunks, tail]]
    order = [frames[0], *[frames[1]] * (meshes - 1), frames[2]]
    sizes = [size] * meshes + [len(tail)]
    table = b"".join(struct.pack("<II", len(frame), length) for frame, length in zip(order, sizes, strict=True))
    footer = struct.pack("<IBI", len(order), 0, 0x8F92EAB1)
    skippable = struct.pack("<II", 0x184D2A5E, len(table) + len(footer))
    source = SparseSource([*order, skippable, table, footer])
    assert source.size > 300_000_000
    assert read_blend(source, "scene.blend").scenes[0].name == "Scene"
    assert source.bytes_read < 2_000_000


def blend_header(blend: Blend) -> int:
    return len(blend.block_header(b"ME", 0))


def test_scenes_are_found_however_much_lies_before_them() -> None:
    blend = Blend()
    screens = [piece for _ in range(200) for piece in (blend.block_header(b"DATA", 20_000), 20_000)]
    scene = Blend().scene(r__efra=5)
    ended = blend.structs_block() + blend.block_header(b"ENDB", 0)
    source = SparseSource([blend.header, *screens, *scene._blocks, blend.block_header(b"OB", 0), ended])
    assert len(read_blend(source, "scene.blend").scenes[0].frames) == 5


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "not a .blend file: it begins with b'\\x89PNG"),
        (b"BLENDER", "truncated: its header ends after 7 bytes"),
        (real_bytes()[:96], "truncated: its header ends after 0 bytes"),
        (b"BLEND", "not a .blend file: it begins with b'BLEND'"),
        (b"BLENDERxv402", "not a .blend file"),
        (gzip.compress(b"<svg/>"), "not a .blend file: it begins with b'<svg/>'"),
        (b"BLENDER17-02v0600" + bytes(99), "newer than this reader"),
        (b"BLENDER99-01v0600", "truncated"),
        (Blend(ended=False).scene().data, "truncated"),
        (simple()[:-30], "truncated"),
        (simple()[:400], "truncated"),
        (Blend().data, "no scene"),
        (simple(r__frame_step=0), "frame step 0"),
        (simple(r__xsch=0), "0 × 90 pixels"),
    ],
)
def test_what_is_no_sound_blend_file_is_refused_with_the_reason(data: bytes, words: str) -> None:
    assert words in refusal(data)


@pytest.mark.parametrize("cut", [9_000, 50_000, 90_000])
def test_a_truncated_upload_is_refused(real: Path, cut: int) -> None:
    for data in (real.read_bytes(), inflated(real), gzipped(inflated(real))):
        assert "truncated" in refusal(data[:-cut])


def test_an_upload_that_lacks_its_last_block_is_refused(real: Path) -> None:
    assert "truncated" in refusal(inflated(real)[:-33])


def test_more_parts_of_a_scene_than_anyone_needs_are_passed_over() -> None:
    blend = Blend().scene(r__efra=7)
    markers = [blend.block_header(b"DATA", 4_000) + bytes(4_000)] * 3_000
    blend._blocks += markers
    assert len(read(blend.data).scenes[0].frames) == 7


def test_a_long_truncated_file_is_refused_without_reading_it_all() -> None:
    blend = Blend().scene()
    blocks = [piece for _ in range(3_000) for piece in (blend.block_header(b"DATA", 100_000), 100_000)]
    source = SparseSource([blend.header, *blend._blocks, blend.block_header(b"ME", 0), *blocks])
    assert "truncated" in refusal(source)
    assert source.bytes_read < 4_000_000


def test_a_seek_table_that_contradicts_the_file_is_refused() -> None:
    data = seekable_zstd(padded(simple()))
    for claim in (struct.pack("<I", 7), struct.pack("<I", 0), b"\xff\xff\xff\x7f"):
        assert "seek table" in refusal(data[:-9] + claim + data[-5:])


@pytest.mark.parametrize("frame", [100_000, MIB, 2 * MIB])
def test_a_truncated_compressed_file_is_told_by_its_missing_seek_table(frame: int) -> None:
    data = seekable_zstd(simple() + SparseSource([9 * MIB]).read(0, 9 * MIB), chunk=frame)
    source = MemorySource(data[: len(data) // 2])
    assert "seek table that Blender writes at the end is missing" in refusal(source)
    assert source.requests < 5


@pytest.mark.parametrize("length", [-1, 1 << 30])
def test_a_block_that_cannot_be_is_refused(length: int) -> None:
    blend = Blend().scene()
    data = blend.header + b"".join(blend._blocks) + blend.block_header(b"ME", length) + bytes(100)
    assert "claims" in refusal(data)


def test_an_absurd_scene_is_refused_before_it_is_held() -> None:
    blend = Blend().raw(b"SC", bytes(1 << 19))
    assert "absurd" in refusal(blend.data)


@pytest.mark.parametrize("size", [4, 100, 400])
def test_a_damaged_description_of_structs_is_refused(size: int) -> None:
    blend = Blend(ended=False).scene()
    dna = blend.structs_block()[len(blend.block_header(b"DNA1", 0)) :]
    broken = dna[:size] + bytes(len(dna) - size)
    data = blend.data + blend.block_header(b"DNA1", len(broken)) + broken + blend.block_header(b"ENDB", 0)
    assert "structs is damaged" in refusal(data)


def test_a_long_file_without_a_scene_is_not_walked_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_BLOCKS", 20_000)
    monkeypatch.setattr(blocks, "MOST_REQUESTS", 100)
    blend = Blend()
    ended = blend.structs_block() + blend.block_header(b"ENDB", 0)
    jumps = [piece for _ in range(300) for piece in (blend.block_header(b"DATA", 40_000), 40_000)]
    for pieces in (jumps, [blend.block_header(b"DATA", 0) * 200_000]):
        source = SparseSource([blend.header, *pieces, ended])
        assert "holds no scene in its first" in refusal(source)
        assert source.requests <= 101
        assert source.bytes_read < source.size // 2


def test_a_scene_of_more_parts_than_are_walked_over_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_BLOCKS", 100_000)
    blend = Blend().scene(r__efra=7)
    parts = blend.block_header(b"DATA", 0) * 200_000
    ended = blend.structs_block() + blend.block_header(b"ENDB", 0)
    source = SparseSource([blend.header, *blend._blocks, parts, ended])
    assert len(read_blend(source, "scene.blend").scenes[0].frames) == 7
    assert source.bytes_read < source.size - 1_000_000


@pytest.mark.parametrize(
    ("kind", "field", "other", "words"),
    [
        ("RenderData", "frs_sec_base", ("float", "other"), "has no Scene.r.frs_sec_base"),
        ("RenderData", "frs_sec_base", ("int", "frs_sec_base"), "its Scene.r.frs_sec_base is 0: damaged"),
        ("RenderData", "engine[32]", ("int", "engine"), "its Scene.r.engine is 0: damaged"),
        ("RenderData", "sfra", ("float", "sfra"), "its Scene.r.sfra is 0.0: damaged"),
        ("ID", "name[66]", ("int", "name"), "its Scene.id.name is 0: damaged"),
        ("ID", "name[66]", ("char", "title[66]"), "has no Scene.id.name"),
    ],
)
def test_a_scene_whose_fields_are_not_what_they_should_be_is_refused(
    kind: str, field: str, other: tuple[str, str], words: str
) -> None:
    blend = Blend()
    blend.structs[kind] = tuple(other if name == field else (of, name) for of, name in blend.structs[kind])
    bare = field.partition("[")[0]
    blend.add(b"SC", "Scene", **{key: value for key, value in PLAIN_SCENE.items() if not key.endswith(f"__{bare}")})
    assert words in refusal(blend.data)


@pytest.mark.parametrize("digits", [9, 20, 5_000])
def test_a_field_that_is_longer_than_any_struct_is_refused(digits: int) -> None:
    data = simple()
    dna = data[data.index(b"SDNA") : -24]
    names, rest = dna.split(b"TYPE", 1)
    longer = names.rstrip(b"\0").replace(b"\0sfra\0", b"\0sfra[" + b"9" * digits + b"]\0") + b"\0"
    longer += bytes(-len(longer) % 4) + b"TYPE" + rest
    head = data[: data.index(b"SDNA") - 24]
    body = Blend().block_header(b"DNA1", len(longer)) + longer + Blend().block_header(b"ENDB", 0)
    assert "the description of its structs is damaged" in refusal(head + body)


def bomb_of_zeros(compression: str) -> bytes:
    head = simple()[:-24] + Blend().block_header(b"DATA", 0x7FFF0000)
    if compression == "gzip":
        return gzip.compress(head, mtime=0) + gzip.compress(bytes(16 * MIB), 9, mtime=0) * 24
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    return (
        compressor.compress(head) + b"".join(compressor.compress(bytes(MIB)) for _ in range(400)) + compressor.flush()
    )


def bomb_of_blocks() -> bytes:
    blend = Blend().scene()
    block = blend.block_header(b"DATA", 0)
    return gzip.compress(blend.header + b"".join(blend._blocks) + block * (MOST_BLOCKS + 1_000), 6, mtime=0)


MEASURED = r"""
import re, sys, time
from pathlib import Path
from fanout.blend.reader import read_blend
from fanout.blend.sources import FileSource
from fanout.errors import BlendError

def peak():
    return re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1]

began = time.process_time()
try:
    read_blend(FileSource(Path(sys.argv[1])), "bomb.blend")
except BlendError as error:
    print(time.process_time() - began, peak(), error)
"""


@pytest.mark.parametrize("kind", ["gzip", "zstd", "blocks"])
def test_a_decompression_bomb_is_refused_soon_and_in_little_memory(kind: str, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.blend"
    bomb.write_bytes(bomb_of_blocks() if kind == "blocks" else bomb_of_zeros(kind))
    done = subprocess.run([sys.executable, "-c", MEASURED, bomb], capture_output=True, text=True, check=True)
    seconds, kilobytes, problem = done.stdout.split(maxsplit=2)
    assert "decompression bomb" in problem or "blocks that cannot be skipped" in problem
    assert float(seconds) < 2
    assert int(kilobytes) < 200_000


def test_a_file_of_this_machine_is_read_by_ranges(tmp_path: Path) -> None:
    path = tmp_path / "scene.blend"
    path.write_bytes(padded(simple()))
    source = FileSource(path)
    assert read_blend(source, "scene.blend").scenes[0].name == "Scene"
    assert source.bytes_read < 1_000_000
