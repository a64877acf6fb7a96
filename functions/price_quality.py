"""How far a run's numbers can be trusted: standard errors against their target, models against their quotes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from fanout.errors import PlanError
from fanout.prices import Price

TOLERANCE = 1.25  # times the target: a standard error is itself an estimate
TOLD = ("quality", "rmsBp", "worstBp", "feller", "parameters")  # of a calibration; its quotes are in model.json


@dataclass(slots=True)
class Precision:
    """Standard errors of positions, bp of their notionals, against the target."""

    target_bp: float
    largest_bp: float = 0.0
    missed: int = 0  # positions beyond 1.25 times the target

    def add(self, price: Price) -> None:
        error = 100 * price.percent_standard_error
        self.largest_bp = max(self.largest_bp, error)
        self.missed += error > TOLERANCE * self.target_bp

    def report(self) -> dict[str, Any]:
        return {
            "targetStandardErrorBp": self.target_bp,
            "largestStandardErrorBp": self.largest_bp,
            "missedTarget": self.missed,
        }


def models_of(body: bytes, plan_hash: str) -> dict[str, Mapping[str, Any]]:
    """Underlying -> how its model fits, from ``model.json``. Raises PlanError if that is another plan's."""
    document = msgspec.json.decode(body)
    if document["planHash"] != plan_hash:
        raise PlanError(f"model.json is of plan {document['planHash'][:12]}, this run's is {plan_hash[:12]}")
    fits = {name: fit["calibration"] for name, fit in document["fits"].items()}
    return {name: {key: fit[key] for key in TOLD} for name, fit in sorted(fits.items())}
