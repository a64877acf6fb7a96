# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a small animated scene: an ember sets a field of columns in waves, at dusk, in a seamless loop with sound.

    containers/renderer/.venv/bin/python examples/rendering/make_scene.py out/scene.blend [--frames 48] [--size 480x270]

No assets are needed. It imports Blender (bpy), whose licence covers it, and is a program of its own. The scene that it
makes is yours.
"""

import argparse
import math
import struct
import sys
import wave
from pathlib import Path
from tempfile import TemporaryDirectory

import bpy

# isort: split
import bmesh  # it is there only once bpy was imported

RADIUS = 0.58  # of a column and the gap around it
HEIGHT = 4.0  # of a column
SAMPLE_RATE = 48_000
NOTES = (220.0, 329.63, 440.0, 277.18)  # Hz, one after the other through the loop
SKY = ((0.0, (1.0, 0.34, 0.09)), (0.28, (0.8, 0.16, 0.11)), (0.62, (0.2, 0.05, 0.17)), (1.0, (0.03, 0.035, 0.13)))
WATER = (
    (0.0, (0.01, 0.018, 0.11)),
    (0.3, (0.015, 0.1, 0.28)),
    (0.55, (0.03, 0.38, 0.45)),
    (0.78, (0.9, 0.32, 0.12)),
    (1.0, (1.0, 0.7, 0.32)),
)  # from trough to crest
GLOW = (1.0, 0.42, 0.1)


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
            add_sound(scene, Path(folder) / "notes.wav")
        options.target.parent.mkdir(parents=True, exist_ok=True)
        target = str(options.target.resolve())
        bpy.ops.wm.save_as_mainfile(filepath=target, compress=not options.uncompressed, relative_remap=False)


def build(scene, options) -> None:
    """Settings, sky, columns, ember, light and camera of one scene."""
    set_up(scene, options)
    # a driver that Blender evaluates without running Python: files that do run it are refused unless trusted
    turn = f"{math.tau / (options.frames * options.step):.9f} * (frame - {options.start})"
    scene.world = sky()
    add_columns(scene, options.rings, turn)
    ember = add_ember(scene, turn)
    add_sun(scene)
    add_camera(scene, ember, turn)


def set_up(scene, options) -> None:
    """Frames, size, engine and quality."""
    scene.frame_start = options.start
    scene.frame_step = options.step
    scene.frame_end = options.start + (options.frames - 1) * options.step
    render = scene.render
    render.resolution_x, render.resolution_y = options.size
    render.resolution_percentage = 100
    render.fps, render.fps_base = options.fps, options.fps_base
    render.engine = options.engine
    render.film_transparent = options.transparent
    scene.view_settings.look = "AgX - Medium High Contrast"
    if options.engine == "CYCLES":
        scene.cycles.samples = options.samples
        scene.cycles.use_adaptive_sampling = False  # with so few samples there is nothing to save
        scene.cycles.use_denoising = options.denoise
        scene.cycles.denoising_quality = scene.cycles.denoising_prefilter = "FAST"
        scene.cycles.max_bounces = 3


def sky():
    """Dusk: glowing at the horizon, dark above."""
    world = bpy.data.worlds.new("dusk")
    world.cycles.sampling_method = "NONE"  # it is smooth: a map of it would take longer to make than a frame
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    direction = nodes.new("ShaderNodeTexCoord").outputs["Generated"]
    background = nodes.new("ShaderNodeBackground")
    background.inputs["Strength"].default_value = 1.25
    links.new(by_height(world.node_tree, direction, (-0.3, 0.12), SKY), background.inputs["Color"])
    links.new(background.outputs[0], nodes.new("ShaderNodeOutputWorld").inputs["Surface"])
    return world


def by_height(tree, vector, span: tuple[float, float], stops):
    """A colour that depends on how high a vector points: nodes, and the output of the last."""
    split, scale, ramp = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("SeparateXYZ", "MapRange", "ValToRGB"))
    scale.inputs["From Min"].default_value, scale.inputs["From Max"].default_value = span
    tree.links.new(vector, split.inputs[0])
    tree.links.new(split.outputs["Z"], scale.inputs["Value"])
    tree.links.new(scale.outputs["Result"], ramp.inputs[0])
    elements = ramp.color_ramp.elements
    for element, (place, colour) in zip((elements[0], elements[1]), (stops[0], stops[-1]), strict=True):
        element.position, element.color = place, (*colour, 1.0)
    for place, colour in stops[1:-1]:
        elements.new(place).color = (*colour, 1.0)
    return ramp.outputs[0]


def material(name: str, **inputs):
    """A principled shader with these inputs, and the shader."""
    made = bpy.data.materials.new(name)
    shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    for title, value in inputs.items():
        shader.inputs[title.replace("_", " ")].default_value = value
    return made, shader


def add_columns(scene, rings: int, turn: str) -> None:
    """Six-sided columns around the origin; a wave runs outward and fades, colours follow the height."""
    water, shader = material("water", Roughness=0.22, Metallic=0.35)
    place = water.node_tree.nodes.new("ShaderNodeObjectInfo").outputs["Location"]
    colour = by_height(water.node_tree, place, (-0.9, 0.9), WATER)
    water.node_tree.links.new(colour, shader.inputs["Base Color"])
    mesh = column()
    mesh.materials.append(water)
    for q in range(-rings, rings + 1):
        for s in range(max(-rings, -rings - q), min(rings, rings - q) + 1):
            x, y = RADIUS * math.sqrt(3) * (q + s / 2), RADIUS * 1.5 * s
            away = math.hypot(x, y)
            each = bpy.data.objects.new("column", mesh)
            each.location = (x, y, 0.0)
            scene.collection.objects.link(each)
            wave_height = 0.85 * math.exp(-away / 8)
            each.driver_add("location", 2).driver.expression = f"{wave_height:.4f} * sin({turn} - {1.1 * away:.4f})"


def column():
    """A prism with soft edges whose top lies HEIGHT / 2 above its origin."""
    mesh, form = bpy.data.meshes.new("column"), bmesh.new()
    side = RADIUS - 0.03
    bmesh.ops.create_cone(form, cap_ends=True, segments=6, radius1=side, radius2=side, depth=HEIGHT)
    upper = [edge for edge in form.edges if any(corner.co.z > 0 for corner in edge.verts)]
    bmesh.ops.bevel(form, geom=upper, offset=0.06, segments=3, profile=0.5, affect="EDGES")
    form.to_mesh(mesh)
    form.free()
    return mesh


def add_ember(scene, turn: str):
    """A glowing ball that dips into the middle of the field."""
    glowing, _ = material("ember", Base_Color=(*GLOW, 1.0), Emission_Color=(*GLOW, 1.0), Emission_Strength=16.0)
    mesh, form = bpy.data.meshes.new("ember"), bmesh.new()
    bmesh.ops.create_icosphere(form, subdivisions=4, radius=0.6)
    for face in form.faces:
        face.smooth = True
    form.to_mesh(mesh)
    form.free()
    mesh.materials.append(glowing)
    ember = bpy.data.objects.new("ember", mesh)
    scene.collection.objects.link(ember)
    ember.driver_add("location", 2).driver.expression = f"2.95 + 0.45 * sin({turn} + 0.6)"
    return ember


def add_sun(scene) -> None:
    """The last light, from behind the field."""
    light = bpy.data.lights.new("sun", "SUN")
    light.energy, light.angle, light.color = 0.9, math.radians(4), (1.0, 0.72, 0.5)
    sun = bpy.data.objects.new("sun", light)
    sun.rotation_euler = (math.radians(62), 0.0, math.radians(150))
    scene.collection.objects.link(sun)


def add_camera(scene, ember, turn: str) -> None:
    """Swings gently around the field, its eye on the ember."""
    pivot = bpy.data.objects.new("pivot", None)
    scene.collection.objects.link(pivot)
    pivot.driver_add("rotation_euler", 2).driver.expression = f"0.22 * sin({turn})"
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.parent = pivot
    camera.location = (0.0, -12.6, 6.0)
    camera.rotation_euler = (math.radians(73.5), 0.0, 0.0)
    camera.data.lens = 33
    camera.data.dof.use_dof, camera.data.dof.focus_object, camera.data.dof.aperture_fstop = True, ember, 1.4
    scene.collection.objects.link(camera)
    scene.camera = camera


def add_sound(scene, path: Path) -> None:
    """A quiet tune, packed into the file: every note rings through the rest of the loop and on into the next."""
    seconds = (scene.frame_end - scene.frame_start + 1) * scene.render.fps_base / scene.render.fps
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        levels = (loudness(index / SAMPLE_RATE, seconds) for index in range(int(seconds * SAMPLE_RATE)))
        file.writeframesraw(b"".join(struct.pack("<h", int(12_000 * level)) for level in levels))
    editor = scene.sequence_editor_create()
    strip = editor.strips.new_sound("notes", str(path), 1, scene.frame_start)
    strip.sound.pack()


def loudness(at: float, seconds: float) -> float:
    """Of the notes together, ``at`` seconds into the loop: a struck bar's tone and its fourth partial."""
    level = 0.0
    for number, pitch in enumerate(NOTES):
        since = (at - number * seconds / len(NOTES)) % seconds
        bar = math.sin(math.tau * pitch * since) + 0.25 * math.exp(-8 * since) * math.sin(math.tau * 4 * pitch * since)
        level += math.exp(-4 * since) * bar
    return level


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
    parser.add_argument("--size", type=size, default=(480, 270), metavar="WxH")
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--rings", type=int, default=9, help="of columns around the middle one")
    parser.add_argument("--engine", default="CYCLES")
    parser.add_argument("--denoise", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--sound", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--transparent", action="store_true")
    parser.add_argument("--scenes", type=int, default=1)
    parser.add_argument("--name", default="Wave")
    parser.add_argument("--uncompressed", action="store_true")
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    main()
