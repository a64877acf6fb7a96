"""How many positions a second are read, checked, grouped and staged, and in how much memory.

Books of growing size are streamed to a temporary file and staged from it, each in a process of its own, so that the
peak memory is the staging's. ``python benchmarks/book_scale.py [POSITIONS …] [--workshop]``
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from fanout.calendar import add_business_days, is_business_day
from fanout.market import parse_market
from fanout.staging import stage_book

SIZES = (100_000, 1_000_000)
SCHEDULES = 500  # different ones, so that staging has groups to sort into
LIMIT_SECONDS, LIMIT_MEGABYTES = 60, 512  # for a million positions
MARKET = {
    "schema": "stepbatch/market/1",
    "valuationDate": "2019-11-20",
    "curves": {"EUR": {"zeroRates": [["2026-11-20", 0.01]]}},
    "underlyings": {
        name: {"currency": "EUR", "spot": spot, "model": "gbm", "volatility": {"type": "flat", "value": 0.2}}
        for name, spot in (("SX5E", 3550.0), ("SMI", 100.0))
    },
}


def schedule(number: int) -> str:
    """Seven annual observations, from one of ``SCHEDULES`` first days."""
    start = date(2019, 11, 20) + timedelta(days=number)
    days = (start.replace(year=start.year + years, day=min(start.day, 28)) for years in range(1, 8))
    adjusted = (day if is_business_day(day) else add_business_days(day, 1) for day in days)
    return json.dumps([{"date": f"{day}", "autocallBarrier": 1.0, "couponBarrier": 0.8} for day in adjusted])


def positions(count: int, workshop: bool) -> Iterator[str]:
    """Position after position as JSON; neighbours belong to different groups."""
    schedules = [] if workshop else [schedule(number) for number in range(SCHEDULES)]
    for number in range(count):
        strike, notional = 3000 + number % 1000, 1_000_000 + number % 977
        if workshop:
            yield f'{{"notional": {notional}, "strike": {strike}, "barrier": {0.9 + number % 20 / 100:.2f}}}'
        else:
            side, index = ("long", "short")[number % 3 == 0], ("SX5E", "SMI")[number % 2]
            yield (
                f'{{"id": "N{number:07}", "side": "{side}", "notional": {notional}, "currency": "EUR",'
                f' "underlyings": [{{"name": "{index}", "strike": {strike}.0}}],'
                f' "schedule": {schedules[number * 7919 % SCHEDULES]},'
                f' "coupon": {0.03 + number % 13 / 1000:.3f}, "memory": true, "protectionBarrier": 0.6}}'
            )


def write_book(path: Path, count: int, workshop: bool) -> None:
    with path.open("w") as file:
        file.write('{"schema": "stepbatch/book/1", "name": "scale", "positions": [')
        for number, position in enumerate(positions(count, workshop)):
            file.write(f"{',' if number else ''}\n{position}")
        file.write("\n]}\n")


def stage(path: Path) -> None:
    """Stages the book and prints one line of JSON; runs in a process of its own."""
    market = parse_market(json.dumps(MARKET))
    with tempfile.TemporaryDirectory(dir=path.parent) as directory, path.open("rb") as stream:
        start, worked = time.perf_counter(), time.process_time()
        book = stage_book(stream, market, Path(directory))
        seconds, cpu = time.perf_counter() - start, time.process_time() - worked
        staged = book.lines.stat().st_size + book.offsets.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"seconds": seconds, "cpu": cpu, "peak": peak, "groups": len(book.groups), "staged": staged / 1e6}
    print(json.dumps(figures | {"positions": book.count, "distinct": sum(group.distinct for group in book.groups)}))


def hashing_speed(path: Path) -> float:
    """Seconds for the SHA-256 alone of the same bytes: this machine's yardstick."""
    start = time.perf_counter()
    with path.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")
    return time.perf_counter() - start


def report(got: dict[str, float], path: Path) -> None:
    positions, seconds = int(got["positions"]), got["seconds"]
    print(
        f"{positions:>9,} positions, {path.stat().st_size / 1e6:.0f} MB: {seconds:.1f} s ({got['cpu']:.1f} s CPU),"
        f" {positions / seconds:,.0f} positions/s, peak {got['peak']:.0f} MB RSS; {got['groups']:,} groups,"
        f" {got['distinct']:,} trades, {got['staged']:.0f} MB staged; SHA-256 alone {hashing_speed(path):.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, metavar="POSITIONS", help=f"default: {SIZES}")
    parser.add_argument("--workshop", action="store_true", help="positions in the workshop's format")
    parser.add_argument("--stage", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        stage(options.stage)
        return
    with tempfile.TemporaryDirectory() as directory:
        for size in options.sizes or SIZES:
            path = Path(directory) / "book.json"
            write_book(path, size, options.workshop)
            command = [sys.executable, __file__, "--stage", str(path)]
            report(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout), path)
    print(f"asked for a million positions: at most {LIMIT_SECONDS} s and {LIMIT_MEGABYTES} MB")


if __name__ == "__main__":
    main()
