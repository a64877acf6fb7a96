"""What a .blend file says about itself, read without Blender and without reading the whole file.

::

    sources   any byte range of a file, an object, a member of an archive
    streams   the same bytes inflated: raw, gzip, zstd; each guarded against decompression bombs
    header    the file's header and how the headers of its blocks are laid out
    blocks    the walk over the blocks, which keeps the few that matter
    dna       the file's own description of its structs
    scene     frame range, fps, size, engine and camera of each scene
    assets    the files that the .blend refers to
    reader    ``read_blend``: all of this for one file
    renderable   whether the renderer can render it, and which of its frames
    project   a single .blend, a folder, or a zip with a .blend in it

Sources: Blender's ``doc/blender_file_format``, ``BLO_readfile``, ``BLO_core_bhead.hh`` and the DNA headers.
"""
