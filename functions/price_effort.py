"""How long pricing takes: rough seconds of one core, good enough to cut a book into slices of about equal work."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fanout.slicing import Batchable
from fanout.staging import StagedGroup

# Measured on one core at a target of 1 bp, an underlying with seven observation dates.
SETUP = {"gbm": 0.1, "heston": 0.3}  # the paths of a group
TRADE = {"gbm": 0.004, "heston": 0.009}  # the payoff of one distinct trade on them
GREEKS, SCENARIOS = 7, 25  # on top, in times of the value's own work
USUAL_PATHS = 2**17
USUAL_DATES = 7
EFFORT_A_HALVING = 1.5  # powers of two of paths that halve the error, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What decides how much work a trade is, apart from the trade."""

    target_bp: float
    max_paths: int
    greeks: bool
    scenarios: bool

    @property
    def paths(self) -> float:
        """Of a group, in times of the usual."""
        return min(math.pow(self.target_bp, -EFFORT_A_HALVING), self.max_paths / USUAL_PATHS)

    @property
    def measures(self) -> int:
        """What is measured of a trade, in times of its value."""
        return 1 + GREEKS * self.greeks + SCENARIOS * self.scenarios

    def of(self, groups: Sequence[StagedGroup]) -> list[Batchable]:
        """The groups as work to be cut."""
        return [self._of(group) for group in groups]

    def _of(self, group: StagedGroup) -> Batchable:
        width = self.paths * max(1, len(group.underlyings)) * max(1, len(group.dates)) / USUAL_DATES
        each = TRADE[group.model] * width * self.measures * group.distinct / group.size
        return Batchable(size=group.size, setup=SETUP[group.model] * width, each=each)
