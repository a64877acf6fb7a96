"""Expectations and their standard errors, by randomised quasi-Monte Carlo.

R independent scrambles of the same points give R unbiased estimates; their spread is the standard error. The points
depend on the run's seed and on the group of positions that share the paths, never on the slice or the market.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pricer.expectation import expected_payoff
from pricer.lines import Lines
from pricer.normals import BitArray
from pricer.note import Note
from pricer.sobol import ScrambledSobol

Array = NDArray[np.float64]
LOG2_BLOCK = 13  # paths worked on at once: the arrays of one date stay in the second-level cache


class Paths(Protocol):
    """A model of the underlyings on the observation dates of a group."""

    @property
    def dimensions(self) -> int:
        """Coordinates that a point needs."""

    def lines(self, bits: BitArray) -> Lines:
        """(dimensions, paths) bits of the points -> paths but for one normal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which points, and how many: everything random about a price."""

    seed: int
    log2_points: int  # of each scramble
    scrambles: int = 32

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Means by scramble, on unit notional."""

    value: Array  # (scrambles,)
    alive: Array  # (dates - 1, scrambles) probability that the note lives on after each date
    loss: Array  # (scrambles,) probability that less than the notional is redeemed


def mean_and_error(by_scramble: Array) -> tuple[float, float]:
    """Mean over scrambles and its standard error."""
    return float(by_scramble.mean()), float(by_scramble.std(ddof=1) / np.sqrt(by_scramble.size))


def estimate(notes: Sequence[Note], paths: Paths, group: str, sampling: Sampling) -> list[Estimate]:
    """Estimates of all notes of a group on the same paths.

    Blocks have a size that only ``sampling`` decides and are added in order, so that a note's numbers do not depend
    on which notes share the call.
    """
    sums = [_Sums(sampling.scrambles, len(note.discounts)) for note in notes]
    log2_size = min(sampling.log2_points, LOG2_BLOCK)
    together = min(sampling.scrambles, 1 << (LOG2_BLOCK - log2_size))
    streams = sampling.streams(group)
    for first in range(0, sampling.scrambles, together):
        some = slice(first, min(first + together, sampling.scrambles))
        points = ScrambledSobol.of(paths.dimensions, sampling.log2_points, streams[some])
        for block in range(1 << (sampling.log2_points - log2_size)):
            bits = points.block(block, log2_size)
            lines = paths.lines(bits.reshape(len(bits), -1))
            for note, total in zip(notes, sums, strict=True):
                total.add(some, note, lines)
    return [total.means(1 << sampling.log2_points) for total in sums]


class _Sums:
    """Sums over the points of each scramble."""

    def __init__(self, scrambles: int, dates: int) -> None:
        self._sums = np.zeros((dates + 1, scrambles))

    def add(self, some: slice, note: Note, lines: Lines) -> None:
        expected = expected_payoff(note, lines)
        scrambles = some.stop - some.start
        for row, part in enumerate((expected.value, expected.loss, *expected.alive)):
            self._sums[row, some] += part.reshape(scrambles, -1).sum(axis=1, dtype=np.float64)

    def means(self, points: int) -> Estimate:
        means = self._sums / points
        return Estimate(value=means[0], loss=means[1], alive=means[2:])
