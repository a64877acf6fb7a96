"""How many paths a group of positions takes: fixed before the array starts, so that no slicing changes a number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from fanout.errors import PlanError
from pricer.estimate import Sampling

SCRAMBLES = 32
# Points of a scramble for a standard error of about 1 bp; measured on notes of three to seven years.
LOG2_SINGLE_GBM, LOG2_OTHERS = 9, 12
MIN_LOG2, MAX_LOG2 = 6, 24
RATE = 1.4  # doublings of the points that halve the error, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Points for each group: by the target and by the kind of its underlyings."""

    seed: int
    target_bp: float  # standard error aimed at, bp of the notional
    max_paths: int  # over all scrambles

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """From the plan's ``seed``, ``targetStandardErrorBp`` and ``maxPaths``; PlanError if one is missing."""
        try:
            return cls(
                seed=int(parameters["seed"]),
                target_bp=float(parameters["targetStandardErrorBp"]),
                max_paths=int(parameters["maxPaths"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PlanError(f"the plan's parameters {dict(parameters)!r} lack or garble {error}") from error

    def sampling(self, group: str) -> Sampling:
        """The points of a group, by its canonical text (:func:`fanout.book.path_group`)."""
        underlyings, _ = msgspec.json.decode(group)
        easy = [model for _, model in underlyings] == ["gbm"]
        wanted = (LOG2_SINGLE_GBM if easy else LOG2_OTHERS) + math.ceil(RATE * math.log2(1 / self.target_bp))
        allowed = max(1, self.max_paths // SCRAMBLES).bit_length() - 1
        return Sampling(seed=self.seed, log2_points=min(max(wanted, MIN_LOG2), allowed, MAX_LOG2), scrambles=SCRAMBLES)
