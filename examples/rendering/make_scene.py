# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a small animated scene: a wave running through a field of cubes, in a seamless loop. No assets are needed.

    containers/renderer/.venv/bin/python examples/rendering/make_scene.py out/scene.blend [--frames 48] [--size 320x180]

It imports Blender (bpy), whose licence covers it, and is a program of its own. The scene that it makes is yours.
"""

import argparse
import math
import struct
import sys
import wave
from pathlib import Path
from tempfile import TemporaryDirectory

import bpy

SIDE = 9  # cubes a side of the field
SAMPLE_RATE = 48_000


def main() -> None:
    options = parsed()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = options.name
    build(scene, options)
    for number in range(1, options.scenes):
        other = bpy.data.scenes.new(f"{options.name} {number + 1}")
        build(other, options)
        other.frame_start, other.frame_end = 1, 1 + number
    with TemporaryDirectory() as folder:
        if options.sound:
            add_sound(scene, Path(folder) / "beat.wav")
        options.target.parent.mkdir(parents=True, exist_ok=True)
        target = str(options.target.resolve())
        bpy.ops.wm.save_as_mainfile(filepath=target, compress=not options.uncompressed, relative_remap=False)


def build(scene, options) -> None:
    """Settings, field, light and camera of one scene."""
    scene.frame_start = options.start
    scene.frame_step = options.step
    scene.frame_end = options.start + (options.frames - 1) * options.step
    render = scene.render
    render.resolution_x, render.resolution_y = options.size
    render.resolution_percentage = 100
    render.fps, render.fps_base = options.fps, options.fps_base
    render.engine = options.engine
    render.film_transparent = options.transparent
    if options.engine == "CYCLES":
        scene.cycles.samples = options.samples
        scene.cycles.use_denoising = options.denoise
        scene.cycles.max_bounces = 3
    scene.world = bpy.data.worlds.new("sky")
    scene.world.color = (0.05, 0.07, 0.12)
    turn = f"{math.tau / (options.frames * options.step)} * (frame - {options.start})"
    for column in range(SIDE):
        for row in range(SIDE):
            add_cube(scene, column - SIDE // 2, row - SIDE // 2, turn)
    add_light(scene)
    add_camera(scene, turn)


def add_cube(scene, x: int, y: int, turn: str) -> None:
    """Bobs with the wave; the expression is simple enough for Blender to evaluate without running Python."""
    away = math.hypot(x, y)
    colour = tuple(0.5 + 0.45 * math.cos(away * 0.7 + shift) for shift in (0.0, 2.1, 4.2))
    material = bpy.data.materials.new(f"cube {x} {y}")
    material.diffuse_color = (*colour, 1.0)
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = 0.35
    mesh = bpy.data.meshes.new(f"cube {x} {y}")
    corners = [(i * 0.42, j * 0.42, k * 1.2) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh.from_pydata(corners, [], sides)
    mesh.materials.append(material)
    cube = bpy.data.objects.new(mesh.name, mesh)
    cube.location = (x, y, 0)
    scene.collection.objects.link(cube)
    cube.driver_add("location", 2).driver.expression = f"0.6 * sin({turn} - {away:.4f})"


def add_light(scene) -> None:
    light = bpy.data.lights.new("sun", "SUN")
    light.energy = 4.0
    sun = bpy.data.objects.new("sun", light)
    sun.rotation_euler = (math.radians(35), math.radians(15), math.radians(30))
    scene.collection.objects.link(sun)


def add_camera(scene, turn: str) -> None:
    """Swings gently around the field."""
    pivot = bpy.data.objects.new("pivot", None)
    scene.collection.objects.link(pivot)
    pivot.driver_add("rotation_euler", 2).driver.expression = f"0.3 * sin({turn})"
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.parent = pivot
    camera.location = (0.0, -11.0, 8.5)
    camera.rotation_euler = (math.radians(52), 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera


def add_sound(scene, path: Path) -> None:
    """A decaying beat every half second, packed into the file."""
    seconds = (scene.frame_end - scene.frame_start + 1) * scene.render.fps_base / scene.render.fps
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        for index in range(int(seconds * SAMPLE_RATE)):
            beat = index / SAMPLE_RATE % 0.5
            level = math.exp(-12 * beat) * math.sin(math.tau * 110 * beat)
            file.writeframesraw(struct.pack("<h", int(24_000 * level)))
    editor = scene.sequence_editor_create()
    strip = editor.strips.new_sound("beat", str(path), 1, scene.frame_start)
    strip.sound.pack()


def size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Makes a small animated scene.")
    parser.add_argument("target", type=Path, metavar="FILE.blend")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--start", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--fps", type=int, default=24)
    parser.add_argument("--fps-base", type=float, default=1.0)
    parser.add_argument("--size", type=size, default=(320, 180), metavar="WxH")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--engine", default="CYCLES")
    parser.add_argument("--denoise", action="store_true")
    parser.add_argument("--transparent", action="store_true")
    parser.add_argument("--sound", action="store_true")
    parser.add_argument("--scenes", type=int, default=1)
    parser.add_argument("--name", default="Wave")
    parser.add_argument("--uncompressed", action="store_true")
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    main()
