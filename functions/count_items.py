"""List the objects of a workflow, put them in order, and cut them into the slices of its arrays."""

import re
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from fanout.errors import RequestError, UriError
from fanout.items import PIPELINE, Places, Shape, list_items, per_slice, plan_items, withdraw_conclusions
from fanout.notice import NOBODY
from fanout.plan import Plan, find_plan, write_plan
from fanout.request import parse_request
from fanout.s3 import LONGEST_KEY, Objects, S3Uri, explained

CHECKS = 10  # properties that validation checks: more steps than that would have nothing to do
JOB_NAME_LENGTH = 110  # of Batch's 128 characters; the states append the job's letter

logger = Logger(service="count-items")
objects = Objects()


class CountRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The execution's input after its defaults were filled in."""

    execution_name: str
    input_uri: str
    output_uri: str
    recipient: Annotated[str, msgspec.Meta(max_length=256)] = ""
    validation_steps: Annotated[int, msgspec.Meta(ge=1, le=CHECKS)] = CHECKS
    items_per_job: str | int = "auto"  # or how many objects a child works on
    tolerated_failure_percentage: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0

    def __post_init__(self) -> None:
        if self.items_per_job != "auto" and not (str(self.items_per_job).isdecimal() and self.each):
            raise ValueError(f'itemsPerJob {self.items_per_job!r} is neither "auto" nor a positive whole number')
        for what, text in (("recipient", self.recipient), ("the execution's name", self.execution_name)):
            if text.startswith("-"):
                raise ValueError(f"{what} {text!r} begins with '-': job E would take it for an option")

    @property
    def job_name(self) -> str:
        """As Batch takes it: it begins with a letter or digit."""
        plain = re.sub(r"[^A-Za-z0-9_-]", "-", self.execution_name).lstrip("-_")
        return plain[:JOB_NAME_LENGTH] or PIPELINE

    @property
    def each(self) -> int | None:
        """Objects a child, or None where the work decides."""
        return None if self.items_per_job == "auto" else int(self.items_per_job)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """-> what the states need to submit the five jobs, numbers among parameters as the texts that Batch wants.

    Raises RequestError if there is no object, or UriError if there is no such bucket.
    """
    request = parse_request(event, CountRequest)
    source, output = place("input.inputUri", request.input_uri), place("input.outputUri", request.output_uri)
    try:
        plan, shape, resume = plan_run(request, source, output)
    except ClientError as error:
        raise explained(source, error) from error
    logger.info("planned", extra={"items": shape.items, "slices": shape.slices, "plan": plan.hash})
    return {
        "jobName": request.job_name,
        "execution": request.execution_name,
        "inputUri": str(source),
        "outputUri": str(output),
        "planHash": plan.hash,
        "shape": str(shape),
        "resume": "yes" if resume else "no",
        "tolerated": f"{request.tolerated_failure_percentage:g}",
        "recipient": request.recipient or NOBODY,
        "items": shape.items,
        "slices": shape.slices,
        "steps": request.validation_steps,
    }


def place(field: str, uri: str) -> S3Uri:
    """The folder that a field names. Raises RequestError."""
    try:
        return S3Uri.parse_prefix(uri)
    except UriError as error:
        raise RequestError(field, str(error)) from None


def plan_run(request: CountRequest, source: S3Uri, output: S3Uri) -> tuple[Plan, Shape, bool]:
    """Writes the list of objects, then the plan; whether anything of this plan was done before."""
    items = list_items(objects, source, output)
    plan, shape, content = plan_items(items, per_slice(items, request.each), source)
    places = Places(output, plan.hash)
    if len(places.statistics(0).key.encode()) > LONGEST_KEY:
        raise RequestError(
            "input.outputUri", f"{output} leaves no room for the names of results: keys end at 1,024 bytes"
        )
    withdraw_conclusions(objects, places)
    standing = find_plan(objects, output)
    objects.put(places.items, content, content_type="application/x-ndjson")
    resume = any(True for _ in objects.list(places.results))
    if standing is None or standing.hash != plan.hash:
        write_plan(objects, output, plan)
    return plan, shape, resume
