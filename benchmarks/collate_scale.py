"""How long collating a book takes, and how much memory: results of made-up prices, read from files instead of S3.

``python benchmarks/collate_scale.py [POSITIONS …] [--greeks]``; each size is collated in a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))

from book_scale import MARKET, positions

import collate_prices
from fanout.book import decode_position
from fanout.market import Market
from fanout.plan import Plan, StagedFile, Work
from fanout.prices import Measured, Price, Risk, SlicePrices, UnderlyingRisk
from fanout.s3 import S3Uri, sha256
from fanout.staging import stage_book

SIZES = (100_000, 1_000_000)
PER_SLICE = 5_000
OUTPUT = S3Uri("bucket", "out")
PARAMETERS = {"targetStandardErrorBp": 1.0, "maxPaths": 2**20, "seed": 1, "calibrate": False, "bookName": "book"}


class Files:
    """As much of an object store as collating needs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, uri: S3Uri) -> Path:
        return self._folder / uri.key

    def get_range(self, uri: S3Uri, start: int, stop: int, **_version: str) -> bytes:
        with self._path(uri).open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    def get_annotated(self, uri: S3Uri) -> tuple[bytes, dict[str, str]]:
        return self._path(uri).read_bytes(), {}

    def put(self, uri: S3Uri, body: bytes, *_described: str) -> None:
        self._path(uri).write_bytes(body)


def measured(value: float) -> Measured:
    return Measured(value=value, standard_error=abs(value) / 1000)


def price(line: bytes, greeks: bool) -> Price:
    """Digits as many as real prices have."""
    held = decode_position(line)
    pv = held.notional * (0.9 + held.index % 977 / 9_777)
    risk = None
    if greeks:
        one = {name: measured(pv / (7 + place)) for place, name in enumerate(UnderlyingRisk.__struct_fields__)}
        risk = Risk(
            underlyings={each.name: UnderlyingRisk(**one) for each in held.underlyings}, rho=measured(-pv / 3e4)
        )
    return Price(
        index=held.index,
        id=held.id,
        currency=held.currency,
        pv=pv,
        standard_error=pv / 9_999,
        scrambles=tuple(pv * (1 + (k - 15.5) / 99_991) for k in range(32)),
        paths=4096,
        percent_standard_error=0.01,
        risk=risk,
    )


def prepare(folder: Path, count: int, greeks: bool) -> None:
    """A plan and its results."""
    out = folder / OUTPUT.key
    book = folder / "book.json"
    book.write_text('{"positions": [' + ",".join(positions(count, workshop=False)) + "]}")
    market = msgspec.convert(MARKET, Market)
    out.mkdir()
    with book.open("rb") as stream:
        staged = stage_book(stream, market, out)
    (out / "market.json").write_bytes(msgspec.json.encode(market))
    cuts = (*range(0, count, PER_SLICE), count)
    files = {
        path.name: StagedFile(etag="", size=path.stat().st_size, sha256=sha256(path.read_bytes()))
        for path in (staged.lines, staged.offsets, out / "market.json")
    }
    work = Work(
        pipeline="montecarlo",
        inputs={"book": "", "market": ""},
        slices=cuts,
        parameters=PARAMETERS | {"greeks": greeks},
    )
    plan = Plan.of(work, sources={}, files=files)
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    (out / "results" / plan.hash).mkdir(parents=True)
    with staged.lines.open("rb") as lines:
        for index in range(plan.array_size):
            start, stop = plan.slice(index)
            prices = tuple(price(next(lines), greeks) for _ in range(stop - start))
            result = SlicePrices(plan_hash=plan.hash, slice=index, start=start, stop=stop, prices=prices)
            (folder / plan.result(OUTPUT, index).key).write_bytes(msgspec.json.encode(result))


def collate(folder: Path) -> None:
    """Prints one line of JSON; runs in a process of its own."""
    files: Any = Files(folder)
    collate_prices.objects = files
    plan = msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan)
    start, worked = time.perf_counter(), time.process_time()
    collation = collate_prices.collate(plan, OUTPUT, {}, files)
    request = collate_prices.CollateRequest(job_name="scale", output_uri=str(OUTPUT))
    market = msgspec.convert(MARKET, Market)
    aggregate = collate_prices.aggregate_of(request, plan, collation, market, {})
    collate_prices.write_outputs(request, OUTPUT, plan, collation, aggregate, market)
    seconds, cpu = time.perf_counter() - start, time.process_time() - worked
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak(), "priced": collation.table.priced}))


def peak() -> float:
    """MB that this process held at most; ru_maxrss would count what its parent held when it was forked."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, metavar="POSITIONS", help=f"default: {SIZES}")
    parser.add_argument("--greeks", action="store_true", help="results with sensitivities")
    parser.add_argument("--collate", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.collate:
        collate(options.collate)
        return
    for size in options.sizes or SIZES:
        with tempfile.TemporaryDirectory() as directory:
            prepare(Path(directory), size, options.greeks)
            command = [sys.executable, __file__, "--collate", directory]
            got = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{size:>9,} positions{' with Greeks' * options.greeks}: {got['seconds']:.1f} s ({got['cpu']:.1f} s CPU), "
            f"peak {got['peak']:.0f} MB RSS"
        )


if __name__ == "__main__":
    main()
