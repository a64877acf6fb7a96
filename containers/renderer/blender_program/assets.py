# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the files and data that an open .blend refers to are not there. A part of frames.py."""

import re
from pathlib import Path

import bpy

TILES = {"<UDIM>": r"\d{4}", "<UVTILE>": r"u\d+_v\d+"}
FILES = {"FILE", "SEQUENCE", "MOVIE", "TILED"}  # where an image comes from, other than Blender itself
BUILTIN = "<builtin>"
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"  # how such files begin
ENDINGS = {PNG: b"IEND", JPEG: b"\xff\xd9"}
SCAN = 0xDA  # the marker before a JPEG's pixels
ALONE = {0x01, *range(0xD0, 0xDA)}  # markers that no length follows
TAIL = 1 << 20  # bytes to look for them in: cameras and tools add data of their own behind


def missing_files(scene):
    """Files that the .blend and its libraries refer to and that are not there, each once."""
    return sorted({path for path, owner in references(scene) if path and path != BUILTIN and not stands(path, owner)})


def cut_off_files():
    """Pictures that lack their end. Some libraries paint grey over what is missing of them, and say nothing."""
    images = (each for each in bpy.data.images if each.source == "FILE" and not each.packed_file and each.filepath)
    return sorted({each.filepath for each in images if cut_off(place(each.filepath, each))})


def cut_off(file):
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        head = opened.read(8)
        magic = next((magic for magic in ENDINGS if head.startswith(magic)), None)
        if magic is None:
            return False
        begin = pixels(opened) if magic == JPEG else 0
        opened.seek(max(begin, file.stat().st_size - TAIL))
        return ENDINGS[magic] not in opened.read()


def pixels(jpeg):
    """Where the pixels of an open JPEG begin, behind its segments: a thumbnail among these has an end of its own."""
    at = 2
    while True:
        jpeg.seek(at)
        start, marker, *length = jpeg.read(4).ljust(4, b"\0")
        if start != 0xFF or marker == SCAN:
            return at
        if marker == 0xFF:  # any number of them may stand before a marker
            at += 1
        else:
            at += 2 if marker in ALONE else 2 + int.from_bytes(length)


def unreadable_sounds():
    """Blender plays silence in their place."""
    return sorted({each.filepath or each.name for each in bpy.data.sounds if each.channels == "INVALID"})


def references(scene):
    """``(path, who refers to it)``; the same path may mean another file in another library."""
    data = bpy.data
    for each in (*data.libraries, *data.sounds, *data.fonts, *data.cache_files, *data.volumes):
        if not getattr(each, "packed_file", None):
            yield each.filepath, each
    for each in (*data.images, *data.movieclips):
        if each.source in FILES and not getattr(each, "packed_file", None):
            yield each.filepath, each
    for strip in strips_of(scene):
        if strip.type == "MOVIE":
            yield strip.filepath, strip
        elif strip.type == "IMAGE":
            folder = strip.directory if strip.directory.endswith(("/", "\\")) else f"{strip.directory}/"
            for element in strip.elements:
                yield folder + element.filename, strip


def lost_links():
    """Data-blocks that are linked but not in their library any more: Blender puts empty ones in their place."""
    groups = [getattr(bpy.data, field.identifier) for field in bpy.data.bl_rna.properties if field.type == "COLLECTION"]
    blocks = (block for group in groups for block in group if block.library and block.is_missing)
    return sorted({f"{block.id_type.lower()} {block.name!r} of {block.library.filepath}" for block in blocks})


def unreadable_volumes():
    """What Blender says of the volumes that it cannot read at this frame: it would render nothing in their place."""
    if not bpy.data.volumes:
        return []
    shown = (block for block in bpy.context.evaluated_depsgraph_get().ids if isinstance(block, bpy.types.Volume))
    return sorted({each.grids.error_message for each in shown if each.filepath and not each.grids.load()})


def place(path, owner):
    return Path(bpy.path.native_pathsep(bpy.path.abspath(path, library=getattr(owner, "library", None))))


def stands(path, owner):
    """Whether a file is there; of tiles, whether any is."""
    file = place(path, owner)
    mark = next((mark for mark in TILES if mark in file.name), None)
    if mark is None:
        return file.exists()
    pattern = re.escape(file.name).replace(re.escape(mark), TILES[mark])
    return file.parent.is_dir() and any(re.fullmatch(pattern, other.name) for other in file.parent.iterdir())


def strips_of(scene):
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)
