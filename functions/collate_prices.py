"""Collate the prices of all slices, decide whether the run is complete, and write its totals."""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from failed_children import FailedChildren
from fanout.book import DEFAULT_NAME, Position, decode_position
from fanout.errors import ResultsIncompleteError, UriError
from fanout.manifest import OutputFile, write_manifest
from fanout.market import Market, parse_market
from fanout.plan import PLAN, Plan, read_plan, read_staged, staged_lines
from fanout.prices import Price, SlicePrices, Unpriced, read_slice_prices
from fanout.request import parse_request
from fanout.s3 import Objects, S3Uri, sha256
from price_quality import Precision, models_of
from price_report import ROWS_SHOWN, report_page
from price_table import Table
from price_totals import Totals

MODEL = "model.json"
FETCHES_AT_ONCE = 10  # connections that boto3 keeps
LONGEST_NAME = 128  # characters of a book's name
FAILURES_TOLD = 5  # in the error's message; aggregate.json lists them all

logger = Logger(service="collate-prices")
objects = Objects()
failed_children = FailedChildren()


class CollateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the state passes on from the execution's input and from the states before."""

    job_name: str
    output_uri: str
    plan_hash: str | None = None  # None: the plan that stands
    tolerated_failure_percentage: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    job: dict[str, Any] = {}


@dataclass(slots=True)
class Collation:
    """What the results add up to."""

    precision: Precision
    table: Table
    totals: Totals = field(default_factory=Totals)
    shown: list[tuple[Position, Price]] = field(default_factory=list)  # on the page
    failed: list[Unpriced] = field(default_factory=list)
    files: list[OutputFile] = field(default_factory=list)
    seconds: float = 0.0
    attempts: int = 0

    def add(self, positions: Sequence[Position], prices: SlicePrices) -> None:
        """A slice's positions, in the order of the book; a million of them must fit, so little of each is kept."""
        self.failed += prices.failed
        by_index = {price.index: price for price in prices.prices}
        for position in positions:
            if price := by_index.get(position.index):
                self.table.add(position, price)
                self.totals.add(position, price)
                self.precision.add(price)
                if position.index < ROWS_SHOWN:
                    self.shown.append((position, price))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """-> ``{jobName, status, positions, priced, missedTarget, aggregateUri, outputUri}``; the manifest is written last.

    Raises ResultsIncompleteError if more positions lack a price than the run tolerates.
    """
    request = parse_request(event, CollateRequest)
    output = S3Uri.parse_prefix(request.output_uri)
    plan = read_plan(objects, output, request.plan_hash)
    reasons = failed_children.reasons(request.job)
    collation = collate(plan, output, reasons, objects)
    market = parse_market(read_staged(objects, output, plan, "market.json"))
    models = read_models(plan, output, collation) if plan.work.parameters["calibrate"] else {}
    aggregate = aggregate_of(request, plan, collation, market, models)
    write_outputs(request, output, plan, collation, aggregate, market)
    if len(collation.failed) * 100 > request.tolerated_failure_percentage * plan.items:
        raise ResultsIncompleteError(shortfall(collation.failed, plan.items))
    if not collation.failed:
        complete(request, output, plan, collation, market)
    return {
        "jobName": request.job_name,
        "status": "PARTIAL" if collation.failed else "COMPLETE",
        "positions": plan.items,
        "priced": collation.table.priced,
        "missedTarget": collation.precision.missed,
        "aggregateUri": str(output / "aggregate.json"),
        "outputUri": str(output),
    }


def collate(plan: Plan, output: S3Uri, reasons: Mapping[int, str], objects: Objects) -> Collation:
    """Goes through slices and book side by side; every position ends up priced or failed, none twice."""
    asked = plan.work.parameters
    collation = Collation(precision=Precision(asked["targetStandardErrorBp"]), table=Table(greeks=asked["greeks"]))
    lines = staged_lines(objects, output, plan, "positions.jsonl")
    for index, (body, notes) in enumerate(results(plan, output, objects)):
        start, stop = plan.slice(index)
        positions = [decode_position(line) for line in islice(lines, stop - start)]
        try:
            prices = checked(body, plan, index, positions)
        except ValueError as error:
            reason = "; ".join(filter(None, [str(error), reasons.get(index) or reasons.get(-1)]))
            collation.failed += [Unpriced(index=p.index, id=p.id, reason=f"slice {index}: {reason}") for p in positions]
            continue
        path = f"results/{plan.hash}/{index:05d}.json"
        collation.files.append(OutputFile(path=path, size=len(body), sha256=sha256(body)))
        collation.seconds += float(notes.get("seconds", 0))
        collation.attempts += int(notes.get("attempt", 1))
        collation.add(positions, prices)
    collation.failed.sort(key=lambda unpriced: unpriced.index)
    return collation


def read_models(plan: Plan, output: S3Uri, collation: Collation) -> dict[str, Any]:
    """How the models of this run fit; none if the job that finds them failed."""
    try:
        body = objects.get(output / MODEL)
    except UriError:
        return {}
    collation.files.append(OutputFile(path=MODEL, size=len(body), sha256=sha256(body)))
    return dict(models_of(body, plan.hash))


def results(plan: Plan, output: S3Uri, objects: Objects) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Every slice's result in order, a few fetched ahead; an absent one is empty."""

    def fetch(index: int) -> tuple[bytes, dict[str, str]]:
        try:
            return objects.get_annotated(plan.result(output, index))
        except UriError:
            return b"", {}

    ahead: deque[Future[tuple[bytes, dict[str, str]]]] = deque()
    with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
        for index in range(plan.array_size):
            ahead.append(pool.submit(fetch, index))
            if len(ahead) > 2 * FETCHES_AT_ONCE:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def checked(body: bytes, plan: Plan, index: int, positions: list[Position]) -> SlicePrices:
    """The slice's result. Raises ValueError if it is absent, damaged, another plan's or not about these positions."""
    if not body:
        raise ValueError("no result was written")
    result = read_slice_prices(body, plan.hash, index)
    told = sorted([price.index for price in result.prices] + [unpriced.index for unpriced in result.failed])
    if told != sorted(position.index for position in positions):
        raise ValueError("the result is not about the positions of this slice")
    return result


def aggregate_of(
    request: CollateRequest, plan: Plan, collation: Collation, market: Market, models: dict[str, Any]
) -> dict[str, Any]:
    """``aggregate.json``: the same to the last bit however the work was sliced."""
    return {
        "jobName": request.job_name,
        "book": book_name(request, plan),
        "positions": plan.items,
        "priced": collation.table.priced,
        "failed": msgspec.to_builtins(collation.failed),
        "complete": not collation.failed,
        **collation.totals.report(market.fx),
        **collation.precision.report(),
        "models": models,
        "valuationDate": market.valuation_date.isoformat(),
        "inputSha256": plan.work.inputs["book"],
        "marketSha256": plan.work.inputs["market"],
    }


def book_name(request: CollateRequest, plan: Plan) -> str:
    """What the book calls itself, fit for one line of a terminal; the job's name if it does not."""
    name: str = plan.work.parameters["bookName"]
    if name == DEFAULT_NAME:
        return request.job_name
    return "".join(each if each.isprintable() else " " for each in name[:LONGEST_NAME])


def write_outputs(
    request: CollateRequest, output: S3Uri, plan: Plan, collation: Collation, aggregate: dict[str, Any], market: Market
) -> None:
    """Every output but the manifest."""
    collation.shown.sort(key=lambda pair: pair[0].index)
    timings = {"slices": plan.array_size, "childSeconds": collation.seconds, "attempts": collation.attempts}
    outputs = {
        "aggregate.json": (dump(aggregate), "application/json"),
        "timings.json": (dump(timings), "application/json"),
        "positions.csv": (collation.table.csv(), "text/csv"),
        "report.html": (report_page(aggregate, collation.shown), "text/html"),
    }
    for name, (body, content_type) in outputs.items():
        objects.put(output / name, body, content_type)
        collation.files.append(OutputFile(path=name, size=len(body), sha256=sha256(body)))
    collation.files += [OutputFile(path=name, size=f.size, sha256=f.sha256) for name, f in plan.files.items()]


def complete(request: CollateRequest, output: S3Uri, plan: Plan, collation: Collation, market: Market) -> None:
    """Publishes the totals that no reader could tell from partial ones, and says that the run is complete."""
    by_strike = collation.totals.pv_by_strike(market.fx)
    objects.put(S3Uri(output.bucket, f"aggregation_{request.job_name}.json"), dump(by_strike))
    read_plan(objects, output, plan.hash)  # the last moment at which another run may be noticed
    body = objects.get(output / PLAN)
    collation.files.append(OutputFile(path=PLAN, size=len(body), sha256=sha256(body)))
    write_manifest(objects, output, plan.hash, collation.files)


def shortfall(failed: list[Unpriced], positions: int) -> str:
    told = [f"position {f.index} ({f.id}): {f.reason}" for f in failed[:FAILURES_TOLD]]
    more = [f"and {len(failed) - FAILURES_TOLD} more, listed in aggregate.json"] if len(failed) > FAILURES_TOLD else []
    return "\n".join([f"{len(failed)} of {positions} positions have no price", *told, *more])


def dump(document: Any) -> bytes:
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"
