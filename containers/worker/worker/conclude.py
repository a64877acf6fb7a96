"""JobE: adds up what the jobs before found, clears away what they passed on, and tells of it once."""

import json
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any

import msgspec

from fanout.errors import CheckError
from fanout.itemresults import StepReport
from fanout.items import NOTIFICATION, PIPELINE, SUMMARY, Places
from fanout.manifest import OutputFile, write_manifest
from fanout.notice import Notice, Post
from fanout.plan import PLAN
from fanout.s3 import DELETE_BATCH, Objects, S3Uri, sha256
from fanout.seal import AGAIN
from worker.checks import CHECKS
from worker.metadata import Metadata, Row

LOST_TOLD = 5  # in the error's message
REJECTED_TOLD = 5  # in the message; summary.json lists them all


def conclude(
    objects: Objects,
    places: Places,
    table: Metadata,
    post: Post,
    *,
    execution: str,
    recipient: str,
    sender: str,
    now: float,
) -> str:
    """Writes summary, message and manifest. Raises CheckError unless every check was made and found nothing."""
    checks = read_checks(objects, places)
    rows = list(table.rows())
    results = list(result_files(rows, places))
    refuse_lost(objects, places, results)
    own = [kept(objects, places.output, uri) for uri in (places.output / PLAN, places.validation)]
    clear(objects, places.work)
    document = summary(rows, execution=execution, places=places)
    files = [*results, *checks]
    files.append(put(objects, places.output, SUMMARY, document))
    notice = notice_of(document, table.run, recipient)
    message_id = post.send_once(notice, sender=sender, now=now)
    sent = {"topicArn": post.topic, "messageId": message_id, "subject": notice.subject, "message": notice.message}
    files.append(put(objects, places.output, NOTIFICATION, sent))
    if document["status"] == "COMPLETE":
        write_manifest(objects, places.output, places.plan_hash, [*files, *own])
    return notice.subject


def read_checks(objects: Objects, places: Places) -> list[OutputFile]:
    """The reports of all steps, as outputs. Raises CheckError if a check is missing or found something."""
    files: list[OutputFile] = []
    found: dict[str, tuple[str, ...]] = {}
    for row in objects.list(places.results / "checks"):
        body = objects.get(row.uri)
        files.append(OutputFile(path=relative(places.output, row.uri), size=len(body), sha256=sha256(body)))
        found |= {check.name: check.problems for check in msgspec.json.decode(body, type=StepReport).checks}
    missing = [check.__name__ for check in CHECKS if check.__name__ not in found]
    broken = [f"{name}: {'; '.join(problems)}" for name, problems in found.items() if problems]
    if missing or broken:
        told = [f"check {name} was not made" for name in missing] + broken
        raise CheckError(f"the run of {places.output} is not complete: " + "\n".join(told))
    return files


def refuse_lost(objects: Objects, places: Places, files: Sequence[OutputFile]) -> None:
    """Raises CheckError if a file that is about to be claimed is gone, or has another size, since it was checked."""
    standing = {relative(places.output, row.uri): row.size for row in objects.list(places.results)}
    lost = [file.path for file in files if standing.get(file.path) != file.size]
    if lost:
        more = f" and {len(lost) - LOST_TOLD} more" if len(lost) > LOST_TOLD else ""
        raise CheckError(
            f"the run of {places.output} is not complete: gone or changed since it was checked: "
            f"{', '.join(lost[:LOST_TOLD])}{more}{AGAIN}"
        )


def clear(objects: Objects, folder: S3Uri) -> None:
    """Deletes what only the jobs needed."""
    for portion in batched((row.uri for row in objects.list(folder)), DELETE_BATCH, strict=False):
        objects.delete(*portion)


def summary(rows: Sequence[Row], *, execution: str, places: Places) -> dict[str, Any]:
    """``summary.json``."""
    processed = [row for row in rows if row["status"] == "processed"]
    rejected = [{"key": row["key"], "reason": row["reason"]} for row in rows if row["status"] == "rejected"]
    return {
        "execution": execution,
        "planHash": places.plan_hash,
        "outputUri": str(places.output),
        "status": "PARTIAL" if rejected else "COMPLETE",
        "items": len(rows),
        "processed": len(processed),
        "rejected": rejected,
        "records": sum(int(row["records"]) for row in processed),
        "bytes": sum(int(row["size"]) for row in processed),
    }


def notice_of(document: dict[str, Any], run: str, recipient: str) -> Notice:
    """What is told of a run that came to its end."""
    counts = f"{document['processed']} of {document['items']} objects processed"
    lines = [f"{PIPELINE} {document['execution']}: {counts}, {document['records']} records, {document['bytes']} bytes."]
    lines += [f"Results: {document['outputUri']}"]
    rejected = document["rejected"]
    lines += [f"Rejected: {each['key']!r}: {each['reason']}" for each in rejected[:REJECTED_TOLD]]
    lines += [f"and {len(rejected) - REJECTED_TOLD} more"] if len(rejected) > REJECTED_TOLD else []
    return Notice(
        run=run,
        execution=document["execution"],
        subject=f"{PIPELINE} {document['status'].lower()}: {counts}",
        message="\n".join(lines),
        status=document["status"],
        recipient=recipient,
    )


def result_files(rows: Sequence[Row], places: Places) -> Iterator[OutputFile]:
    """Statistics and profiles, with the hashes that the table holds."""
    for index, row in {int(row["slice"]): row for row in rows}.items():
        for kind, uri in (("statistics", places.statistics(index)), ("profiles", places.profiles(index))):
            size, digest = int(row[f"{kind}Size"]), str(row[f"{kind}Sha256"])
            yield OutputFile(path=relative(places.output, uri), size=size, sha256=digest)


def put(objects: Objects, output: S3Uri, name: str, document: dict[str, Any]) -> OutputFile:
    body = json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"
    objects.put(output / name, body)
    return OutputFile(path=name, size=len(body), sha256=sha256(body))


def kept(objects: Objects, output: S3Uri, uri: S3Uri) -> OutputFile:
    body = objects.get(uri)
    return OutputFile(path=relative(output, uri), size=len(body), sha256=sha256(body))


def relative(output: S3Uri, uri: S3Uri) -> str:
    return uri.key.removeprefix(f"{output.key}/" if output.key else "")
