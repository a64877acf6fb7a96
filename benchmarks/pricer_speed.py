"""How much faster than a pricer built from QuantLib and Python loops, side by side on one core.

Cost is CPU seconds times variance: what a standard error of 1 bp would cost. Run it as
``PYTHONPATH=.:containers/pricer python benchmarks/pricer_speed.py``; it needs QuantLib and scipy.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fanout.book import Position, read_book
from fanout.market import Market, parse_market
from pricer.budget import Budget
from pricer.instant import price_book
from pricer.models import Models
from pricer.price import Wanted

EXAMPLES = Path(__file__).parents[1] / "examples" / "montecarlo"
BP = 1e-4


def workshop() -> tuple[list[Position], Market]:
    """The workshop's 48 positions and its surface."""
    market = parse_market((EXAMPLES / "eurostoxx50_2019-11-20_surface.json").read_bytes())
    with (EXAMPLES / "workshop_portfolio.json").open("rb") as stream:
        return list(read_book(stream)), market


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A book priced from its surface, CPU seconds: the least of a few runs."""

    calibration: float
    seconds: float  # calibration included
    worst_error: float  # largest standard error of a position, share of the notional

    @property
    def to_one_bp(self) -> float:
        """The calibration costs the same whatever the error."""
        return self.calibration + (self.seconds - self.calibration) * (self.worst_error / BP) ** 2


def ours(positions: list[Position], market: Market, repeats: int = 5) -> Ours:
    budget = Budget(seed=1, target_bp=1.0, max_paths=2**20)
    calibration = least(lambda: Models.calibrated(market, ["SX5E"], []), repeats)
    seconds = least(lambda: price_book("", positions, market, budget, Wanted()), repeats)
    report = price_book("", positions, market, budget, Wanted())
    worst = max(price["percentStandardError"] / 100 for price in report["prices"])
    return Ours(calibration=calibration, seconds=seconds, worst_error=worst)


def least(work: Callable[[], object], repeats: int) -> float:
    """CPU seconds of the quickest of a few runs: what the machine's other work disturbed least."""
    spent = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def all_different(positions: list[Position]) -> list[Position]:
    """The same trades, none identical to another: coupons differ by a millionth of a basis point."""
    return [
        msgspec.structs.replace(position, coupon=position.coupon + 1e-10 * place)
        for place, position in enumerate(positions)
    ]


def compared(paths: int) -> dict[str, float]:
    """CPU seconds at a standard error of 1 bp, and their ratios."""
    from pricer_baseline import price  # it needs QuantLib

    positions, market = workshop()
    theirs = price(positions[0], market, paths=paths)
    simulation = theirs.path_seconds * (theirs.deviation / BP) ** 2
    one, book, different = (ours(some, market) for some in (positions[:1], positions, all_different(positions)))
    each = theirs.calibration_seconds + simulation
    return {
        "baseline: calibration of a position, s": theirs.calibration_seconds,
        "baseline: 10,000 paths of a position, s": theirs.path_seconds * 10_000,
        "baseline: standard error at 10,000 paths, bp": theirs.deviation / 100 / BP,
        "baseline: a position to 1 bp, s": each,
        "ours: calibration, s": one.calibration,
        "ours: a position with its calibration, s": one.seconds,
        "ours: its standard error, bp": one.worst_error / BP,
        "ours: a position to 1 bp, s": one.to_one_bp,
        "ours: the book of 48 with its calibration, s": book.seconds,
        "ours: its largest standard error, bp": book.worst_error / BP,
        "ours: the book to 1 bp, s": book.to_one_bp,
        "ours: the book to 1 bp if no two trades were identical, s": different.to_one_bp,
        "ratio, a position": each / one.to_one_bp,
        "ratio, the book": 48 * each / book.to_one_bp,
        "  of it by pricing identical trades once": different.to_one_bp / book.to_one_bp,
        "ratio, the book if no two trades were identical": 48 * each / different.to_one_bp,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=10_000, help="of the baseline")
    for name, value in compared(parser.parse_args().paths).items():
        print(f"{name:60s} {value:12,.3f}")


if __name__ == "__main__":
    main()
