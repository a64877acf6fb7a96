"""What may be asked of the pricer: the same numbers within the same limits, wherever they are asked for."""

from typing import Annotated

import msgspec
from msgspec import Meta

LEAST_TARGET, LARGEST_TARGET = 1e-6, 10_000.0  # bp of notional
FEWEST_PATHS, MOST_PATHS = 32, 2**40  # one for each of the scrambles that give the standard error
LARGEST_SEED = 2**53  # what JSON's readers keep exactly

TargetBp = Annotated[float, Meta(ge=LEAST_TARGET, le=LARGEST_TARGET, description="standard error, bp of notional")]
MaxPaths = Annotated[int, Meta(ge=FEWEST_PATHS, le=MOST_PATHS, description="over all 32 scrambles")]
Seed = Annotated[int, Meta(ge=0, le=LARGEST_SEED, description="of the random points")]


class Pricing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """How precisely positions are priced, and what is measured beside their values."""

    target_standard_error_bp: TargetBp = 1.0
    max_paths: MaxPaths = 2**20
    seed: Seed = 1
    greeks: bool = False
    scenarios: bool = False
