"""Tell how a workflow ended: pass on what its last job wrote, or find out what failed, say so and notify."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import boto3
import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from failed_children import FailedChildren, job_id_of
from fanout.errors import ResultsIncompleteError, UriError
from fanout.itemresults import Rejected, Validation
from fanout.items import NOTIFICATION, PIPELINE, SUMMARY, Item, Places, Shape, parse_rows
from fanout.notice import Notice, Post, run_key
from fanout.request import parse_request
from fanout.s3 import Objects, S3Uri

TOLD = 5  # children, objects: in the error's message; summary.json lists them all
UNRUN = "Dependent Job failed"  # Batch's word for a job that another's failure kept from running

logger = Logger(service="report-outcome")


class Jobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ids of the jobs that were submitted, and what became of the last."""

    A: str | None = None
    B: str | None = None
    C: str | None = None
    D: str | None = None
    E: dict[str, Any] = {}  # its result, or the error that its state ended with


class OutcomeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the states before know."""

    execution: str
    output_uri: str
    plan_hash: str
    shape: str
    recipient: str = ""
    jobs: Jobs = Jobs()


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A job of which a child failed of itself, not because another job had failed."""

    job: str
    id: str
    children: dict[int, str]  # child -> why


class Services:
    """Clients, made when first used."""

    objects = Objects()
    failed_children = FailedChildren()

    @cached_property
    def post(self) -> Post:
        return Post(boto3.client("dynamodb"), boto3.client("sns"), os.environ["TABLE_NAME"], os.environ["TOPIC_ARN"])


services = Services()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """-> ``{status, items, processed, rejected, records, outputUri, messageId}`` of a run that came to its end.

    Raises ResultsIncompleteError, after the failure was notified, if a job failed before.
    """
    request = parse_request(event, OutcomeRequest)
    output = S3Uri.parse_prefix(request.output_uri)
    places = Places(output, request.plan_hash)
    ended = concluded(output, request)
    if ended is None:
        failure = explain(request, places)
        other = concluded_by_another(output, request)
        if other:
            failure["cause"] = f"another execution, {other}, used {output} too, and ended there\n{failure['cause']}"
        else:
            services.objects.put(output / SUMMARY, json.dumps(failure, indent=1).encode() + b"\n")
        sent = notify(request, places, failure)
        if not other:
            services.objects.put(output / NOTIFICATION, json.dumps(sent, indent=1).encode() + b"\n")
        raise ResultsIncompleteError(failure["cause"])
    message_id = services.post.sent(run_key(request.plan_hash, output), request.execution)
    counts = {name: ended[name] for name in ("status", "items", "processed", "records", "outputUri")}
    return counts | {"rejected": len(ended["rejected"]), "messageId": message_id}


def concluded(output: S3Uri, request: OutcomeRequest) -> dict[str, Any] | None:
    """The summary that JobE of this execution wrote and told of, even if Batch calls the job failed; or None."""
    try:
        summary: dict[str, Any] = json.loads(services.objects.get(output / SUMMARY))
        services.objects.get(output / NOTIFICATION)
    except (UriError, ValueError):
        return None
    if (summary.get("execution"), summary.get("planHash")) != (request.execution, request.plan_hash):
        return None
    if summary["status"] not in {"COMPLETE", "PARTIAL"}:  # this function's own words, of an earlier try
        return None
    if summary["status"] == "COMPLETE" and services.objects.find(output / "manifest.json") is None:
        return None
    return summary


def concluded_by_another(output: S3Uri, request: OutcomeRequest) -> str | None:
    """Another execution whose words stand under the output URI: they are its own to write and to take back.

    When this execution began it took back all that stood there: so the other was at work at the same time.
    """
    try:
        summary: dict[str, Any] = json.loads(services.objects.get(output / SUMMARY))
    except (UriError, ValueError):
        return None
    other = str(summary.get("execution"))
    return other if other != request.execution and summary.get("status") in {"COMPLETE", "PARTIAL"} else None


def explain(request: OutcomeRequest, places: Places) -> dict[str, Any]:
    """``summary.json`` of a run that failed: which jobs, which children, which objects have no result, and why."""
    failed = list(failures(request.jobs))
    rejected = rejections(places)
    holes = unfinished(places, Shape.parse(request.shape), rejected)
    lines = [f"job {each.job} ({each.id}) failed: {told(each.children)}" for each in failed]
    if rejected:
        lines.append("rejected by job A: " + listed([f"{each.key!r}: {each.reason}" for each in rejected]))
    if holes:
        count = f"{len(holes)} objects have" if len(holes) > 1 else "1 object has"
        lines.append(f"{count} no result: " + listed([repr(item.key) for item in holes]))
    return {
        "execution": request.execution,
        "planHash": request.plan_hash,
        "outputUri": str(places.output),
        "status": "FAILED",
        "cause": "\n".join(lines) or "the last job did not conclude the run, and Batch does not say why",
        "jobs": msgspec.to_builtins(failed, str_keys=True),
        "rejected": [{"key": each.key, "reason": each.reason} for each in rejected],
        "missing": [item.key for item in holes],
    }


def failures(jobs: Jobs) -> Iterator[Failed]:
    """The jobs that failed of themselves, in their order; the others only waited for them."""
    known = {name: {"jobId": job_id} for name in "ABCD" if (job_id := getattr(jobs, name))} | {"E": jobs.E}
    for name, job in known.items():
        reasons = services.failed_children.reasons(job)
        own = {child: why for child, why in reasons.items() if UNRUN not in why}
        if own:
            yield Failed(job=name, id=job_id_of(job) or "never submitted", children=own)


def rejections(places: Places) -> Sequence[Rejected]:
    """What JobA found unusable."""
    try:
        return msgspec.json.decode(services.objects.get(places.validation), type=Validation).rejected
    except (UriError, msgspec.DecodeError):
        return ()


def unfinished(places: Places, shape: Shape, rejected: Sequence[Rejected]) -> list[Item]:
    """The objects whose slice has no profile."""
    done = {row.uri for row in services.objects.list(places.results / "profiles")}
    try:
        items = list(parse_rows(services.objects.get(places.items)))
    except (UriError, msgspec.DecodeError):
        return []
    set_aside = {each.item for each in rejected}
    missing = [index for index in range(shape.slices) if places.profiles(index) not in done]
    spans = (shape.slice(index) for index in missing)
    return [item for start, stop in spans for item in items[start:stop] if item.item not in set_aside]


def notify(request: OutcomeRequest, places: Places, failure: Mapping[str, Any]) -> dict[str, Any]:
    """Tells of the failure, once an execution; ``notification.json``."""
    jobs = ", ".join(each["job"] for each in failure["jobs"]) or "unknown"
    notice = Notice(
        run=run_key(request.plan_hash, places.output),
        execution=request.execution,
        subject=f"{PIPELINE} failed in job {jobs}",
        message=f"{PIPELINE} {request.execution} failed.\n{failure['cause']}\nOutput so far: {places.output}",
        status="FAILED",
        recipient=request.recipient,
    )
    sender = f"{request.execution}/outcome"
    message_id = services.post.send_once(notice, sender=sender, now=time.time(), after_others=True)  # job E has ended
    sent = {"topicArn": services.post.topic, "messageId": message_id, "subject": notice.subject}
    return sent | {"message": notice.message}


def told(children: Mapping[int, str]) -> str:
    return listed([f"child {child}: {why}" if child >= 0 else why for child, why in sorted(children.items())])


def listed(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - TOLD} more"] if len(texts) > TOLD else []
    return "; ".join([*texts[:TOLD], *more])
