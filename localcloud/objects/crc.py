"""CRC-32C and CRC-64/NVME, which Python's standard library lacks, at a speed that large uploads can bear.

A CRC is linear over GF(2). So a block is cut into lanes that advance side by side in numpy, one byte a step, and the
lanes' results are folded together: ``crc(a ‖ b) = shift(crc(a), len(b)) ⊕ crc(b)``, where the shift by a number of
zero bytes is a matrix.

References
----------
Koopman, "32-bit cyclic redundancy codes for internet applications", 2002 (CRC-32C); NVM Express NVM Command Set
Specification 1.0, 5.2.1.3.4 (CRC-64/NVME). Check values of "123456789": e3069283 and ae8b14860a799888.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LANE = 256  # bytes a lane
_MIN_LANES = 16
_MAX_LANES = 4096  # 1 MiB a block: the lanes' state stays in the cache


class Crc:
    """A reflected CRC with all-ones initial value and final complement, fed like a hashlib object."""

    def __init__(self, polynomial: int, bits: int) -> None:
        self._polynomial = polynomial
        self._bits = bits
        self._ones = (1 << bits) - 1
        self._state = self._ones

    def update(self, data: bytes) -> None:
        view = memoryview(data)
        while len(view) >= _MIN_LANES * _LANE:
            lanes = min(_MAX_LANES, 1 << ((len(view) // _LANE).bit_length() - 1))
            block, view = view[: lanes * _LANE], view[lanes * _LANE :]
            self._state = apply(self._shift(len(block)), self._state) ^ self._fold(block, lanes)
        table = _table(self._polynomial)
        state = self._state
        for byte in view:
            state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
        self._state = state

    def digest(self) -> bytes:
        return (self._state ^ self._ones).to_bytes(self._bits // 8, "big")

    def _shift(self, count: int) -> tuple[int, ...]:
        return shift_matrix(self._polynomial, self._bits, count)

    def _fold(self, block: memoryview, lanes: int) -> int:
        """The state after ``block``, begun from zero; ``lanes`` is a power of two."""
        columns = np.frombuffer(block, dtype=np.uint8).reshape(lanes, _LANE).T.astype(np.uint64, order="C")
        table = np.array(_table(self._polynomial), dtype=np.uint64)
        state: NDArray[np.uint64] = np.zeros(lanes, dtype=np.uint64)
        low, eight = np.uint64(0xFF), np.uint64(8)
        for column in columns:
            state = table[(state ^ column) & low] ^ (state >> eight)
        length = _LANE
        while len(state) > 1:
            state = _apply_all(_lookup(self._polynomial, self._bits, length), state[0::2]) ^ state[1::2]
            length *= 2
        return int(state[0])


def crc32c() -> Crc:
    return Crc(0x82F63B78, 32)


def crc64nvme() -> Crc:
    return Crc(0x9A6C9329AC4BC9B5, 64)


def combine(polynomial: int, bits: int, first: int, second: int, second_length: int) -> int:
    """The CRC of two stretches one after the other, from the CRC of each."""
    return apply(shift_matrix(polynomial, bits, second_length), first) ^ second


def apply(matrix: Sequence[int], vector: int) -> int:
    """Matrix (columns as integers) times vector over GF(2)."""
    result = 0
    for column in matrix:
        if vector & 1:
            result ^= column
        vector >>= 1
        if not vector:
            break
    return result


@functools.lru_cache(maxsize=256)
def shift_matrix(polynomial: int, bits: int, count: int) -> tuple[int, ...]:
    """The matrix that appends ``count`` zero bytes, by squaring."""
    if count == 0:
        return tuple(1 << bit for bit in range(bits))
    if count == 1:
        table = _table(polynomial)
        return tuple(table[(1 << bit) & 0xFF] ^ ((1 << bit) >> 8) for bit in range(bits))
    half = shift_matrix(polynomial, bits, count // 2)
    whole = tuple(apply(half, column) for column in half)
    if count % 2:
        one = shift_matrix(polynomial, bits, 1)
        whole = tuple(apply(one, column) for column in whole)
    return whole


@functools.lru_cache(maxsize=64)
def _lookup(polynomial: int, bits: int, count: int) -> NDArray[np.uint64]:
    """:func:`shift_matrix` as a table for each byte of the vector, shape (bits / 8, 256)."""
    matrix = shift_matrix(polynomial, bits, count)
    rows = [[apply(matrix, value << (8 * byte)) for value in range(256)] for byte in range(bits // 8)]
    return np.array(rows, dtype=np.uint64)


def _apply_all(tables: NDArray[np.uint64], vectors: NDArray[np.uint64]) -> NDArray[np.uint64]:
    result: NDArray[Any] = np.zeros(len(vectors), dtype=np.uint64)
    for byte, table in enumerate(tables):
        result ^= table[(vectors >> np.uint64(8 * byte)) & np.uint64(0xFF)]
    return result


@functools.cache
def _table(polynomial: int) -> tuple[int, ...]:
    """The effect of each byte on the state, for a reflected polynomial."""
    table = []
    for byte in range(256):
        state = byte
        for _ in range(8):
            state = (state >> 1) ^ (polynomial if state & 1 else 0)
        table.append(state)
    return tuple(table)
