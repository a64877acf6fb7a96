"""How long pricing takes: rough seconds of one core, good enough to cut a book into slices of about equal work."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fanout.slicing import Batchable
from fanout.staging import StagedGroup

# Measured on one core: seconds an underlying, for 2^17 paths with seven observation dates.
SETUP = {"gbm": 0.015, "heston": 0.3}  # the paths of a group
TRADE = {"gbm": 0.02, "heston": 0.01}  # the payoff of one distinct trade on them
GREEKS, SCENARIOS = 0.15, 0.4  # on top, a trade
GREEKS_PATHS = 1.25  # on top, times the setup: for the market and for each underlying's volatility, in finer steps
SCENARIO_PATHS = 5  # likewise, for each change of the volatilities
USUAL_PATHS = 2**17  # at a target of 1 bp
USUAL_PATHS_ALONE = 2**14  # of one index under GBM: the closed form leaves little to simulate
USUAL_DATES = 7
EFFORT_A_HALVING = 1.5  # powers of two of paths that halve the error, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What decides how much work a trade is, apart from the trade."""

    target_bp: float
    max_paths: int
    greeks: bool
    scenarios: bool

    def of(self, groups: Sequence[StagedGroup]) -> list[Batchable]:
        """The groups as work to be cut."""
        return [self._of(group) for group in groups]

    def _of(self, group: StagedGroup) -> Batchable:
        assets = max(1, len(group.underlyings))
        size = self._paths(group) / USUAL_PATHS * assets * max(1, len(group.dates)) / USUAL_DATES
        sets = 1 + GREEKS_PATHS * (1 + assets) * self.greeks + SCENARIO_PATHS * self.scenarios
        trade = TRADE[group.model] + GREEKS * self.greeks + SCENARIOS * self.scenarios
        each = trade * size * group.distinct / group.size
        return Batchable(size=group.size, setup=SETUP[group.model] * sets * size, each=each)

    def _paths(self, group: StagedGroup) -> float:
        usual = USUAL_PATHS_ALONE if group.models == ("gbm",) else USUAL_PATHS
        return min(usual * math.pow(self.target_bp, -EFFORT_A_HALVING), self.max_paths)
