"""The result of one slice: a price, or the reason why there is none, for each of its positions."""

from typing import Literal

import msgspec


class Price(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What one position is worth on the valuation date; amounts in currency units, negative for a liability."""

    index: int  # place in the user's book, from 0
    id: str
    currency: str
    pv: float
    standard_error: float
    scrambles: tuple[float, ...]  # PV by each independent randomisation of the points
    paths: int  # over all scrambles


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
