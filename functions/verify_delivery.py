"""Verify that every record that went in came out, and say which did not and why."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from deliveries import Deliveries, check_deliveries
from failed_children import FailedChildren
from fanout.errors import PlanError, ResultsIncompleteError, UriError
from fanout.manifest import OutputFile, write_manifest
from fanout.plan import PLAN, Plan, read_plan, read_staged
from fanout.records import ALL_NODES, IDS, RERUNS, STEPS, Statistics, node_of_child
from fanout.request import parse_request
from fanout.s3 import Objects, S3Uri, sha256
from job_timeline import timeline
from job_times import JobTimes, Step, timings

NODES_TOLD = 5  # in the error's message; summary.json lists them all

OF_JOBS = ("timings.json", "timeline.svg")  # what is told of the jobs that ran

logger = Logger(service="verify-delivery")
objects = Objects()
failed_children = FailedChildren()
job_times = JobTimes()


class VerifyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the states before found."""

    run_id: str
    output_uri: str
    plan_hash: str | None = None  # None: the plan that stands
    node_list: str = ALL_NODES
    jobs: dict[str, str] = {}  # step -> job id; none if nothing was left to do


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A node of which nothing counts as delivered."""

    node: int
    reason: str
    ids: tuple[str, ...]


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """-> ``{runId, status, records, nodes, outputUri}``; writes summary, timings, picture and, last, the manifest.

    Raises ResultsIncompleteError naming jobs, children and records if any record is missing.
    """
    request = parse_request(event, VerifyRequest)
    output = S3Uri.parse_prefix(request.output_uri)
    plan = read_plan(objects, output, request.plan_hash)
    ids = read_ids(plan, output)
    found = check_deliveries(plan, ids, output, objects)
    missing = missing_nodes(request, plan, ids, found, output) if found.problems else []
    steps, trouble = job_times.steps(request.jobs)
    if trouble:
        logger.warning("no picture of the run", extra={"reason": trouble})
    write_outputs(request, plan, found, missing, steps, output)
    if missing:
        raise ResultsIncompleteError(shortfall(missing, plan))
    write_manifest(objects, output, plan.hash, found.files)
    return {
        "runId": request.run_id,
        "status": "COMPLETE",
        "records": plan.items,
        "nodes": plan.array_size,
        "outputUri": str(output),
    }


def read_ids(plan: Plan, output: S3Uri) -> list[str]:
    """The ids of the records that went in."""
    content = read_staged(objects, output, plan, IDS)
    if sha256(content) != plan.work.inputs["ids"]:
        raise PlanError(f"{output / IDS} does not hold the ids that the plan was made for")
    return content.decode().splitlines()


def missing_nodes(
    request: VerifyRequest, plan: Plan, ids: Sequence[str], found: Deliveries, output: S3Uri
) -> list[Missing]:
    """Every node that is not delivered, with the first thing that went wrong with it."""
    reasons = reasons_by_node(request, output)
    missing = []
    for node, problem in sorted(found.problems.items()):
        start, stop = plan.slice(node)
        reason = reasons.get(node) or reasons.get(-1) or problem
        missing.append(Missing(node=node, reason=reason, ids=tuple(ids[start:stop])))
    return missing


def reasons_by_node(request: VerifyRequest, output: S3Uri) -> dict[int, str]:
    """Node -> the earliest step of which its child failed, and why; -1 stands for every node."""
    listed = None
    if request.node_list != ALL_NODES:
        listed = objects.get(output / RERUNS / request.node_list)
    reasons: dict[int, str] = {}
    for step in filter(request.jobs.get, STEPS):
        job_id = request.jobs[step]
        for child, why in failed_children.reasons({"jobId": job_id}).items():
            node = child if listed is None or child < 0 else node_of_child(listed, child)
            of_child = f"{step} child {child}" if child >= 0 else step
            reasons.setdefault(node, f"{of_child} (job {job_id}): {why}")
    return reasons


def write_outputs(
    request: VerifyRequest,
    plan: Plan,
    found: Deliveries,
    missing: Sequence[Missing],
    steps: Sequence[Step],
    output: S3Uri,
) -> None:
    """Every output but the manifest."""
    delivered = sum(delivery.records for delivery in found.delivered.values())
    title = f"{request.run_id}: {delivered:,} of {plan.items:,} records delivered"
    outputs = {
        "summary.json": (dump(summary(request, plan, found, missing)), "application/json"),
        "timings.json": (dump(timings(steps, delivered)), "application/json"),
        "timeline.svg": (timeline(title, steps), "image/svg+xml"),
    }
    for name, (body, content_type) in outputs.items():
        if name in OF_JOBS and not steps and (standing := find(output / name)):
            body = standing  # nothing ran this time: what is told of the time before stays true
        else:
            objects.put(output / name, body, content_type)
        found.files.append(OutputFile(path=name, size=len(body), sha256=sha256(body)))
    plan_body = objects.get(output / PLAN)
    found.files.append(OutputFile(path=PLAN, size=len(plan_body), sha256=sha256(plan_body)))
    found.files += [OutputFile(path=name, size=f.size, sha256=f.sha256) for name, f in plan.files.items()]


def find(uri: S3Uri) -> bytes | None:
    try:
        return objects.get(uri)
    except UriError:
        return None


def summary(request: VerifyRequest, plan: Plan, found: Deliveries, missing: Sequence[Missing]) -> dict[str, Any]:
    """``summary.json``: what went in, what came out, and the statistics of all readings."""
    whole = Statistics.add_up(delivery.statistics for delivery in found.delivered.values())
    return {
        "runId": request.run_id,
        "records": plan.items,
        "nodes": plan.array_size,
        "delivered": sum(delivery.records for delivery in found.delivered.values()),
        "complete": not missing,
        "missing": msgspec.to_builtins(missing),
        "statistics": msgspec.to_builtins(whole) | {"mean": whole.mean},
    }


def shortfall(missing: Sequence[Missing], plan: Plan) -> str:
    records = sum(len(each.ids) for each in missing)
    head = f"{records} of {plan.items} records are not delivered, in {len(missing)} of {plan.array_size} nodes"
    told = [f"node {each.node}, {span(each.ids)}: {each.reason}" for each in missing[:NODES_TOLD]]
    more = [f"and {len(missing) - NODES_TOLD} more nodes; summary.json lists all"] if len(missing) > NODES_TOLD else []
    return "\n".join([head, *told, *more])


def span(ids: Sequence[str]) -> str:
    return f"{len(ids)} records from {ids[0]} to {ids[-1]}" if len(ids) > 1 else f"record {ids[0]}"


def dump(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"
