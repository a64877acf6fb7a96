"""Rendering the frames of a .blend and making a film of them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rich.console import Console

from fanout.errors import RequestError
from stepbatch.console import plural
from stepbatch.errors import UsageError
from stepbatch.inputs import read_once

if TYPE_CHECKING:
    from fanout.blend.sources import Source
    from fanout.s3 import Objects, S3Uri

OPTIONS = {
    "input.inputUri": "--blend",
    "input.blend": "--file",
    "input.scene": "--scene",
    "input.frames": "--frames",
    "input.percent": "--percent",
}
BACKUP = re.compile(r"\.blend\d+$", re.IGNORECASE)  # what Blender keeps of the versions before
LONGEST_NAME = 120  # characters; the pipeline adds -preview and -film
STATE = ".stepbatch"  # in directories that results went to


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A .blend, a folder or a zip, and what to render of it; what is None is left to the pipeline."""

    blend: Path
    file: str | None = None  # which .blend of a folder or zip
    scene: str | None = None
    frames: str | None = None
    frames_per_job: int | str | None = None
    percent: int | None = None
    samples: int | None = None
    run_scripts: bool | None = None
    ignore_missing_assets: bool = False

    name = "rendering"
    machine = "RenderingStateMachineArn"

    @property
    def job_name(self) -> str:
        """After the file, by the rules of Batch; the same for the same file, whatever the directory."""
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", self.blend.resolve().stem).strip("-_")
        return stem[:LONGEST_NAME] or self.name

    def files(self) -> Mapping[str, Path]:
        """A folder with all that lies in it, but for hidden files, Blender's backups, and results that went there.

        Raises UsageError if it is a pipe.
        """
        if read_once(self.blend):
            raise UsageError(
                f"--blend {self.blend} is no regular file, and a .blend is not read in order: save it first"
            )
        if not self.blend.is_dir():
            return {self.blend.name: self.blend}
        root = self.blend.resolve()
        results = {state.parent for state in root.rglob(STATE)}
        found = {path.relative_to(root): path for path in sorted(root.rglob("*")) if results.isdisjoint(path.parents)}
        kept = {name.as_posix(): path for name, path in found.items() if belongs(name) and path.is_file()}
        return {f"{root.name}/{name}": path for name, path in kept.items()}

    def request(self, inputs: "S3Uri", output: "S3Uri") -> dict[str, Any]:
        name = f"{self.blend.resolve().name}/" if self.blend.is_dir() else self.blend.name
        given = {
            "blend": self.file,
            "scene": self.scene,
            "frames": self.frames,
            "framesPerJob": self.frames_per_job,
            "percent": self.percent,
            "samples": self.samples,
            "runScripts": self.run_scripts,
            "ignoreMissingAssets": self.ignore_missing_assets or None,
        }
        required = {"jobName": self.job_name, "inputUri": str(inputs / name), "outputUri": str(output)}
        return required | {name: value for name, value in given.items() if value is not None}

    def brief(self) -> str:
        """What will be rendered, and what to know before it is paid for; nothing was uploaded yet."""
        return self.check()

    def check(self) -> str:
        """Reads the file as counting will. Raises UsageError for an option that does not fit it."""
        try:
            return self._checked()
        except RequestError as error:
            option = OPTIONS.get(error.where, error.where)
            raise UsageError(f"{option}: {error.problem}") from error

    def _checked(self) -> str:
        from fanout.blend.header import version_name
        from fanout.blend.reader import read_blend
        from fanout.blend.renderable import check_size, chosen_frames, chosen_scene, warnings
        from fanout.frames import format_frames

        with self._opened() as (source, path, files):
            blend = read_blend(source, path)
        scene = chosen_scene(blend, path, files, self.scene, ignore_missing=self.ignore_missing_assets)
        frames = chosen_frames(scene, path, self.frames)
        check_size(scene, path, self.percent)
        width, height = scene.size(self.percent)
        told = (
            f"{plural(len(frames), 'frame')} ({format_frames(frames)}) of scene {scene.name!r}, {width} × {height} at "
            f"{float(scene.fps):.6g} a second, {scene.engine}, saved by Blender {version_name(blend.version)}"
        )
        return "\n".join([told, *warnings(scene, self.percent)])

    @contextmanager
    def _opened(self) -> "Iterator[tuple[Source, str, frozenset[str]]]":
        """The .blend's bytes, its path in the project, and the paths of all files there."""
        from fanout.blend.archive import open_member, read_archive
        from fanout.blend.project import check_lone, choose_blend, named
        from fanout.blend.sources import FileSource

        if self.blend.is_dir():
            root = self.blend.resolve()
            files = frozenset(path.relative_to(root).as_posix() for path in self.files().values())
            path = choose_blend(files, self.file, str(self.blend))
            yield FileSource(root / path), path, files
        elif self.blend.suffix.lower() == ".zip":
            archive = FileSource(self.blend)
            with TemporaryDirectory() as scratch, named(self.blend.name):
                files = frozenset(read_archive(archive))
                path = choose_blend(files, self.file, str(self.blend))
                yield open_member(archive, path, Path(scratch)), path, files
        else:
            check_lone(self.blend.name, self.file, str(self.blend))
            yield FileSource(self.blend), self.blend.name, frozenset({self.blend.name})

    def noting(self, objects: "Objects", output: "S3Uri", out: Path) -> Callable[[float], str]:
        """Tells how many frames stand while the run goes on, and fetches the preview."""
        from stepbatch.pipelines.frame_counter import FrameCounter

        return FrameCounter(objects=objects, output=output, preview=out / "preview.png")

    def show(self, out: Path, to: Console) -> None:
        """The film, what it took, and where everything is."""
        aggregate = json.loads((out / "aggregate.json").read_bytes())
        film = aggregate["film"]
        silence = "" if film["sound"] else f", silent: {film['silentBecause']}"
        to.print(
            f"{plural(film['frames'], 'frame')} of scene {aggregate['scene']!r}, {film['width']} × {film['height']}, "
            f"{film['seconds']:.2f} s at {film['framesPerSecond']} a second{silence}",
            soft_wrap=True,
        )
        to.print(cost(json.loads((out / "timings.json").read_bytes())), soft_wrap=True)
        to.print(f"files: {out} ({film['file']}, contact_sheet.png, frames/)", soft_wrap=True)


def belongs(path: Path) -> bool:
    """Whether a file of a folder may be part of the project."""
    return not (any(part.startswith(".") for part in path.parts) or BACKUP.search(path.name))


def cost(timings: Mapping[str, Any]) -> str:
    """Seconds a frame, the share of start-up, and what was lost; without the children's times only the first."""
    frames, rendering, starting = len(timings["frames"]), timings["renderSeconds"], timings["startupSeconds"]
    told = f"{rendering / frames:.2f} s a frame"
    everything = timings["childSeconds"]
    lost = everything - rendering - starting
    if lost < 0:  # frames of an earlier run stood: their times are not this run's
        return f"{told}, {plural(timings['attempts'], 'attempt')} of children; some frames stood from an earlier run"
    return (
        f"{told}, {frames / everything:.2f} frames a second of children's time; start-up took "
        f"{100 * starting / everything:.0f} % of it, {100 * lost / everything:.0f} % was lost or spent on transfers "
        f"({plural(timings['attempts'], 'attempt')})"
    )


def frames_per_job(text: str | None) -> int | str | None:
    """``auto`` or a count. Raises UsageError."""
    if text is None or text == "auto":
        return text
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise UsageError(f"--frames-per-job {text}: give a whole number from 1, or auto")
    return int(text)
