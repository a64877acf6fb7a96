"""Expectations and their standard errors, by randomised quasi-Monte Carlo.

R independent scrambles of the same points give R unbiased estimates; their spread is the standard error. The points
depend on the run's seed and on the group of positions that share the paths, never on the slice or the market.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricer.lines import Lines
from pricer.normals import FloatArray
from pricer.paths import Paths
from pricer.sobol import ScrambledSobol

Array = NDArray[np.float64]
LOG2_NUMBERS = 23  # worked on at once under all markets: some 64 MB an array, a child has 1 GB
LOG2_BLOCK = 15  # paths at most; with far fewer numpy's calls cost more than their work


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which points and how many, and how finely paths are cut: everything that a price's errors depend on."""

    seed: int
    log2_points: int  # of each scramble
    scrambles: int = 32
    refinement: float = 1.0  # variance steps, in terms of the usual ones

    @property
    def paths(self) -> int:
        return self.scrambles << self.log2_points

    def streams(self, group: str) -> list[np.random.BitGenerator]:
        """A stream of random bits for each scramble of a group's points."""
        words = np.frombuffer(hashlib.sha256(group.encode()).digest(), "<u4").tolist()
        return [
            np.random.Philox(np.random.SeedSequence([self.seed, scramble, *words]))
            for scramble in range(self.scrambles)
        ]


Measure = Callable[[Sequence[Lines]], Sequence[FloatArray]]  # lines under each market -> rows of (paths,)


def mean_and_error(by_scramble: Array) -> tuple[float, float]:
    """Mean over scrambles and its standard error."""
    return float(by_scramble.mean()), float(by_scramble.std(ddof=1) / np.sqrt(by_scramble.size))


def estimate(
    measures: Sequence[Measure], markets: Sequence[Paths], group: str, sampling: Sampling, *, spot_moves: bool = False
) -> list[Array]:
    """(rows, scrambles) means of each measure; all on the same points, under every market.

    Blocks have a size that ``sampling``, the paths' dimensions and the number of markets decide, and are added in
    order, so that the numbers of a measure do not depend on which measures share the call. ``spot_moves``: the first
    market's lines carry them, where one spot can move alone.
    """
    totals: list[Array | None] = [None] * len(measures)
    for some, bits in _blocks(markets[0].dimensions, len(markets), group, sampling):
        lines = [paths.lines(bits, spot_moves=spot_moves and not place) for place, paths in enumerate(markets)]
        for place, measure in enumerate(measures):
            rows = measure(lines)
            total = totals[place]
            if total is None:
                total = totals[place] = np.zeros((len(rows), sampling.scrambles))
            for row, part in enumerate(rows):
                total[row, some] += part.reshape(some.stop - some.start, -1).sum(axis=1, dtype=np.float64)
    return [total / (1 << sampling.log2_points) for total in totals if total is not None]


def _blocks(
    dimensions: int, markets: int, group: str, sampling: Sampling
) -> Iterator[tuple[slice, NDArray[np.uint32]]]:
    """Which scrambles, and (dimensions, paths) bits; several scrambles share a block when they have few points."""
    log2_block = max(0, min(LOG2_BLOCK, LOG2_NUMBERS - (dimensions * markets).bit_length()))
    log2_size = min(sampling.log2_points, log2_block)
    together = min(sampling.scrambles, 1 << (log2_block - log2_size))
    streams = sampling.streams(group)
    for first in range(0, sampling.scrambles, together):
        some = slice(first, min(first + together, sampling.scrambles))
        points = ScrambledSobol.of(dimensions, sampling.log2_points, streams[some])
        for block in range(1 << (sampling.log2_points - log2_size)):
            bits = points.block(block, log2_size)
            yield some, bits.reshape(len(bits), -1)
