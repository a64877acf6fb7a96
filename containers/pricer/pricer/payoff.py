"""The memory-coupon autocallable's cash flows on known levels."""

import numpy as np

from pricer.normals import FloatArray
from pricer.note import Note


def discounted_payoff(note: Note, levels: FloatArray) -> FloatArray:
    r"""Present value of the note's cash flows on each path, protection watched at maturity.

    With L the level, B the autocall and C the coupon barrier of a date, and u coupons unpaid: before the last date
    L ≥ B pays 1 and the coupons and ends the note; on any date L ≥ C pays c·(1 + u) (c alone without memory) and
    clears u, else u grows by one. On the last date C ≤ L or protection ≤ L redeems 1, else min(1, L). A date without
    coupon barrier has no coupon of its own; a call on it pays what a memory note owes.

    Parameters
    ----------
    levels : (dates, paths)   S / strike; for baskets the lowest of the ratios

    Returns
    -------
    (paths,) on unit notional
    """
    paths = levels.shape[1]
    value = np.zeros(paths)
    alive = np.ones(paths, bool)
    unpaid = np.full(paths, float(note.unpaid))
    last = len(levels) - 1
    for date, level in enumerate(levels):
        called = alive & (level >= note.autocall[date])
        pays = alive & (level >= note.coupon_barrier[date])
        owed = float(note.due[date]) + unpaid * note.memory
        value += (pays | called) * (note.coupon * note.discounts[date] * owed)
        unpaid = np.where(pays, 0.0, unpaid + note.due[date])
        if date == last:
            safe = pays | (level >= note.protection)
            value += alive * note.discounts[date] * np.where(safe, 1.0, np.minimum(level, 1.0))
        else:
            value += called * note.discounts[date]
            alive &= ~called
    return value
