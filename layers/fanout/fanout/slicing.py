"""How work is cut into the children of an array job. The only place with this arithmetic.

A cut is written as its boundaries: ``(0, 24, 48)`` is two slices, items 0 to 23 and items 24 to 47.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

MIN_ARRAY_SIZE = 2  # Batch refuses an array of one child: a lone slice runs as a plain job
MAX_ARRAY_SIZE = 10_000  # the largest array that Batch takes

Boundaries = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batchable:
    """Adjacent items that share a preparation: whoever takes any of them pays ``setup`` once."""

    size: int  # items, > 0
    setup: float  # seconds, >= 0
    each: float  # seconds an item, >= 0

    @property
    def seconds(self) -> float:
        return self.setup + self.size * self.each


@dataclass(frozen=True, slots=True, kw_only=True)
class Even:
    """A cut into slices of sizes that differ by at most one, known without writing all of it down."""

    items: int  # > 0
    slices: int  # > 0

    @classmethod
    def of(cls, items: int, per_slice: int) -> Self:
        """Slices of ``per_slice`` items, more where the array would be too wide.

        Raises ValueError if there is no item, or ``per_slice`` is not positive.
        """
        if items < 1 or per_slice < 1:
            raise ValueError(f"cannot cut {items} items into slices of {per_slice}")
        return cls(items=items, slices=min(math.ceil(items / per_slice), MAX_ARRAY_SIZE))

    def boundary(self, k: int) -> int:
        """Where slice ``k`` starts, 0 to ``slices``: the last is where all end."""
        return self.items * k // self.slices


def even(items: int, per_slice: int) -> Boundaries:
    """The boundaries of ``Even``."""
    cut = Even.of(items, per_slice)
    return tuple(map(cut.boundary, range(cut.slices + 1)))


def by_cost(groups: Sequence[Batchable], seconds: float) -> Boundaries:
    """Slices of about ``seconds`` of work, cut between groups where that is possible.

    At least two slices when there are two items, so that a small book also uses two cores; never more than an
    array takes. Linear in the number of groups and slices.
    """
    if not groups or seconds <= 0:
        raise ValueError(f"cannot cut {len(groups)} groups into slices of {seconds} s")
    cuts = _cut(groups, seconds)
    while len(cuts) - 1 > MAX_ARRAY_SIZE:
        seconds *= max(1.05, (len(cuts) - 1) / MAX_ARRAY_SIZE)
        cuts = _cut(groups, seconds)
    if len(cuts) - 1 < MIN_ARRAY_SIZE <= cuts[-1]:
        return (0, _middle(groups), cuts[-1])
    return cuts


def _cut(groups: Sequence[Batchable], seconds: float) -> Boundaries:
    boundaries = [0]
    filled = 0.0  # seconds of work since the last boundary
    place = 0
    for group in groups:
        if filled and filled + group.seconds > seconds:
            boundaries.append(place)
            filled = 0.0
        parts = _parts(group, seconds)
        boundaries += [place + group.size * part // parts for part in range(1, parts)]
        place += group.size
        filled += group.setup + group.each * group.size / parts
    boundaries.append(place)
    return tuple(boundaries)


def _parts(group: Batchable, seconds: float) -> int:
    """Into how many slices a group goes: every one pays the setup, so it may fill half a slice at most."""
    room = max(seconds - group.setup, group.setup, seconds / 2)
    return max(1, min(group.size, math.ceil(group.size * group.each / room)))


def _middle(groups: Sequence[Batchable]) -> int:
    """The group border nearest to half the work; inside a lone group, half its items."""
    if len(groups) == 1:
        return groups[0].size // 2
    total = sum(group.seconds for group in groups)
    done, place, best, distance = 0.0, 0, 0, math.inf
    for group in groups[:-1]:
        done += group.seconds
        place += group.size
        if abs(done - total / 2) < distance:
            best, distance = place, abs(done - total / 2)
    return best
