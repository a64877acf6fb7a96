"""Times at which the scheduler wants to be woken. Pure: a heap whose cancelled entries are dropped in bulk."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from localcloud.batch.jobs import Job


class Alarm(Enum):
    """Why the scheduler wanted to be woken."""

    TIMEOUT = auto()  # the attempt has run for as long as it may
    GRACE_OVER = auto()  # SIGTERM was not enough
    RECLAIM = auto()  # the notice of an interruption is over
    STATE_LIMIT = auto()  # the job has been RUNNABLE for as long as its queue allows


@dataclass(frozen=True, slots=True)
class Timer:
    """One alarm for one job; ``reason`` is what the job will show."""

    alarm: Alarm
    job: Job
    reason: str = ""


class Timers:
    """A heap of timers with O(log n) ``add`` and O(1) amortised ``cancel``."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._live: dict[int, Timer] = {}
        self._count = 0

    def add(self, due: int, timer: Timer) -> int:
        """Returns the handle that cancels it."""
        self._count += 1
        self._live[self._count] = timer
        heapq.heappush(self._heap, (due, self._count))
        return self._count

    def cancel(self, handle: int) -> None:
        """No harm if it has rung already."""
        self._live.pop(handle, None)
        if len(self._heap) > 64 + 2 * len(self._live):
            self._heap = [entry for entry in self._heap if entry[1] in self._live]
            heapq.heapify(self._heap)

    @property
    def next_due(self) -> int | None:
        """When the next timer rings; a cancelled one may still count, which costs one idle wake-up."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: int) -> Iterator[Timer]:
        """Takes out what rings at ``now`` or before, earliest first."""
        while self._heap and self._heap[0][0] <= now:
            timer = self._live.pop(heapq.heappop(self._heap)[1], None)
            if timer is not None:
                yield timer
