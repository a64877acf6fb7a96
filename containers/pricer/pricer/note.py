"""What is left of a note: its terms on the observation dates still to come, on unit notional."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Terms as the payoff needs them; levels are S / strike, for baskets the lowest of them."""

    strikes: Array  # (assets,) strike over spot, > 0
    autocall: Array  # (dates,) level from which the note is called; inf: not callable, as on the last date
    coupon_barrier: Array  # (dates,) level from which a coupon is paid; inf where none falls due
    coupon: float  # amount a period
    memory: bool
    unpaid: int  # coupons missed before the first date
    protection: float  # level below which the notional is at risk; inf once a continuous barrier was touched
    continuous: bool  # the protection barrier is watched at every moment, not only on the last date
    discounts: Array  # (dates,) discount factors at the payment dates

    @property
    def due(self) -> NDArray[np.bool_]:
        """(dates,) whether a coupon falls due."""
        return np.isfinite(self.coupon_barrier)
