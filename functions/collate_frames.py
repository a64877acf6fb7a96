"""Check that every frame of a run was rendered, and say why where not."""

from typing import Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from failed_children import FailedChildren, job_id_of
from fanout.blendplan import (
    FILM,
    FRAMES,
    RenderParameters,
    missing_frames,
    parameters_of,
    preview_frame,
    standing_frames,
)
from fanout.errors import ResultsIncompleteError
from fanout.frames import format_frames
from fanout.plan import Plan, read_plan
from fanout.request import parse_request
from fanout.s3 import Objects, S3Uri
from job_effort import JobEffort

REASONS_TOLD = 5

logger = Logger(service="collate-frames")
objects = Objects()
failed_children = FailedChildren()
job_effort = JobEffort()


class CollateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the state passes on from the execution's input and from the states before."""

    job_name: str
    output_uri: str
    plan_hash: str | None = None  # None: the plan that stands
    job: dict[str, Any] = {}  # the job that rendered, or the error that its state ended with
    preview: dict[str, Any] = {}  # the job that measured, if one did, or the error that its state ended with
    film: dict[str, Any] | None = None  # the error that stitching ended with
    warnings: tuple[str, ...] = ()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """-> ``{jobName, status, frames, filmUri, …, attempts, childSeconds}``, what the run's output will be.

    Raises ResultsIncompleteError if a frame is missing, or if stitching failed: with the frames and the reasons.
    """
    request = parse_request(event, CollateRequest)
    output = S3Uri.parse_prefix(request.output_uri)
    plan = read_plan(objects, output, request.plan_hash)
    parameters = parameters_of(plan)
    missing = missing_frames(parameters.frames, standing_frames(objects, output, parameters.look))
    if missing:
        if "Error" in request.preview:
            reason = failed_children.reasons(request.preview).get(-1, "no reason given")
            raise ResultsIncompleteError(f"the preview, frame {preview_frame(parameters.frames)}, failed: {reason}")
        raise ResultsIncompleteError(shortfall(plan, parameters, missing, reasons_of(request)))
    if request.film is not None:
        reasons = failed_children.reasons(request.film)
        raise ResultsIncompleteError(f"the film was not made: {reasons.get(0) or reasons.get(-1) or 'no reason given'}")
    effort = job_effort.of(job_id_of(request.preview)) + job_effort.of(job_id_of(request.job))
    logger.info("complete", extra={"frames": plan.items, "plan": plan.hash, "attempts": effort.attempts})
    return {
        "jobName": request.job_name,
        "status": "COMPLETE",
        "frames": plan.items,
        "filmUri": str(output / FILM),
        "framesUri": str(output / FRAMES),
        "outputUri": str(output),
        "warnings": list(request.warnings),
        "attempts": effort.attempts,
        "childSeconds": effort.seconds,
    }


def reasons_of(request: CollateRequest) -> dict[int, str]:
    """Why children failed; where all of them ended well, what stitching said."""
    return failed_children.reasons(request.job) or failed_children.reasons(request.film or {})


def shortfall(plan: Plan, parameters: RenderParameters, missing: list[int], reasons: dict[int, str]) -> str:
    """Which frames are missing, and by which children's fault."""
    told = [f"{len(missing)} of {plan.items} frames are missing: {format_frames(missing)}"]
    absent = set(missing)
    for index in range(plan.array_size):
        start, stop = plan.slice(index)
        lost = [frame for frame in parameters.frames[start:stop] if frame in absent]
        if lost and len(told) <= REASONS_TOLD:
            reason = reasons.get(index) or reasons.get(-1) or "its child ended without rendering them"
            told.append(f"slice {index} (frames {format_frames(lost)}): {reason}")
    return "\n".join(told)
