"""What each step of the method gains at equal standard error, and what Greeks gain over bumping.

Cost is CPU seconds a path times variance. Plain: pseudo-random points, the payoff on drawn levels. Smoothed: the same
points, one normal integrated in closed form. The pricer: scrambled Sobol points and that. Greeks are compared with
central differences of plain values for spots 1 % up and down on the same paths. Run it as
``PYTHONPATH=.:containers/pricer python benchmarks/pricer_efficiency.py``.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pricer.estimate import Measure, Sampling, estimate
from pricer.lines import Lines
from pricer.measures import PlainMeasure, RiskMeasure, ValueMeasure
from pricer.normals import FloatArray
from pricer.note import Note
from pricer.paths import Paths
from tests.unit.pricer.cases import CASES, Case, note_of, paths_of

SCRAMBLES = 256
BUMP = 0.01  # of the spot
NOTHING = 1e-20  # variance of rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """Of an estimator."""

    seconds: float  # CPU a path
    variance: NDArray[np.float64]  # (rows,) of one path: of the mean, times the paths

    @property
    def cost(self) -> NDArray[np.float64]:
        return self.seconds * self.variance


@dataclass(frozen=True, slots=True, kw_only=True)
class BumpedMeasure:
    """First and second derivative by the logarithm of the spot, from plain values on the same paths."""

    note: Note

    def __call__(self, lines: Sequence[Lines]) -> list[FloatArray]:
        strikes = self.note.strikes
        down, middle, up = (
            PlainMeasure(note=replace(self.note, strikes=strikes / factor))(lines)[0]
            for factor in (1 - BUMP, 1.0, 1 + BUMP)
        )
        first = (up - down) / (2 * BUMP)  # by the spot, relative
        return [first, (up - 2 * middle + down) / BUMP**2 + first]


def quasi(measure: Measure, paths: Paths, log2_points: int, *, spot_moves: bool = False) -> Efficiency:
    """From the spread of independent scrambles."""
    sampling = Sampling(seed=1, log2_points=log2_points, scrambles=SCRAMBLES)
    began = time.process_time()
    (rows,) = estimate([measure], [paths, paths] if spot_moves else [paths], "bench", sampling, spot_moves=spot_moves)
    seconds = (time.process_time() - began) / sampling.paths
    return Efficiency(seconds=seconds, variance=rows.var(axis=1, ddof=1) * (1 << log2_points))


def random_blocks(dimensions: int, blocks: int) -> Iterator[NDArray[np.uint32]]:
    random = np.random.default_rng(1)
    for _ in range(blocks):
        yield random.integers(0, 2**32, (dimensions, 1 << 15), dtype=np.uint32)


def plain(measure: Measure, paths: Paths, blocks: int) -> Efficiency:
    """From the spread of paths."""
    began = time.process_time()
    rows = [np.array(measure([paths.lines(bits)])[:2]) for bits in random_blocks(paths.dimensions, blocks)]
    seconds = (time.process_time() - began) / (blocks << 15)
    return Efficiency(seconds=seconds, variance=np.concatenate(rows, axis=1).var(axis=1, ddof=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log2-points", type=int, default=12, help="points of each of the 256 scrambles")
    parser.add_argument("--blocks", type=int, default=32, help="blocks of 32,768 plain paths")
    options = parser.parse_args()
    print(f"{'seconds at 1 bp':32s}    plain  smoothed    pricer   plain/smoothed  plain/pricer  smoothed/pricer")
    for case in CASES:
        values(case, options.log2_points, options.blocks)
    print(f"{'Greeks at equal standard error':34s} delta     gamma   bumped, plain / pricer")
    for case in CASES:
        if case["model"] == "gbm":
            greeks(case, options.log2_points, options.blocks)


def values(case: Case, log2_points: int, blocks: int) -> None:
    note, paths = note_of(case), paths_of(case)
    drawn = plain(PlainMeasure(note=note), paths, blocks)
    smoothed = plain(ValueMeasure(note=note), paths, blocks)
    pricer = quasi(ValueMeasure(note=note), paths, log2_points)
    if pricer.variance[0] < NOTHING:
        return  # one date: nothing is left to the simulation
    costs = [each.cost[0] * 1e8 for each in (drawn, smoothed, pricer)]  # seconds at a standard error of 1 bp
    ratios = costs[0] / costs[1], costs[0] / costs[2], costs[1] / costs[2]
    print(
        f"{case['id']:32s} {costs[0]:6.2f} s {costs[1]:6.3f} s {costs[2]:8.4f} s"
        f" {ratios[0]:12.1f} {ratios[1]:14.1f} {ratios[2]:15.1f}"
    )


def greeks(case: Case, log2_points: int, blocks: int) -> None:
    note, paths = note_of(case), paths_of(case)
    times = np.array(case["times"])
    bumped = plain(BumpedMeasure(note=note), paths, blocks)
    measure = RiskMeasure(note=note, times=times, payment_times=times)
    pricer = quasi(measure, paths, log2_points - 2, spot_moves=True)
    if pricer.variance[0] > NOTHING:
        delta, gamma = bumped.cost / pricer.cost[:2]
        print(f"{case['id']:32s} {delta:7.0f} {gamma:9.0f}")


if __name__ == "__main__":
    main()
