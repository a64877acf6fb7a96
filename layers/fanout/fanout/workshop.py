"""The workshop's positions: a notional, a strike and a barrier; everything else about the note is fixed."""

from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

from fanout import fields
from fanout.errors import PortfolioError
from fanout.position import NoteUnderlying, Observation, Position
from fanout.refusals import fit

COUPON_BARRIER = 0.8
DATES = (  # of seven years from 2019-11-20, adjusted to business days
    date(2020, 11, 20),
    date(2021, 11, 22),
    date(2022, 11, 21),
    date(2023, 11, 20),
    date(2024, 11, 20),
    date(2025, 11, 20),
    date(2026, 11, 20),
)


class WorkshopNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A memory coupon note on the EURO STOXX 50 as the AWS workshop's portfolio writes it."""

    notional: fields.Amount
    strike: fields.Level
    barrier: fields.Barrier  # autocall barrier of every date


def is_workshop_note(raw: dict[str, Any]) -> bool:
    """Whether the workshop's format is meant: a barrier or a strike is named, and no part of a full note."""
    return ("barrier" in raw or "strike" in raw) and "underlyings" not in raw and "schedule" not in raw


def workshop_position(raw: dict[str, Any], index: int, where: str) -> Position:
    """The note that a workshop position stands for. Raises PortfolioError at a place in ``where``."""
    for key in raw:
        if key not in WorkshopNote.__struct_fields__:
            raise PortfolioError(
                f"{where}.{key}",
                "unknown key: a position in the workshop's format has notional, strike and barrier only",
            )
    note = fit(raw, WorkshopNote, where, PortfolioError)
    if note.barrier < COUPON_BARRIER:
        raise PortfolioError(
            f"{where}.barrier",
            f"{note.barrier:g} is below the coupon barrier {COUPON_BARRIER:g} of the workshop's notes",
        )
    return Position(
        id=f"P{index}",
        index=index,
        notional=note.notional,
        currency="EUR",
        underlyings=(NoteUnderlying(name="SX5E", strike=note.strike),),
        schedule=workshop_schedule(note.barrier),
        coupon=0.05,
        memory=True,
        protection_barrier=0.6,
    )


@lru_cache(maxsize=1024)
def workshop_schedule(barrier: float) -> tuple[Observation, ...]:
    return tuple(Observation(date=day, autocall_barrier=barrier, coupon_barrier=COUPON_BARRIER) for day in DATES)
