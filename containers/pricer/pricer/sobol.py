"""Scrambled Sobol points: one XOR a number.

In blocks of 2^k points the first k direction numbers make one table that every block shares; a block differs from it
by one constant a dimension (the direction numbers of the block's index). Direction numbers: Joe and Kuo, "Constructing
Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), set new-joe-kuo-6.
Scrambling: Matoušek, "On the L2-discrepancy for anchored boxes", J. Complexity 14 (1998): a random lower-triangular
matrix over GF(2) for each dimension, then a random digital shift. Coordinates beyond the published ones take random
direction numbers: points independent in pairs, which integrate them as plain Monte Carlo does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pricer.normals import BitArray

BITS = 32
MAX_DIMENSIONS = 4096
_DATA = Path(__file__).parent / "data" / "joe_kuo_4096.npz"


@lru_cache(maxsize=1)
def _published() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    with np.load(_DATA) as data:
        return data["polynomials"], data["initial"].astype(np.uint32)


@lru_cache(maxsize=8)
def direction_numbers(dimensions: int) -> BitArray:
    """(dimensions, 32): entry [d, j] is XORed into coordinate d where bit j of the point's index is set."""
    if dimensions > MAX_DIMENSIONS:
        raise ValueError(f"{dimensions} Sobol dimensions: there are direction numbers for {MAX_DIMENSIONS}")
    polynomials, initial = (table[:dimensions] for table in _published())
    degrees = np.frexp(polynomials)[1] - 1
    numbers = np.ones((dimensions, BITS), np.uint32)
    for j in range(BITS):
        given = j < degrees
        numbers[given, j] = initial[given, min(j, initial.shape[1] - 1)]
        made = np.flatnonzero(~given & (degrees > 0))
        if made.size:
            numbers[made, j] = _recurrence(numbers[made], j, polynomials[made], degrees[made])
    return numbers << np.arange(BITS - 1, -1, -1, dtype=np.uint32)


def _recurrence(numbers: BitArray, j: int, polynomials: BitArray, degrees: NDArray[np.int32]) -> BitArray:
    rows = np.arange(len(numbers))
    total = numbers[rows, j - degrees].copy()
    for k in range(1, int(degrees.max()) + 1):
        taken = (k <= degrees) & ((polynomials >> np.maximum(degrees - k, 0).astype(np.uint32)) & 1 == 1)
        total[taken] ^= numbers[taken, j - k] << np.uint32(k)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrambledSobol:
    """Several independent scrambles of the first ``points`` Sobol points, made block by block."""

    columns: BitArray  # (dimensions, scrambles, log2 points), scrambled direction numbers
    shifts: BitArray  # (dimensions, scrambles)

    @classmethod
    def of(cls, dimensions: int, log2_points: int, streams: Sequence[np.random.BitGenerator]) -> "ScrambledSobol":
        """One scramble for each stream of random bits. More points keep the earlier ones: the sets are nested."""
        known = min(dimensions, MAX_DIMENSIONS)
        directions = direction_numbers(known)[:, None, :log2_points]
        drawn = np.stack([_random_bits(stream, (log2_points + 1, dimensions)) for stream in streams], axis=2)
        shifts, matrices = drawn[0], drawn[1:]  # (dimensions, scrambles), (column, dimensions, scrambles)
        columns = np.zeros((dimensions, len(streams), log2_points), np.uint32)
        for digit in range(log2_points):  # direction number j has digits 0..j only, from the most significant one
            top = np.uint32(1 << (BITS - 1 - digit))
            lower = (matrices[digit, :known] & (top - np.uint32(1))) | top
            has = (directions & top) >> np.uint32(BITS - 1 - digit)
            columns[:known] ^= lower[:, :, None] * has
        columns[known:] = matrices[:, known:].transpose(1, 2, 0)
        return cls(columns=columns, shifts=shifts)

    def block(self, index: int, log2_size: int) -> BitArray:
        """(dimensions, scrambles, 2^log2_size): 32-bit fractions of the points ``index·2^log2_size …``."""
        dimensions, scrambles, log2_points = self.columns.shape
        points = np.empty((dimensions, scrambles, 1 << log2_size), np.uint32)
        points[:, :, 0] = self.shifts
        for j in range(log2_points - log2_size):
            if index >> j & 1:
                points[:, :, 0] ^= self.columns[:, :, log2_size + j]
        for j in range(log2_size):
            np.bitwise_xor(points[:, :, : 1 << j], self.columns[:, :, j : j + 1], out=points[:, :, 1 << j : 2 << j])
        return points


def _random_bits(stream: np.random.BitGenerator, shape: tuple[int, ...]) -> BitArray:
    count = int(np.prod(shape))
    words = np.asarray(stream.random_raw((count + 1) // 2), dtype="<u8")
    return words.view("<u4")[:count].reshape(shape)
