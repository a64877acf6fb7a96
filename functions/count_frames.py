"""Count the frames of a .blend and cut them into the slices of the array job that renders them."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from fanout.blend.project import Project, find_project, open_blend
from fanout.blend.reader import read_blend
from fanout.blend.renderable import check_size, chosen_frames, chosen_scene, warnings
from fanout.blendplan import AGGREGATE, FILM, FRAMES, MEASUREMENT, PREVIEW, SHEET, TIMINGS, Look, Measurement
from fanout.blendplan import RenderParameters as Parameters
from fanout.errors import UriError
from fanout.frames import frames_per_job
from fanout.manifest import withdraw_manifest
from fanout.plan import Plan, Source, Work, find_plan, write_plan
from fanout.request import parse_request
from fanout.s3 import Objects, S3Uri
from fanout.slicing import even

STALE = (AGGREGATE, FILM, PREVIEW, SHEET, TIMINGS)  # a new plan makes them untrue

logger = Logger(service="count-frames")
objects = Objects()

Count = Annotated[int, msgspec.Meta(ge=1)]


class CountRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The execution's input after its defaults were filled in."""

    job_name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,119}$")]  # Batch's rule, room for -film
    input_uri: str  # a .blend, a folder or a zip
    output_uri: str
    job_definition_arn: str
    job_queue_arn: str
    frames_per_job: str | int = "auto"  # or how many frames a child renders
    frames: str | int | None = None  # None: as the scene says
    scene: str | None = None  # None: the active one
    blend: str | None = None  # which .blend of a folder or zip
    percent: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None
    samples: Annotated[int, msgspec.Meta(ge=1, le=1 << 24)] | None = None
    run_scripts: bool | None = None  # None: a file that runs any is refused
    ignore_missing_assets: bool = False

    def __post_init__(self) -> None:
        if self.frames_per_job != "auto" and not (
            re.fullmatch(r"\d{1,9}", str(self.frames_per_job), re.ASCII) and self.per_slice
        ):
            raise ValueError(f'framesPerJob {self.frames_per_job!r} is neither "auto" nor a positive whole number')

    @property
    def per_slice(self) -> int | None:
        """Frames a child, or None where measuring decides."""
        return None if self.frames_per_job == "auto" else int(self.frames_per_job)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The execution's input -> ``{frames, slices, framesPerJob, planHash, measure, warnings}``; writes the plan.

    ``measure`` asks for a preview job first: called again after it, the array gets its size. Raises RequestError,
    UriError, BlendError or PlanError before anything is written.
    """
    request = parse_request(event, CountRequest)
    return count(request, objects)


def count(request: CountRequest, objects: Objects) -> dict[str, Any]:
    output = S3Uri.parse_prefix(request.output_uri)
    project = find_project(objects, request.input_uri, blend=request.blend, output=output)
    with TemporaryDirectory() as scratch:
        blend = read_blend(open_blend(objects, project, Path(scratch)), project.blend)
    ignore = request.ignore_missing_assets
    scene = chosen_scene(blend, project.blend, project.files, request.scene, ignore_missing=ignore)
    check_size(scene, project.blend, request.percent)
    frames = chosen_frames(scene, project.blend, request.frames)
    parameters = Parameters(
        look=look_of(request, project, scene.name), frames=frames, fps=str(scene.fps), sound=blend.sound
    )
    per_slice = request.per_slice or measured(objects, output, parameters)
    work = Work(
        pipeline="rendering",
        inputs={"blend": project.version},
        slices=even(len(frames), per_slice or len(frames)),
        parameters=msgspec.json.decode(msgspec.json.encode(parameters)),  # as it will be read back
    )
    plan = settle(Plan.of(work, sources=sources(request, project), files={}), output, objects)
    aloud = warnings(scene, request.percent)
    logger.info("planned", extra={"frames": plan.items, "slices": plan.array_size, "plan": plan.hash})
    for warning in aloud:
        logger.warning(warning)
    return {
        "frames": plan.items,
        "slices": plan.array_size,
        "framesPerJob": str(max(stop - start for start, stop in map(plan.slice, range(plan.array_size)))),
        "planHash": plan.hash,
        "measure": per_slice is None,
        "warnings": aloud,
    }


def look_of(request: CountRequest, project: Project, scene: str) -> Look:
    return Look(
        version=project.version,
        kind=project.kind,
        blend=project.blend,
        scene=scene,
        percent=request.percent,
        samples=request.samples,
        run_scripts=request.run_scripts,
        ignore_missing_assets=request.ignore_missing_assets,
    )


def sources(request: CountRequest, project: Project) -> dict[str, Source]:
    return {"blend": Source(uri=request.input_uri, etag=project.version)}


def measured(objects: Objects, output: S3Uri, parameters: Parameters) -> int | None:
    """How many frames a child renders, by the measurement that stands; None if there is none of this look."""
    try:
        found = msgspec.json.decode(objects.get(output / MEASUREMENT), type=Measurement)
    except (UriError, msgspec.DecodeError):
        return None
    if found.look != parameters.look.hash:
        return None
    return frames_per_job(len(parameters.frames), found.startup_seconds, found.frame_seconds)


def settle(plan: Plan, output: S3Uri, objects: Objects) -> Plan:
    """Writes the plan, unless it stands already; what another plan left to be seen goes."""
    withdraw_manifest(objects, output)
    standing = find_plan(objects, output)
    if standing and standing.work == plan.work:
        return standing
    if standing is None or standing.work.parameters != plan.work.parameters:
        shown = [row.uri for row in objects.list(output / FRAMES)]
        objects.delete(*(output / name for name in STALE), *shown)
    write_plan(objects, output, plan)
    return plan
