"""How many paths a run takes: decided by its parameters alone, so that no slicing changes a number."""

import math
from collections.abc import Mapping
from typing import Any

from fanout.errors import PlanError
from pricer.estimate import Sampling

SCRAMBLES = 32
REFERENCE_ERROR_BP = 0.7  # what 2^REFERENCE_LOG2 points a scramble stay below under Heston; GBM needs fewer
REFERENCE_LOG2 = 13
MIN_LOG2, MAX_LOG2 = 7, 24


def sampling_of(parameters: Mapping[str, Any]) -> Sampling:
    """The plan's ``seed``, ``targetStandardErrorBp`` and ``maxPaths`` -> points of each scramble."""
    try:
        seed = int(parameters["seed"])
        target = float(parameters["targetStandardErrorBp"])
        max_paths = int(parameters["maxPaths"])
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"the plan's parameters {dict(parameters)!r} lack or garble {error}") from error
    needed = REFERENCE_LOG2 + math.ceil(1.25 * math.log2(REFERENCE_ERROR_BP / target))
    allowed = max(1, max_paths // SCRAMBLES).bit_length() - 1
    return Sampling(seed=seed, log2_points=min(max(needed, MIN_LOG2), allowed, MAX_LOG2), scrambles=SCRAMBLES)
