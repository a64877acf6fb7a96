"""The pricer's command line, and its only file with input and output.

``price``    one slice of a planned book, from and to object storage, as a child of an array job
``local``    a whole book from a file, without any cloud; JSON on stdout
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import msgspec

from fanout.book import Position, check_position, decode_position, path_group, read_book
from fanout.errors import FanoutError, Interrupted, PlanError, UriError
from fanout.market import Market, bundled_market, parse_market
from fanout.plan import Plan, read_plan, read_staged
from fanout.prices import Price, SlicePrices, Unpriced
from fanout.s3 import Objects, S3Uri
from pricer.budget import Budget
from pricer.models import Models
from pricer.price import Wanted, price_positions
from pricer.report import local_report

OFFSET_BYTES = 8  # of positions.offsets: little-endian, unsigned
PARTIAL = 3  # exit status: some positions have no price


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


def price(options: argparse.Namespace) -> int:
    """Prices the slice of this child and writes its result, whole, last; does nothing if the result stands."""
    started = time.monotonic()
    index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))
    objects, output = Objects(), S3Uri.parse_prefix(options.output)
    plan = read_plan(objects, output, options.plan_hash)
    start, stop = plan.slice(index)
    target = plan.result(output, index)
    if objects.find(target) is not None:
        log("result stands", slice=index, uri=target)
        return 0
    market = msgspec.json.decode(read_staged(objects, output, plan, "market.json"), type=Market)
    positions = read_slice(objects, output, plan, start, stop)
    parameters = plan.work.parameters
    wanted = Wanted(greeks=bool(parameters.get("greeks")), scenarios=bool(parameters.get("scenarios")))
    log("pricing", slice=index, plan=plan.hash[:12], start=start, stop=stop)
    prices, failed = price_all(positions, Models.of(market), Budget.of(parameters), wanted)
    result = SlicePrices(
        plan_hash=plan.hash, slice=index, start=start, stop=stop, prices=tuple(prices), failed=tuple(failed)
    )
    seconds = time.monotonic() - started
    notes = {"seconds": f"{seconds:.3f}", "attempt": os.environ.get("AWS_BATCH_JOB_ATTEMPT", "1")}
    objects.put(target, msgspec.json.encode(result), notes=notes)
    log("priced", slice=index, prices=len(prices), failed=len(failed), seconds=f"{seconds:.2f}", uri=target)
    return 0


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
    wanted = Wanted(greeks=options.greeks, scenarios=options.scenarios)
    with open_file(options.book) as stream:
        book = read_book(stream)
        positions = list(checked(book, market))
    prices, failed = price_all(by_group(positions, market), Models.of(market), budget, wanted)
    report = local_report(book.name, market, prices, failed, seconds=time.monotonic() - started)
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return PARTIAL if failed else 0


def checked(positions: Iterator[Position] | Any, market: Market) -> Iterator[Position]:
    for position in positions:
        check_position(position, market)
        yield position


def by_group(positions: Sequence[Position], market: Market) -> list[Position]:
    """Positions that share paths next to each other, as ``positions.jsonl`` has them."""
    return sorted(positions, key=lambda position: path_group(position, market))


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
    child = actions.add_parser("price", help="price one slice of a planned book")
    child.add_argument("-i", dest="input", metavar="URI", default="", help="the book as the user gave it (for the log)")
    child.add_argument("-o", dest="output", metavar="URI", required=True, help="where the plan lies and results go")
    child.add_argument("-p", dest="plan_hash", metavar="HASH", required=True, help="the plan that this job is for")
    child.set_defaults(run=price)
    alone = actions.add_parser("local", help="price a file, without any cloud")
    alone.add_argument("book", metavar="BOOK", help="a book of positions, JSON")
    alone.add_argument("--market", metavar="FILE", help="market snapshot (default: the bundled one)")
    alone.add_argument("--seed", type=int, default=1, help="of the random points (default: 1)")
    alone.add_argument("--target-se-bp", type=float, default=1.0, help="standard error aimed at, bp of notional")
    alone.add_argument("--max-paths", type=int, default=2**20, help="upper limit of paths a group")
    alone.add_argument("--greeks", action="store_true", help="delta, gamma, vega and rho with standard errors")
    alone.add_argument("--scenarios", action="store_true", help="PVs on a grid of spots and volatilities")
    alone.set_defaults(run=local)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
