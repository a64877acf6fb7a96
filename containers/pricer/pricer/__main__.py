"""The pricer's command line, and its only file with input and output.

``calibrate``  models and path budget of a planned book, before its array starts
``price``      one slice of a planned book, from and to object storage, as a child of an array job
``local``      a whole book from a file, without any cloud; JSON on stdout
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import msgspec

from fanout.book import Position, decode_position, read_book
from fanout.errors import FanoutError, Interrupted, PlanError, UriError
from fanout.market import Market, bundled_market, parse_market
from fanout.plan import Plan, read_plan, read_staged
from fanout.prices import METHOD, Price, SlicePrices, Unpriced, read_slice_prices
from fanout.s3 import Objects, S3Uri
from pricer.budget import Budget
from pricer.instant import price_book
from pricer.models import ModelDocument, Models
from pricer.pilot import look
from pricer.price import Wanted, price_positions

MODEL = "model.json"
OFFSET_BYTES = 8  # of positions.offsets: little-endian, unsigned
PILOT_POSITIONS = 256  # of a planned book, at most: each is a read of its own
UNPRICED, PARTIAL = 1, 3  # exit status: no position has a price; some have none


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one action; the exit status is the contract with the job definition's retry rules."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        options = _options(arguments)
        status: int = options.run(options)
    except FanoutError as error:
        log("failed", error=type(error).__name__, reason=str(error))
        return error.exit_code
    return status


def calibrate(options: argparse.Namespace) -> int:
    """Fits the surfaces, looks at some positions, writes ``model.json``; does nothing if it stands."""
    started = time.monotonic()
    objects, output = Objects(), S3Uri.parse_prefix(options.output)
    plan = planned(objects, output, options.plan_hash)
    if find_model(objects, output, plan) is not None:
        log("model stands", uri=output / MODEL)
        return 0
    market = read_market(objects, output, plan)
    models = Models.calibrated(market, plan.work.parameters["surfaces"], wanted_of(plan).changes)
    for name, fit in models.fits.items():
        fitted = fit.calibration
        event = "calibrated" if fitted.quality == "good" else "POOR FIT"
        log(event, underlying=name, rmsBp=f"{fitted.rms_bp:.1f}", worstBp=f"{fitted.worst_bp:.1f}")
    pilots = look(read_sample(objects, output, plan), models, Budget.of(plan.work.parameters))
    for pilot in pilots:
        log("budget", kind=pilot.kind, log2Points=pilot.log2_points, errorBp=f"{pilot.standard_error_bp:.3f}")
    document = ModelDocument(plan_hash=plan.hash, fits=dict(models.fits), pilots=pilots)
    objects.put(output / MODEL, msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    log("model written", seconds=f"{time.monotonic() - started:.2f}", uri=output / MODEL)
    return 0


def price(options: argparse.Namespace) -> int:
    """Prices the slice of this child and writes its result, whole, last; does nothing if the result stands."""
    started = time.monotonic()
    index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))
    objects, output = Objects(), S3Uri.parse_prefix(options.output)
    plan = planned(objects, output, options.plan_hash)
    start, stop = plan.slice(index)
    target = plan.result(output, index)
    if stands(objects, target, plan, index):
        log("result stands", slice=index, uri=target)
        return 0
    positions = read_slice(objects, output, plan, start, stop)
    models, budget = read_models(objects, output, plan, positions)
    log("pricing", slice=index, plan=plan.hash[:12], start=start, stop=stop)
    prices, failed = price_all(positions, models, budget, wanted_of(plan))
    result = SlicePrices(
        plan_hash=plan.hash, slice=index, start=start, stop=stop, prices=tuple(prices), failed=tuple(failed)
    )
    seconds = time.monotonic() - started
    notes = {"seconds": f"{seconds:.3f}", "attempt": os.environ.get("AWS_BATCH_JOB_ATTEMPT", "1")}
    objects.put(target, msgspec.json.encode(result), notes=notes)
    log("priced", slice=index, prices=len(prices), failed=len(failed), seconds=f"{seconds:.2f}", uri=target)
    return 0


def stands(objects: Objects, target: S3Uri, plan: Plan, index: int) -> bool:
    """Whether the slice was priced before; what is damaged is priced anew."""
    try:
        read_slice_prices(objects.get(target), plan.hash, index)
    except UriError:
        return False
    except ValueError as error:
        log("priced anew", slice=index, reason=error)
        return False
    return True


def planned(objects: Objects, output: S3Uri, plan_hash: str) -> Plan:
    """The plan, if this image prices as the plan was made for. Raises PlanError."""
    plan = read_plan(objects, output, plan_hash)
    if (method := plan.work.parameters.get("method")) != METHOD:
        raise PlanError(
            f"plan {plan_hash[:12]} is for method {method}, this image prices by {METHOD}: deploy both anew"
        )
    return plan


def wanted_of(plan: Plan) -> Wanted:
    parameters = plan.work.parameters
    return Wanted(greeks=bool(parameters.get("greeks")), scenarios=bool(parameters.get("scenarios")))


def read_market(objects: Objects, output: S3Uri, plan: Plan) -> Market:
    return msgspec.json.decode(read_staged(objects, output, plan, "market.json"), type=Market)


def find_model(objects: Objects, output: S3Uri, plan: Plan) -> ModelDocument | None:
    """This plan's ``model.json``; None if there is none, or it is another plan's."""
    try:
        document = msgspec.json.decode(objects.get(output / MODEL), type=ModelDocument)
    except (UriError, msgspec.DecodeError):
        return None
    return document if document.plan_hash == plan.hash else None


def read_models(objects: Objects, output: S3Uri, plan: Plan, positions: Sequence[Position]) -> tuple[Models, Budget]:
    """As ``model.json`` decides; without one surfaces are calibrated here, which gives the same parameters."""
    market = read_market(objects, output, plan)
    document = find_model(objects, output, plan)
    if document is not None:
        return Models.of(market, document.fits), Budget.of(plan.work.parameters, document.pilots)
    used = {each.name for position in positions for each in position.underlyings}
    return Models.calibrated(market, used, wanted_of(plan).changes), Budget.of(plan.work.parameters)


def read_sample(objects: Objects, output: S3Uri, plan: Plan) -> list[Position]:
    """Positions from first to last, as many as a pilot looks at; all of a small book."""
    if plan.items <= PILOT_POSITIONS:
        return read_slice(objects, output, plan, 0, plan.items)
    lines = [place * (plan.items - 1) // (PILOT_POSITIONS - 1) for place in range(PILOT_POSITIONS)]
    return [position for line in lines for position in read_slice(objects, output, plan, line, line + 1)]


def read_slice(objects: Objects, output: S3Uri, plan: Plan, start: int, stop: int) -> list[Position]:
    """The lines ``[start, stop)`` of the book: two ranged reads, whatever its size."""
    offsets = read_staged(objects, output, plan, "positions.offsets", start * OFFSET_BYTES, (stop + 1) * OFFSET_BYTES)
    places = memoryview(offsets).cast("B")
    if len(places) != (stop + 1 - start) * OFFSET_BYTES:
        raise PlanError(f"{output}/positions.offsets ends before line {stop}: it is not this plan's")
    first, last = (int.from_bytes(places[at : at + OFFSET_BYTES], "little") for at in (0, len(places) - OFFSET_BYTES))
    lines = read_staged(objects, output, plan, "positions.jsonl", first, last).splitlines()
    if len(lines) != stop - start:
        raise PlanError(f"{output}/positions.jsonl has {len(lines)} lines where the plan has {stop - start}")
    return [decode_position(line) for line in lines]


def price_all(
    positions: Sequence[Position], models: Models, budget: Budget, wanted: Wanted
) -> tuple[list[Price], list[Unpriced]]:
    """Every position's price or the reason why it has none, by index."""
    prices: list[Price] = []
    failed: list[Unpriced] = []
    for priced, unpriced in price_positions(positions, models, budget.sampling, wanted):
        prices += priced
        failed += unpriced
        for each in unpriced:
            log("not priced", index=each.index, id=each.id, reason=each.reason)
    return sorted(prices, key=lambda each: each.index), sorted(failed, key=lambda each: each.index)


def local(options: argparse.Namespace) -> int:
    """Prices a file and prints one JSON document."""
    started = time.monotonic()
    market = parse_market(read_file(options.market)) if options.market else bundled_market()
    budget = Budget(seed=options.seed, target_bp=options.target_se_bp, max_paths=options.max_paths)
    wanted = Wanted(greeks=options.greeks, scenarios=options.scenarios, plain=options.plain)
    with open_file(options.book) as stream:
        book = read_book(stream)
        positions = list(book)
    report = price_book(book.name, positions, market, budget, wanted)
    report["seconds"] = round(time.monotonic() - started, 3)
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    for name, fitted in report["calibrations"].items():
        if fitted.quality == "poor":
            log("POOR FIT", underlying=name, rmsBp=f"{fitted.rms_bp:.1f}", worstBp=f"{fitted.worst_bp:.1f}")
    if not report["failed"]:
        return 0
    return PARTIAL if report["priced"] else UNPRICED


def open_file(path: str) -> Any:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UriError(f"{path}: {error.strerror}") from error


def read_file(path: str) -> bytes:
    with open_file(path) as stream:
        data: bytes = stream.read()
    return data


def log(event: str, **facts: object) -> None:
    """One line: what happened, then ``name=value``."""
    print(event, *(f"{name}={value}" for name, value in facts.items()), file=sys.stderr, flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted("told to stop: slices that are written stand, this one will be priced anew")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pricer", description="Prices autocallable notes.")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, purpose in (
        ("calibrate", calibrate, "decide models and path budget of a planned book"),
        ("price", price, "price one slice of a planned book"),
    ):
        job = actions.add_parser(name, help=purpose)
        job.add_argument("-i", dest="input", metavar="URI", default="", help="the book as the user gave it (not read)")
        job.add_argument("-o", dest="output", metavar="URI", required=True, help="where the plan lies and results go")
        job.add_argument("-p", dest="plan_hash", metavar="HASH", required=True, help="the plan that this job is for")
        job.set_defaults(run=run)
    alone = actions.add_parser("local", help="price a file, without any cloud")
    alone.add_argument("book", metavar="BOOK", help="a book of positions, JSON")
    alone.add_argument("--market", metavar="FILE", help="market snapshot (default: the bundled one)")
    alone.add_argument("--seed", type=int, default=1, help="of the random points (default: 1)")
    alone.add_argument("--target-se-bp", type=float, default=1.0, help="standard error aimed at, bp of notional")
    alone.add_argument("--max-paths", type=int, default=2**20, help="upper limit of paths a group")
    alone.add_argument("--greeks", action="store_true", help="delta, gamma, vega and rho with standard errors")
    alone.add_argument("--scenarios", action="store_true", help="PVs on a grid of spots and volatilities")
    alone.add_argument(
        "--plain", action="store_true", help="for checking: the payoff on drawn levels, nothing smoothed"
    )
    alone.set_defaults(run=local)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    exit_status = main()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # too late to stop: Python would die of it while it finalizes
    sys.exit(exit_status)
