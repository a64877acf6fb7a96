"""Divide a run's records into nodes and lay out their directories on the shared file system."""

import random
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from deliveries import check_deliveries
from fanout.errors import RequestError, UriError
from fanout.manifest import withdraw_manifest
from fanout.plan import Plan, StagedFile, Work, find_plan, write_plan
from fanout.records import (
    ALL_NODES,
    DELIVERY,
    HOURS,
    IDS,
    NODE_FILE,
    OPEN_ABOVE,
    PIPELINE,
    RERUNS,
    Node,
    node_name,
    rerun_list,
)
from fanout.request import parse_request
from fanout.s3 import LONGEST_KEY, Objects, S3Uri, explained, sha256
from fanout.seal import sealed
from fanout.shared import SAFE_NAME, SharedFiles
from fanout.slicing import even

FEWEST, MOST = 200, 1_000  # records of a run that does not say how many
OPERATIONS_AT_ONCE = 64  # on the file system: its time goes by waiting
JOB_NAME_LENGTH = 110  # of Batch's 128 characters; the state appends the step
SHOWN = 80  # characters of a value that cannot be used
STALE = ("summary.json", "timings.json", "timeline.svg")  # until the run is complete again

logger = Logger(service="prepare-nodes")
objects = Objects()


class PrepareRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The execution's input after its defaults were filled in."""

    execution_name: str
    egress_uri: str  # the egress bucket
    scheduled_time: str | None = None  # when the schedule meant to start the run
    run_id: str | None = None
    output_uri: str | None = None  # None: a folder of the egress bucket named after the run
    records: Annotated[int, msgspec.Meta(ge=1, le=5_000_000)] | None = None  # None: a number drawn from the seed
    records_per_node: Annotated[int, msgspec.Meta(ge=1)] = 40
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None  # None: follows from the run id
    keep: bool = False  # for the state that cleans up

    @property
    def run(self) -> str:
        """The run's id: the same for every execution that means the same run. Raises RequestError."""
        name = self.execution_name if self.scheduled_time is None else scheduled_id(moment(self.scheduled_time))
        name = name if self.run_id is None else self.run_id
        if not SAFE_NAME.fullmatch(name):
            raise RequestError(
                "the execution's name" if self.run_id is None else "input.runId",
                f"{shortened(name)} cannot name the run's directory: that takes 1 to 128 letters, digits, '.', '_' and "
                f"'-', the first a letter or digit{'; or give a runId' if self.run_id is None else ''}",
            )
        return name

    @property
    def named_by(self) -> str:
        """What of the input decides where the run's results lie."""
        return "runId" if self.output_uri is None else "outputUri"

    @property
    def output(self) -> S3Uri:
        """Where the run delivers. Raises RequestError."""
        try:
            output = S3Uri.parse_prefix(self.output_uri or f"{self.egress_uri}/{self.run}")
        except UriError as error:
            raise RequestError("input.outputUri", str(error)) from None
        if len((output / node_name(0) / "results" / DELIVERY).key.encode()) > LONGEST_KEY:
            raise RequestError(
                "input.outputUri",
                f"{shortened(str(output))} leaves no room for the names of results: keys end at 1,024 bytes",
            )
        return output


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """-> ``{runId, jobName, outputUri, planHash, records, nodes, nodeList, keep}``; ``nodes``: how many are left to do.

    Repeatable: the same run gets the same plan and directories, and nodes that were delivered are left alone.
    Raises RequestError, or UriError if the egress bucket is not there.
    """
    request = parse_request(event, PrepareRequest)
    try:
        prepared = prepare(request, objects, SharedFiles.mounted())
    except ClientError as error:
        raise misplaced(request, explained(request.output, error)) from error
    except UriError as error:
        raise misplaced(request, error) from error
    logger.info("prepared", extra=prepared)
    return prepared


def misplaced(request: PrepareRequest, error: Exception) -> Exception:
    """What is wrong with a URI is wrong with the input, if it came with it."""
    if isinstance(error, UriError) and request.output_uri is not None:
        return RequestError("input.outputUri", str(error))
    return error


def prepare(request: PrepareRequest, objects: Objects, shared: SharedFiles) -> dict[str, Any]:
    run, output = request.run, request.output
    ids = record_ids(request, run)
    content = "".join(f"{record_id}\n" for record_id in ids).encode()
    work = Work(
        pipeline=PIPELINE,
        inputs={"ids": sha256(content)},
        slices=even(len(ids), request.records_per_node),
        parameters={"seed": seed_of(request, run), "hours": HOURS, "openAbove": OPEN_ABOVE},
    )
    plan = settle_plan(work, content, request, objects)
    done = check_deliveries(plan, ids, output, objects).delivered
    left = [node for node in range(plan.array_size) if node not in done]
    withdraw_manifest(objects, output)
    node_list = lay_out(shared.folder(run), plan, ids, left, output, objects) if left else ALL_NODES
    return {
        "runId": run,
        "jobName": re.sub(r"[^A-Za-z0-9_-]", "-", run)[:JOB_NAME_LENGTH],
        "outputUri": str(output),
        "planHash": plan.hash,
        "records": plan.items,
        "nodes": len(left),
        "nodeList": node_list,
        "keep": request.keep,
    }


def moment(text: str) -> datetime:
    """Raises RequestError."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise RequestError(
        "input.scheduledTime", f"{shortened(text)} is no moment with its time zone, such as 2026-11-21T02:00:00Z"
    )


def scheduled_id(at: datetime) -> str:
    """``20261025T003000Z``: in UTC, so that the hour that a clock change repeats has two ids."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def shortened(text: str) -> str:
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}… ({len(text):,} characters)"


def seed_of(request: PrepareRequest, run: str) -> int:
    """The seed asked for, or one of the run's own: every night has its own records."""
    return request.seed if request.seed is not None else int(sha256(run.encode())[:15], 16)


def record_ids(request: PrepareRequest, run: str) -> list[str]:
    """The ids of the records to be procured. A pipeline of your own asks its source here."""
    draw = random.Random(seed_of(request, run))  # noqa: S311 - sample data, nobody's secret
    count = request.records or draw.randint(FEWEST, MOST)
    return [f"R{number:07d}" for number in range(count)]


def settle_plan(work: Work, ids: bytes, request: PrepareRequest, objects: Objects) -> Plan:
    """The plan that stands, or a new one. Raises RequestError if the place holds other work."""
    output = request.output
    standing = find_plan(objects, output)
    if standing and standing.work != work:
        raise RequestError(
            "input",
            f"the run at {output} was prepared with {describe(standing.work)}, this input, of run {request.run!r}, "
            f"asks for {describe(work)}: give the same input to repeat it, or another {request.named_by}",
        )
    staged = objects.find(output / IDS)
    if standing and staged and staged.etag == standing.files[IDS].etag:
        return standing
    objects.delete(*(output / name for name in STALE))
    objects.put(output / IDS, ids, content_type="text/plain")
    stored = objects.find(output / IDS)
    assert stored is not None, f"{output / IDS} was put and is not there"
    file = StagedFile(etag=stored.etag, size=stored.size, sha256=work.inputs["ids"])
    plan = Plan.of(work, sources={}, files={IDS: file})
    write_plan(objects, output, plan)
    return plan


def describe(work: Work) -> str:
    nodes = len(work.slices) - 1
    return f"{work.slices[-1]} records in {nodes} {'nodes' if nodes > 1 else 'node'}, parameters {work.parameters}"


def lay_out(
    folder: SharedFiles, plan: Plan, ids: Sequence[str], left: Sequence[int], output: S3Uri, objects: Objects
) -> str:
    """Makes the directories of the nodes that are left, many at a time; what tells children their nodes."""
    folder.make()

    def lay(node: Node) -> None:
        place = folder.folder(node_name(node.node))
        place.make()
        place.folder("prep").write(NODE_FILE, sealed(node))

    with ThreadPoolExecutor(OPERATIONS_AT_ONCE) as pool:
        for _ in pool.map(lay, nodes_of(plan, ids, left)):
            pass
    if len(left) == plan.array_size:
        return ALL_NODES
    name, content = rerun_list(left)
    folder.folder(RERUNS).write(name, content)
    objects.put(output / RERUNS / name, content, content_type="text/plain")  # for the verifier, which mounts nothing
    return name


def nodes_of(plan: Plan, ids: Sequence[str], numbers: Sequence[int]) -> Iterator[Node]:
    parameters = plan.work.parameters
    for number in numbers:
        start, stop = plan.slice(number)
        yield Node(
            plan_hash=plan.hash,
            node=number,
            seed=parameters["seed"],
            hours=parameters["hours"],
            open_above=parameters["openAbove"],
            ids=tuple(ids[start:stop]),
        )
