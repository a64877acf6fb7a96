# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a shot of several files, as artists hand them in: to try how a folder or a zip is rendered.

    containers/renderer/.venv/bin/python examples/rendering/make_project.py out/project

``shot.blend`` shows three squares side by side on nothing: one linked from ``lib/set.blend`` (red, from
``tex/oak.png``), one with a packed texture (green), and one that grows bluer from frame to frame
(``tex/seq/clip_0001.png`` …). The compositor then mirrors the picture, which puts the blue one at the left.
"""

import sys
from pathlib import Path

import bpy

ROOT = Path(sys.argv[1])
SQUARE = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]


def picture(name, *colour):
    """A file of one colour."""
    image = bpy.data.images.new("picture", 8, 8)
    image.pixels[:] = [*colour, 1.0] * 64
    image.filepath_raw, image.file_format = f"{ROOT}/tex/{name}", "PNG"
    image.save()
    bpy.data.images.remove(image)
    return bpy.data.images.load(f"{ROOT}/tex/{name}")


def square(name, image, x):
    """Shines in the colours of the image, whatever the light."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(SQUARE, [], [(0, 1, 2, 3)])
    mesh.uv_layers.new()
    material = bpy.data.materials.new(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    texture, shine = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeEmission")
    texture.image = image
    links.new(texture.outputs[0], shine.inputs[0])
    links.new(shine.outputs[0], next(node for node in nodes if node.type == "OUTPUT_MATERIAL").inputs[0])
    mesh.materials.append(material)
    made = bpy.data.objects.new(name, mesh)
    made.location.x = x
    return made, texture


def save(name):
    (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=f"{ROOT}/{name}", relative_remap=False, compress=True)


def library():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    collection = bpy.data.collections.new("Set")
    oak = picture("oak.png", 1.0, 0.0, 0.0)
    oak.filepath = "//../tex/oak.png"
    collection.objects.link(square("oak", oak, -2.5)[0])
    bpy.context.scene.collection.children.link(collection)
    save("lib/set.blend")


def shot():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    with bpy.data.libraries.load(f"{ROOT}/lib/set.blend", link=True) as (_, linked):
        linked.collections = ["Set"]
    bpy.data.libraries[0].filepath = "//lib/set.blend"
    instance = bpy.data.objects.new("set", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", bpy.data.collections["Set"]
    packed = picture("moss.png", 0.0, 1.0, 0.0)
    packed.pack()
    (ROOT / "tex" / "moss.png").unlink()
    clip, *_ = [picture(f"seq/clip_{number:04d}.png", 0.0, 0.0, number / 4) for number in range(1, 5)]
    clip.source, clip.filepath = "SEQUENCE", "//tex/seq/clip_0001.png"
    moving, texture = square("clip", clip, 2.5)
    texture.image_user.frame_duration, texture.image_user.use_auto_refresh = 4, True
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.location, camera.data.type, camera.data.ortho_scale = (0.0, 0.0, 5.0), "ORTHO", 7.5
    for each in (instance, square("moss", packed, 0.0)[0], moving, camera):
        scene.collection.objects.link(each)
    scene.camera, scene.frame_end = camera, 4
    set_up(scene)
    save("shot.blend")


def set_up(scene):
    """Little to render; 16 bits a sample, transparent where nothing is; the compositor on a GPU that is not there."""
    render = scene.render
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    render.resolution_x, render.resolution_y, render.film_transparent = 48, 32, True
    render.image_settings.color_mode, render.image_settings.color_depth = "RGBA", "16"
    scene.view_settings.view_transform = "Standard"
    render.compositor_device = "GPU"
    tree = bpy.data.node_groups.new("mirror", "CompositorNodeTree")
    scene.compositing_node_group = tree
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    layers, flip, output = (
        tree.nodes.new(kind) for kind in ("CompositorNodeRLayers", "CompositorNodeFlip", "NodeGroupOutput")
    )
    flip.inputs["Flip X"].default_value = True
    tree.links.new(layers.outputs["Image"], flip.inputs["Image"])
    tree.links.new(flip.outputs["Image"], output.inputs[0])


library()
shot()
