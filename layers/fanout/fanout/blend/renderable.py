"""Whether the renderer can render a .blend, and which of its frames."""

from fanout.blend.assets import missing
from fanout.blend.header import version_name
from fanout.blend.reader import BlendFile
from fanout.blend.scene import Scene
from fanout.errors import BlendError, RequestError
from fanout.frames import LAST_FRAME, MOST_FRAMES, Frames, parse_frames

BLENDER = "5.2.3"  # the renderer's; a test holds it against containers/renderer/requirements.txt
OLDEST = 250  # animation of older files is not converted any more
LEFT_IN_2_80 = {"BLENDER_RENDER", "BLENDER_GAME"}
ENGINES = {"CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH"}
NEED_GPU = {"BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"}
MOST_PIXELS = 1 << 28
TOLD = 5  # missing assets in a message


def chosen_scene(
    blend: BlendFile, path: str, files: frozenset[str], name: str | None, *, ignore_missing: bool
) -> Scene:
    """The scene to render; ``path`` is that of the .blend among the ``files`` of its project.

    Raises BlendError if the renderer could not render it, RequestError if there is none.
    """
    check_version(blend, path)
    scene = blend.scene(name)
    names = ", ".join(repr(each.name) for each in blend.scenes)
    if scene is None and name is not None:
        raise RequestError("input.scene", f"{path} has no scene {name!r}; it has {names}")
    if scene is None:
        raise RequestError("input.scene", f"{path} does not say which of its scenes is active: {names}")
    check_engine(scene, path)
    if scene.needs_camera and not scene.camera and not blend.cameras and not blend.linked:
        raise BlendError(path, f"scene {scene.name!r} has no camera, and no other scene has one")
    if not ignore_missing:
        check_assets(blend, path, files)
    return scene


def check_version(blend: BlendFile, where: str) -> None:
    major, minor, _ = map(int, BLENDER.split("."))
    saved_by = version_name(blend.version)
    if blend.version > major * 100 + minor:
        raise BlendError(where, f"saved by Blender {saved_by}; the renderer has {major}.{minor} and may misread it")
    if blend.version < OLDEST:
        raise BlendError(where, f"saved by Blender {saved_by}: open it in Blender 2.80 or newer and save it again")
    if blend.big_endian:
        raise BlendError(where, "saved on a big-endian machine: open it in Blender 4.5 or older and save it again")


def check_engine(scene: Scene, where: str) -> None:
    if scene.engine in LEFT_IN_2_80:
        problem = f"{scene.engine}, which left Blender with 2.80: set it up for Cycles or EEVEE and save it again"
    elif scene.engine not in ENGINES:
        problem = f"{scene.engine}, an add-on that the renderer lacks: choose Cycles, EEVEE or Workbench"
    else:
        return
    raise BlendError(where, f"scene {scene.name!r} is rendered by {problem}")


def check_assets(blend: BlendFile, path: str, files: frozenset[str]) -> None:
    absent = sorted({str(asset) for asset in missing(blend.assets, path, files)})
    if absent:
        more = f" and {len(absent) - TOLD} more" if len(absent) > TOLD else ""
        raise BlendError(
            path,
            f"{len(absent)} of the files it refers to are missing: {', '.join(absent[:TOLD])}{more}. Pack them "
            "(File > External Data > Pack Resources), or make their paths relative and hand in a folder or zip, "
            'or start with "ignoreMissingAssets": true',
        )


def chosen_frames(scene: Scene, where: str, expression: str | int | None) -> Frames:
    """The frames that were asked for, else the scene's own. Raises BlendError if it has none, or absurdly many."""
    if expression is not None:
        return parse_frames(str(expression))
    frames = scene.frames
    told = f"scene {scene.name!r} has frames {scene.start} to {scene.end}"
    if not frames:
        raise BlendError(where, f"{told}: it ends before it begins")
    if frames[0] < 0 or frames[-1] > LAST_FRAME:
        raise BlendError(where, f"{told}: Blender renders frames 0 to {LAST_FRAME:,}")
    if len(frames) > MOST_FRAMES:
        raise BlendError(
            where, f"{told}, {len(frames):,} of them; a run may have {MOST_FRAMES:,}: say which with input.frames"
        )
    return tuple(frames)


def check_size(scene: Scene, where: str, percent: int | None) -> None:
    """Raises RequestError or BlendError, by whose percentage it is, if a frame has no pixels: Blender renders none."""
    width, height = scene.size(percent)
    if min(width, height) > 0:
        return
    problem = f"of {scene.width} × {scene.height} pixels is {width} × {height}: nothing to render"
    if percent is not None:
        raise RequestError("input.percent", f"{percent} % {problem}")
    raise BlendError(where, f"scene {scene.name!r} is rendered at {scene.percent} %, which {problem}")


def warnings(scene: Scene, percent: int | None) -> list[str]:
    """What the artist should know before paying for it."""
    found = []
    if scene.engine in NEED_GPU:
        found.append(
            f"scene {scene.name!r} is rendered by EEVEE, which draws with a GPU; these machines have none, "
            "so that a frame takes minutes, not seconds: consider Cycles"
        )
    width, height = scene.size(percent)
    if width * height > MOST_PIXELS:
        found.append(f"a frame of {width} × {height} pixels may need more memory than a job has")
    return found
