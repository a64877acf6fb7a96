# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the files and data that an open .blend refers to are not there. A part of frames.py."""

import re
from pathlib import Path

import bpy

TILES = {"<UDIM>": r"\d{4}", "<UVTILE>": r"u\d+_v\d+"}
FILES = {"FILE", "SEQUENCE", "MOVIE", "TILED"}  # where an image comes from, other than Blender itself
BUILTIN = "<builtin>"


def missing_files(scene):
    """Files that the .blend and its libraries refer to and that are not there, each once."""
    return sorted({path for path, owner in references(scene) if path and path != BUILTIN and not stands(path, owner)})


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


def stands(path, owner):
    """Whether a file is there; of tiles, whether any is."""
    library = getattr(owner, "library", None)
    file = Path(bpy.path.native_pathsep(bpy.path.abspath(path, library=library)))
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
