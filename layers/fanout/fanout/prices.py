"""The result of one slice: a price, or the reason why there is none, for each of its positions."""

from datetime import date
from typing import Literal

import msgspec

METHOD = 6  # another number whenever prices of the same work change, or their order: old results then do not stand


class Measured(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An estimate and its standard error."""

    value: float
    standard_error: float


class CallProbability(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How likely the note is called on an observation date."""

    date: date
    value: float
    standard_error: float


class UnderlyingRisk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one underlying's moves do to the position; currency units."""

    delta_percent: Measured  # PV by a spot 1 % higher: first derivative times 1 %
    delta_point: Measured  # first derivative by the spot, a unit of index points
    gamma_percent: Measured  # change of delta_percent by a spot 1 % higher
    gamma_point: Measured  # second derivative by the spot
    vega: Measured  # change of PV by volatilities one point (0.01) higher


class Risk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Sensitivities of the position's PV; currency units."""

    underlyings: dict[str, UnderlyingRisk]
    rho: Measured  # change of PV by zero rates of its currency one basis point higher


class Scenarios(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """PV of the position on a grid of moved spots and volatilities, all on the same paths."""

    spot_factors: tuple[float, ...]  # all spots times this
    volatility_changes: tuple[float, ...]  # added to all volatilities
    pv: tuple[tuple[float, ...], ...]  # a row for each volatility


class Distances(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """By which fraction the worst underlying has to move to stand on the next barrier of each kind."""

    autocall: float | None = None
    coupon: float | None = None
    protection: float | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What one position is worth on the valuation date; amounts in currency units, negative for a liability."""

    index: int  # place in the user's book, from 0
    id: str
    currency: str
    pv: float
    standard_error: float
    scrambles: tuple[float, ...]  # PV by each independent randomisation of the points
    paths: int  # over all scrambles
    percent: float = 0.0  # PV in % of the notional
    percent_standard_error: float = 0.0
    autocall_probabilities: tuple[CallProbability, ...] = ()
    loss_probability: Measured | None = None  # of less than the notional at maturity
    expected_life: Measured | None = None  # years to redemption
    distances: Distances | None = None
    risk: Risk | None = None
    scenarios: Scenarios | None = None


class Unpriced(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A position without a price."""

    index: int
    id: str
    reason: str


class SlicePrices(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``results/<plan hash>/<slice>.json``; holds every position of the slice exactly once."""

    schema: Literal["stepbatch/prices/1"] = "stepbatch/prices/1"
    plan_hash: str
    slice: int
    start: int
    stop: int
    prices: tuple[Price, ...]
    failed: tuple[Unpriced, ...] = ()


def read_slice_prices(body: bytes, plan_hash: str, index: int) -> SlicePrices:
    """The result of slice ``index`` of a plan. Raises ValueError if it is damaged or another's."""
    try:
        result = msgspec.json.decode(body, type=SlicePrices)
    except msgspec.DecodeError as error:
        raise ValueError(f"the result is damaged: {error}") from error
    if (result.plan_hash, result.slice) != (plan_hash, index):
        raise ValueError(f"the result is of slice {result.slice} of plan {result.plan_hash[:12]}")
    return result
