"""The renderer's command line. The exit status is the contract with the job definitions' retry rules.

``render``    one slice of a planned run, as a child of an array job
``preview``   the middle frame, and how long start-up and a frame take
``stitch``    film, contact sheet, totals and manifest, once every frame stands
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import msgspec

from fanout.blendplan import (
    MEASUREMENT,
    PREVIEW,
    Measurement,
    RenderParameters,
    frame_uri,
    parameters_of,
    preview_frame,
)
from fanout.errors import FanoutError, Interrupted, PlanError
from fanout.frames import format_frames
from fanout.plan import Plan, read_plan
from fanout.s3 import Objects, S3Uri
from renderer.blender import Blender
from renderer.cores import threads
from renderer.slices import UPLOADS, Rendered, Slice, Stop, Uploads, check, missing
from renderer.staging import stage

stop = Stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What every action works on."""

    objects: Objects
    output: S3Uri
    plan: Plan
    parameters: RenderParameters
    folder: Path
    began: float  # time.monotonic()

    def blender(self) -> Blender:
        """A fresh Blender with the .blend open; the file is fetched for the first."""
        look, project = self.parameters.look, self.folder / "project"
        path = project / look.blend
        if not path.exists():
            path = stage(self.objects, self.plan.sources["blend"].uri, look, self.output, project)
        blender = Blender(path, look, threads=threads(), home=self.folder / "home", log=log)
        if blender.opened.blender.split(".")[:2] != look.blender.split(".")[:2]:
            blender.close()
            raise PlanError(f"this renderer has Blender {blender.opened.blender}, the plan is for {look.blender}")
        if (first := blender.opened.simulates_from) is not None:
            log(
                "simulations are not baked: every child goes through all frames from the first; bake them to save that",
                first=first,
            )
        log("Blender is ready", engine=blender.opened.engine, seconds=f"{time.monotonic() - self.began:.2f}")
        return blender

    def render(self, frames: Sequence[int]) -> list[Rendered]:
        """Renders these frames; raises Interrupted, BlendError or RenderError where some could not be."""
        with ThreadPoolExecutor(UPLOADS) as pool:
            uploads = Uploads(
                objects=self.objects,
                output=self.output,
                look=self.parameters.look,
                attempt=os.environ.get("AWS_BATCH_JOB_ATTEMPT", "1"),
                pool=pool,
            )
            work = Slice(start=self.blender, folder=self.folder, stop=stop, log=log, began=self.began)
            done, failures = work.render(frames, uploads)
        if stop.requested and len(done) < len(frames):
            raise Interrupted(f"told to stop: {len(done)} of {len(frames)} frames were rendered and stand")
        check(self.parameters.look.blend, failures)
        return done


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one action."""
    began = time.monotonic()
    options = parsed(arguments)
    try:
        signal.signal(signal.SIGTERM, interrupt)
        act(options, began)
    except FanoutError as error:
        stop.done = True
        log(f"{options.action} failed", error=type(error).__name__, reason=error)
        return error.exit_code
    return 0


def act(options: argparse.Namespace, began: float) -> None:
    objects, output = Objects(), S3Uri.parse_prefix(options.output)
    plan = read_plan(objects, output, os.environ.get("PLAN_HASH") or None)
    with TemporaryDirectory(prefix="render-", dir=os.environ.get("TMPDIR")) as folder:
        job = Job(
            objects=objects, output=output, plan=plan, parameters=parameters_of(plan), folder=Path(folder), began=began
        )
        ACTIONS[options.action](job, options)
        stop.done = True


def render(job: Job, options: argparse.Namespace) -> None:
    """The frames of this child that do not stand yet."""
    index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))  # absent: the only child
    start, end = job.plan.slice(index)
    if options.frames_per_job.isdecimal() and end - start > int(options.frames_per_job):
        raise PlanError(f"slice {index} has {end - start} frames, the job was started for {options.frames_per_job}")
    frames = job.parameters.frames[start:end]
    todo = missing(job.objects, job.output, job.parameters.look, frames)
    log("slice", index=index, frames=format_frames(frames), standing=len(frames) - len(todo), plan=job.plan.hash[:12])
    if todo:
        done = job.render(todo)
        log("done", rendered=len(done), seconds=f"{time.monotonic() - job.began:.2f}")


def preview(job: Job, _options: argparse.Namespace) -> None:
    """The middle frame, also for the eye; the measurement that the array is sized by."""
    frames, look = job.parameters.frames, job.parameters.look
    middle = preview_frame(frames)
    [made] = job.render([middle])
    job.objects.put(job.output / PREVIEW, job.objects.get(frame_uri(job.output, look, middle)), "image/png")
    measured = Measurement(
        look=look.hash, frame=middle, startup_seconds=made.startup or 0.0, frame_seconds=made.seconds
    )
    job.objects.put(job.output / MEASUREMENT, msgspec.json.encode(measured))
    log("measured", frame=middle, startup=f"{made.startup:.2f}", seconds=f"{made.seconds:.2f}")


def stitch(job: Job, _options: argparse.Namespace) -> None:
    """The film and everything that belongs to it."""
    from renderer.stitch import Stitch

    def mix(target: Path) -> str | None:
        frames = job.parameters.frames
        if not job.parameters.sound:
            return "the scene has no sound"
        if frames[-1] - frames[0] + 1 != len(frames):
            return "the frames are not one unbroken range"
        with job.blender() as blender:
            if not blender.opened.sound:
                return "the scene has no sound"
            blender.mix(target, frames[0], frames[-1])
        return None

    film = Stitch(
        objects=job.objects,
        output=job.output,
        plan=job.plan,
        parameters=job.parameters,
        folder=job.folder,
        mix=mix,
        effort=(int(os.environ.get("CHILD_ATTEMPTS") or 0), float(os.environ.get("CHILD_SECONDS") or 0)),
    ).make()["film"]
    log("film", **film, wall=f"{time.monotonic() - job.began:.2f}")


def log(event: str, **facts: object) -> None:
    """One line: what happened, then ``name=value``."""
    print(event, *(f"{name}={value}" for name, value in facts.items()), file=sys.stderr, flush=True)


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    stop.request()


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m renderer", description="Renders frames of a .blend file.")
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument("-i", dest="input", metavar="URI", default="", help="the .blend, folder or zip (for the log)")
    parser.add_argument("-o", dest="output", metavar="URI", required=True, help="where the plan lies and frames go")
    parser.add_argument("-f", dest="frames_per_job", metavar="N", default="", help="frames of a child at most")
    return parser.parse_args(arguments)


ACTIONS = {"render": render, "preview": preview, "stitch": stitch}

if __name__ == "__main__":
    status = main()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # too late to stop: Python would die of it while it finalizes
    sys.exit(status)
