"""Count the positions of a book and cut them into the slices of the array job that prices them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from fanout.errors import RequestError, UriError
from fanout.manifest import MANIFEST, withdraw_manifest
from fanout.market import Market, Surface, bundled_market, encode_market, parse_market
from fanout.plan import PLAN, Plan, Source, Work, find_plan, upload_staged, write_plan
from fanout.prices import METHOD
from fanout.pricing import Pricing
from fanout.request import parse_request
from fanout.s3 import Objects, ObjectSummary, S3Uri
from fanout.slicing import Batchable, Boundaries, by_cost, even
from fanout.staging import StagedBook, stage_book
from price_effort import Effort

SECONDS_PER_SLICE = 10.0  # long beside a child's start-up, short beside a Spot notice
PILOT_SECONDS = 60.0  # of work from which on a pilot pays that finds how many paths the target needs
STAGED = ("positions.jsonl", "positions.offsets", "market.json")
STALE = ("model.json", "aggregate.json", "positions.csv", "report.html", "timings.json")  # untrue of another plan

logger = Logger(service="count-positions")
objects = Objects()


class CountRequest(Pricing, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The execution's input after its defaults were filled in."""

    job_name: Annotated[
        str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,117}$")
    ]  # Batch's rule for names, with room for "-calibrate"
    input_uri: str
    output_uri: str
    job_definition_arn: str
    job_queue_arn: str
    market_uri: str | None = None
    positions_per_job: str | int = "auto"  # or how many positions a child prices
    tolerated_failure_percentage: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0

    def __post_init__(self) -> None:
        if self.positions_per_job != "auto" and not (str(self.positions_per_job).isdecimal() and self.per_slice):
            raise ValueError(
                f'positionsPerJob {self.positions_per_job!r} is neither "auto" nor a positive whole number'
            )

    @property
    def per_slice(self) -> int | None:
        """Positions a child, or None where the work decides."""
        return None if self.positions_per_job == "auto" else int(self.positions_per_job)

    @property
    def effort(self) -> Effort:
        """What a trade costs to price."""
        return Effort(
            target_bp=self.target_standard_error_bp,
            max_paths=self.max_paths,
            greeks=self.greeks,
            scenarios=self.scenarios,
        )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The execution's input -> ``{positions, slices, planHash, calibrate}``; writes the plan and what it is about.

    Raises RequestError, UriError, PortfolioError or MarketError before anything is written.
    """
    request = parse_request(event, CountRequest)
    plan = plan_run(request, objects)
    logger.info("planned", extra={"positions": plan.items, "slices": plan.array_size, "plan": plan.hash})
    return {
        "positions": plan.items,
        "slices": plan.array_size,
        "planHash": plan.hash,
        "calibrate": plan.work.parameters["calibrate"],
    }


def plan_run(request: CountRequest, objects: Objects) -> Plan:
    """Validates the whole book first; then writes book, offsets and market and, last, the plan."""
    output = S3Uri.parse_prefix(request.output_uri)
    refuse_own_outputs(request, output)
    market, market_source = read_market(request.market_uri, objects)
    found = existing(S3Uri.parse(request.input_uri), objects)
    with TemporaryDirectory() as directory:
        with objects.open(found.uri, IfMatch=f'"{found.etag}"') as stream:
            book = stage_book(stream, market, Path(directory))
        market_file = Path(directory) / "market.json"
        market_file.write_bytes(encode_market(market))
        files = {"positions.jsonl": book.lines, "positions.offsets": book.offsets, "market.json": market_file}
        work = work_of(request, book, market, file_sha256(market_file))
        withdraw_manifest(objects, output)
        standing = find_plan(objects, output)
        if standing and standing.work == work and stands(standing, output, objects):
            return standing
        by_strike = S3Uri(output.bucket, f"aggregation_{request.job_name}.json")
        objects.delete(by_strike, *(output / name for name in STALE))
        staged = {name: upload_staged(objects, path, output / name) for name, path in files.items()}
    book_source = Source(uri=str(found.uri), etag=found.etag)
    plan = Plan.of(work, sources={"book": book_source, "market": market_source}, files=staged)
    write_plan(objects, output, plan)
    return plan


def refuse_own_outputs(request: CountRequest, output: S3Uri) -> None:
    """An input that lies where this run writes would be overwritten or deleted by it."""
    written = {output / name for name in (PLAN, MANIFEST, *STAGED, *STALE)}
    for field, text in (("inputUri", request.input_uri), ("marketUri", request.market_uri)):
        uri = S3Uri.parse(text) if text else None
        if uri in written or (uri and f"{uri}".startswith(f"{output / 'results'}/")):
            raise RequestError(f"input.{field}", f"{uri} is where this run writes: give another outputUri")


def read_market(uri: str | None, objects: Objects) -> tuple[Market, Source]:
    """The snapshot at ``uri``, or the bundled one."""
    if uri is None:
        return bundled_market(), Source(uri="bundled", etag="")
    found = existing(S3Uri.parse(uri), objects)
    return parse_market(objects.get(found.uri, IfMatch=f'"{found.etag}"')), Source(uri=uri, etag=found.etag)


def work_of(request: CountRequest, book: StagedBook, market: Market, market_sha256: str) -> Work:
    """What decides the results of this run."""
    groups = request.effort.of(book.groups)
    surfaces = used_surfaces(book, market)
    return Work(
        pipeline="montecarlo",
        inputs={"book": book.sha256, "market": market_sha256},
        slices=slices(request, groups),
        parameters={
            "targetStandardErrorBp": request.target_standard_error_bp,
            "maxPaths": request.max_paths,
            "seed": request.seed,
            "greeks": request.greeks,
            "scenarios": request.scenarios,
            "method": METHOD,
            "bookName": book.name,
            "surfaces": surfaces,
            "calibrate": bool(surfaces) or needs_pilot(groups),
        },
    )


def slices(request: CountRequest, groups: Sequence[Batchable]) -> Boundaries:
    """As many positions a child as asked for; left to itself, about ten seconds of work a child."""
    if request.per_slice:
        return even(sum(group.size for group in groups), request.per_slice)
    return by_cost(groups, SECONDS_PER_SLICE)


def used_surfaces(book: StagedBook, market: Market) -> list[str]:
    """The underlyings of the book whose models are to be calibrated; a market has many more."""
    used = {name for group in book.groups for name in group.underlyings}
    return sorted(name for name in used if isinstance(market.underlyings[name].volatility, Surface))


def needs_pilot(groups: Sequence[Batchable]) -> bool:
    """Whether a job before the array sets path budgets; never a matter of how it is sliced."""
    return sum(group.seconds for group in groups) > PILOT_SECONDS


def existing(uri: S3Uri, objects: Objects) -> ObjectSummary:
    if (found := objects.find(uri)) is None:
        raise UriError(f"{uri}: there is no such object")
    return found


def stands(plan: Plan, output: S3Uri, objects: Objects) -> bool:
    """Whether the files that children of ``plan`` read are still the ones it was written with."""
    return all((found := objects.find(output / name)) and found.etag == file.etag for name, file in plan.files.items())


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
