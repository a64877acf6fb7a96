"""Renders the frames of a .blend with Blender, one slice a child, and makes a film of them with FFmpeg.

::

    __main__   the command line: render, preview, stitch
    slices     the frames of one child: what stands is skipped, what is finished is uploaded while the next one renders
    blender    one Blender process, spoken to line by line (the program that it runs is ../blender_program)
    staging    the .blend and the files beside it, brought to this machine
    png        frames: checked, and freed of dates and paths
    stitch     frames to film, contact sheet, totals and manifest
    ffmpeg     the commands that do it
    mp4        what a film says about itself
    film       whether it is the one that was asked for
    cores      how much of the machine a job may use
"""
