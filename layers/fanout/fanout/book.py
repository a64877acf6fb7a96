"""The book: autocallable notes as users write them; what breaks the schema is refused by position, field and value."""

from datetime import date
from typing import Literal

import msgspec


class Observation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One date on which the note is observed; already adjusted to a business day."""

    date: date
    autocall_barrier: float | None = None  # fraction of the strike; None: cannot be called on this date
    coupon_barrier: float | None = None  # fraction of the strike; None: no coupon is due on this date


class NoteUnderlying(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An index and the level that the note measures it against."""

    name: str
    strike: float  # index points, > 0


class Position(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True
):
    """A holding of one note."""

    id: str
    index: int = -1  # place in the user's book, from 0; filled in when the book is read
    side: Literal["long", "short"] = "long"
    notional: float  # currency units, > 0
    currency: str  # ISO 4217
    underlyings: tuple[NoteUnderlying, ...]  # sorted by name
    schedule: tuple[Observation, ...]  # by date, strictly increasing
    coupon: float  # an amount per period, on unit notional
    memory: bool
    protection_barrier: float  # fraction of the strike
    protection_monitoring: Literal["maturity", "continuous"] = "maturity"
    knocked_in: bool | None = None
    settlement_days: int = 0  # business days from observation to payment
    fixings: dict[date, dict[str, float]] = {}
