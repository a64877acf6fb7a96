# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders frames on request. A program of its own: it imports Blender (bpy), whose licence therefore covers it.

    python frames.py FD

Requests come as JSON lines on stdin, answers go as JSON lines to the file descriptor FD; what Blender prints stays on
stdout and stderr, and behind all that belongs to an answer stands a line with nothing but DONE. Everything ends when
stdin does.

    {"open": path, "scene": name, "percent": n|null, "samples": n|null, "threads": n,
     "runScripts": bool|null, "ignoreMissingAssets": bool}
        -> {"ready": {"blender", "engine", "width", "height", "sound", "simulatesFrom": frame|null}}
           or {"refused": reason}
    {"render": frame, "path": path, "ignoreMissingAssets": bool}
        -> {"rendered": frame, "seconds": s}  or {"failed": frame, "reason": text}  or {"refused": reason}
    {"mix": path, "first": frame, "last": frame}
        -> {"mixed": path}  or {"failed": null, "reason": text}
"""

import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever started this lets the current frame finish
signal.signal(signal.SIGINT, signal.SIG_IGN)
PR_SET_PDEATHSIG = 1
DONE = b"\n\x04\n"
LIBC = ctypes.CDLL(None)
LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() == 1 and os.environ.get("RENDERER_PID") != "1":
    sys.exit("the renderer is gone")

UNLOADABLE = ""
try:
    import bpy
    from assets import cut_off_files, lost_links, missing_files, strips_of, unreadable_sounds, unreadable_volumes
except ModuleNotFoundError as error:
    UNLOADABLE = (
        f"Blender is not installed ({error}): make renderer (a download of 400 MB), or pip install -r requirements.txt"
    )
except ImportError as error:
    UNLOADABLE = f"Blender cannot be loaded ({error}): apt-get install what apt-packages.txt lists"

DRIVER = "Driver"  # how Blender's note about a driver that it did not run begins; other scripts draw buttons
TOLD = 5  # things in a message
UNTRUE = ("date", "render_time", "memory", "hostname", "filename")  # burnt-in notes that differ between two renders


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The .blend cannot be rendered as it is: no retry can help."""


def open_blend(request):
    """Opens the file and prepares its scene."""
    try:
        bpy.ops.wm.open_mainfile(filepath=request["open"], load_ui=False, use_scripts=bool(request["runScripts"]))
    except RuntimeError as error:
        raise Refused(f"Blender cannot open it: {reason(error)}") from error
    scene = bpy.data.scenes.get(request["scene"])
    if scene is None:
        raise Refused(f"Blender finds no scene {request['scene']!r} in it")
    if bpy.context.window:
        bpy.context.window.scene = scene
    if not request["ignoreMissingAssets"]:
        check_assets(scene)
    if request["runScripts"] is None and (scripts := opening_scripts()):
        raise Refused(
            f"its text {listed(scripts)} runs Python when it is opened, which may decide what it shows: "
            'if you trust it, start with "runScripts": true, to render without it with false'
        )
    if scene.render.use_multiview and scene.render.image_settings.views_format != "STEREO_3D":
        raise Refused(f"scene {scene.name!r} renders every view into a file of its own: choose the format Stereo 3D")
    prepare(scene, request)
    timeline = Timeline(scene)
    facts = {
        "blender": bpy.app.version_string.split()[0],
        "engine": scene.render.engine,
        "width": scene.render.resolution_x * scene.render.resolution_percentage // 100,
        "height": scene.render.resolution_y * scene.render.resolution_percentage // 100,
        "sound": has_sound(scene),
        "simulatesFrom": timeline.start,
    }
    return scene, timeline, facts


def check_assets(scene):
    """Refuses a file that lacks what it shows."""
    if missing := missing_files(scene):
        raise Refused(f"{len(missing)} of the files it refers to are missing: {listed(missing)}")
    if lost := lost_links():
        raise Refused(f"its libraries lack what it links from them: {listed(lost)}")
    if damaged := cut_off_files():
        raise Refused(f"{len(damaged)} of the pictures it refers to are cut off: {listed(damaged)}")
    if silent := unreadable_sounds():
        raise Refused(f"{len(silent)} of its sounds cannot be read: {listed(silent)}")


def opening_scripts():
    """Texts that Blender runs as Python when it opens a file, if it is let."""
    return sorted(text.name for text in bpy.data.texts if text.use_module and text.name.endswith(".py"))


def listed(things):
    return ", ".join(things[:TOLD]) + (f" and {len(things) - TOLD} more" if len(things) > TOLD else "")


def prepare(scene, request):
    """PNG, on the CPU, with this job's threads; size and samples as asked for; nothing that tells the time."""
    render = scene.render
    render.threads_mode, render.threads = "FIXED", request["threads"]
    render.use_overwrite, render.use_placeholder, render.use_file_extension = True, False, True
    image = render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "IMAGE"
    image.file_format = "PNG"
    for note in UNTRUE:
        setattr(render, f"use_stamp_{note}", False)
    if hasattr(render, "compositor_device"):
        render.compositor_device = "CPU"
    write_no_other_files()
    if request["percent"]:
        render.resolution_percentage = request["percent"]
    if render.engine == "CYCLES":
        scene.cycles.device = "CPU"
    if request["samples"] and render.engine == "CYCLES":
        scene.cycles.samples = request["samples"]
    elif request["samples"] and hasattr(scene, "eevee"):
        scene.eevee.taa_render_samples = request["samples"]


def write_no_other_files():
    """Mutes File Output nodes, those of scenes in strips too: nobody collects their files, which may lie anywhere."""
    for node in (node for tree in bpy.data.node_groups for node in tree.nodes):
        if node.type == "OUTPUT_FILE":
            node.mute = True


def has_sound(scene, seen=frozenset()):
    """Whether anything is heard in a scene, scenes in its strips included."""
    strips = [strip for strip in strips_of(scene) if not strip.mute]
    inner = (strip.scene for strip in strips if strip.type == "SCENE" and strip.scene and strip.scene not in seen)
    return (
        any(each.type == "SPEAKER" and each.data.sound for each in scene.objects)
        or any(strip.type == "SOUND" for strip in strips)
        or any(has_sound(each, seen | {scene}) for each in inner)
    )


def simulations(scene):
    """First frames of the simulations that were not baked: what they show depends on the frames before."""
    caches = [scene.rigidbody_world.point_cache] if scene.rigidbody_world else []
    for modifier in (modifier for each in scene.objects for modifier in each.modifiers):
        if modifier.type in {"CLOTH", "SOFT_BODY"}:
            caches.append(modifier.point_cache)
        elif modifier.type == "PARTICLE_SYSTEM":
            caches.append(modifier.particle_system.point_cache)
        elif modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
            caches += [surface.point_cache for surface in modifier.canvas_settings.canvas_surfaces]
        elif modifier.type == "FLUID" and modifier.domain_settings:
            domain = modifier.domain_settings
            if not domain.has_cache_baked_data:
                yield domain.cache_frame_start
        elif modifier.type == "NODES" and modifier.node_group and remembers(modifier.node_group):
            yield scene.frame_start
    yield from (cache.frame_start for cache in caches if not cache.is_baked)


def remembers(tree, seen=frozenset()):
    """Whether geometry nodes hold a simulation, groups in groups included."""
    if tree in seen:
        return False
    inner = (node.node_tree for node in tree.nodes if node.type == "GROUP" and node.node_tree)
    return any(node.type == "SIMULATION_OUTPUT" for node in tree.nodes) or any(
        remembers(group, seen | {tree}) for group in inner
    )


class Timeline:
    """Goes to a frame: at once, or through all frames before it where a simulation needs them."""

    def __init__(self, scene):
        first = list(simulations(scene))
        self.start = min(scene.frame_start, *first) if first else None
        self._scene, self._next = scene, self.start

    def go_to(self, frame):
        if self.start is not None:
            for before in range(min(self._next, frame), frame):
                self._scene.frame_set(before)
            self._next = frame + 1
        self._scene.frame_set(frame)


def render_frame(scene, timeline, request):
    """One frame; answers how long it took."""
    began = time.perf_counter()
    frame, path = request["render"], request["path"]
    timeline.go_to(frame)
    if bpy.app.autoexec_fail and bpy.app.autoexec_fail_message.startswith(DRIVER):
        what = bpy.app.autoexec_fail_message
        raise Refused(f'its animation runs Python ({what}): if you trust it, start with "runScripts": true')
    if not request["ignoreMissingAssets"] and (unreadable := unreadable_volumes()):
        return {"failed": frame, "reason": "; ".join(unreadable)}
    scene.render.filepath = path
    try:
        done = bpy.ops.render.render(write_still=True, scene=scene.name)
    except RuntimeError as error:
        return {"failed": frame, "reason": reason(error)}
    if done != {"FINISHED"} or not Path(path).exists():
        return {"failed": frame, "reason": f"Blender ended the render with {sorted(done)} and wrote no image"}
    return {"rendered": frame, "seconds": round(time.perf_counter() - began, 4)}


def mix(scene, request):
    """The scene's sound between two frames, as a WAV file."""
    scene.frame_start, scene.frame_end = request["first"], request["last"]
    try:
        bpy.ops.sound.mixdown(filepath=request["mix"], container="WAV", codec="PCM", format="S16", mixrate=48_000)
    except RuntimeError as error:
        return {"failed": None, "reason": reason(error)}
    return {"mixed": request["mix"]}


def reason(error):
    """Blender's report in one line."""
    return " ".join(str(error).replace("Error: ", "").split())


def main():
    answers = os.fdopen(int(sys.argv[1]), "w", buffering=1)
    scene = timeline = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if UNLOADABLE:
                raise Refused(UNLOADABLE)  # noqa: TRY301 - answered like any other refusal
            if "open" in request:
                scene, timeline, facts = open_blend(request)
                answer = {"ready": facts}
            elif "render" in request:
                answer = render_frame(scene, timeline, request)
            else:
                answer = mix(scene, request)
        except Refused as refusal:
            answer = {"refused": str(refusal)}
        LIBC.fflush(None)
        os.write(1, DONE)
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
