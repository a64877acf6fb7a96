"""How many paths a group of positions takes: fixed before the array starts, so that no slicing changes a number."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import msgspec

from fanout.errors import PlanError
from pricer.estimate import Sampling
from pricer.models import Pilot

SCRAMBLES = 32
# Points of a scramble for a standard error of about 1 bp, measured on notes of three to seven years.
LOG2_SINGLE_GBM, LOG2_OTHERS = 9, 12
MIN_LOG2, MAX_LOG2 = 6, 24
DOUBLINGS_A_HALVING = 1.5  # of the points, about, to halve the error
FINEST = 3.0  # refinement of the variance steps; at a target of 1 bp it is 1, their bias falls with its square


def kind_of(group: str) -> str:
    """``heston+gbm/7``: models and number of dates of a group, from its canonical text."""
    underlyings, dates = msgspec.json.decode(group)
    return f"{'+'.join(sorted((model for _, model in underlyings), reverse=True))}/{len(dates)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Points for each group: as a pilot found, else by the target and the kind of its underlyings."""

    seed: int
    target_bp: float  # standard error aimed at, bp of the notional
    max_paths: int  # over all scrambles
    found: Mapping[str, int] = field(default_factory=dict)  # kind -> log2 of the points of each scramble

    @classmethod
    def of(cls, parameters: Mapping[str, Any], pilots: Iterable[Pilot] = ()) -> Self:
        """From the plan's ``seed``, ``targetStandardErrorBp`` and ``maxPaths``; PlanError if one is missing."""
        try:
            return cls(
                seed=int(parameters["seed"]),
                target_bp=float(parameters["targetStandardErrorBp"]),
                max_paths=int(parameters["maxPaths"]),
                found={pilot.kind: pilot.log2_points for pilot in pilots},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PlanError(f"the plan's parameters {dict(parameters)!r} lack or garble {error}") from error

    @property
    def most(self) -> int:
        """log2 of the most points of a scramble."""
        return min(max(1, self.max_paths // SCRAMBLES).bit_length() - 1, MAX_LOG2)

    def sampling(self, group: str) -> Sampling:
        """The points of a group, by its canonical text (:func:`fanout.book.path_group`)."""
        return Sampling(
            seed=self.seed,
            log2_points=self.points(kind_of(group)),
            scrambles=SCRAMBLES,
            refinement=min(max(1.0, self.target_bp**-0.5), FINEST),
        )

    def points(self, kind: str) -> int:
        """log2 of the points of each scramble."""
        log2_points = self.found.get(kind)
        if log2_points is None:
            usual = LOG2_SINGLE_GBM if kind.partition("/")[0] == "gbm" else LOG2_OTHERS
            log2_points = usual + math.ceil(DOUBLINGS_A_HALVING * math.log2(1 / self.target_bp))
        return min(max(log2_points, MIN_LOG2), self.most)

    def raised(self, errors_bp: Mapping[str, float]) -> tuple[Self, set[str]]:
        """More points for the kinds whose largest error misses the target, and which these are."""
        found = dict(self.found)
        for kind, error in errors_bp.items():
            points = self.points(kind)
            if error > self.target_bp and points < self.most:
                more = max(1, math.floor(math.log2(error / self.target_bp)))  # of a rough payoff, no more is sure
                found[kind] = min(points + more, self.most)
        return replace(self, found=found), {kind for kind in errors_bp if found.get(kind) != self.found.get(kind)}
