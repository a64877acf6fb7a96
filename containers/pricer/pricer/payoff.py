"""The memory-coupon autocallable's cash flows on known levels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricer.normals import FloatArray
from pricer.note import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a note on each path; on unit notional."""

    value: FloatArray  # (paths,) discounted cash flows
    alive: NDArray[np.bool_]  # (dates - 1, paths) whether it lived on after each date but the last
    lost: NDArray[np.bool_]  # (paths,) whether less than the notional was redeemed


def outcome(note: Note, levels: FloatArray) -> Outcome:
    r"""The note's cash flows on each path, protection watched at maturity.

    With L the level, B the autocall and C the coupon barrier of a date, and u coupons unpaid: before the last date
    L ≥ B pays 1 and the coupons and ends the note; on any date L ≥ C pays c·(1 + u) (c alone without memory) and
    clears u, else u grows by one. On the last date C ≤ L or protection ≤ L redeems 1, else min(1, L). A date without
    coupon barrier has no coupon of its own; a call on it pays what a memory note owes.

    Parameters
    ----------
    levels : (dates, paths)   S / strike; for baskets the lowest of the ratios
    """
    dates, paths = levels.shape
    value = np.zeros(paths)
    alive = np.ones((dates, paths), bool)  # before each date
    unpaid = np.full(paths, float(note.unpaid))
    for date, level in enumerate(levels):
        here = alive[date]
        called = here & (level >= note.autocall[date])
        pays = here & (level >= note.coupon_barrier[date])
        owed = float(note.due[date]) + unpaid * note.memory
        value += (pays | called) * (note.coupon * note.discounts[date] * owed)
        unpaid = np.where(pays, 0.0, unpaid + note.due[date])
        if date + 1 < dates:
            value += called * note.discounts[date]
            alive[date + 1] = here & ~called
    safe = (levels[-1] >= note.coupon_barrier[-1]) | (levels[-1] >= note.protection)
    redeemed = np.where(safe, 1.0, np.minimum(levels[-1], 1.0))
    value += alive[-1] * note.discounts[-1] * redeemed
    return Outcome(value=value, alive=alive[1:], lost=alive[-1] & (redeemed < 1))
