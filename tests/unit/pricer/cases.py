"""The reference values, and notes and paths built from their cases."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from fanout.market import HestonParameters
from pricer.gbm import GbmPaths
from pricer.heston import HestonPaths
from pricer.note import Note
from pricer.paths import Paths

Case = dict[str, Any]
DATA = Path(__file__).parents[2] / "data"
CASES: list[Case] = json.loads((DATA / "autocallable_prices.json").read_text())["cases"]
HESTON_VALUES: list[Case] = json.loads((DATA / "heston_values.json").read_text())["cases"]  # with sensitivities


def some(*models: str, monitoring: str = "maturity") -> list[Any]:
    return [case for case in CASES if case["model"] in models and case["protectionMonitoring"] == monitoring]


def note_of(case: Case) -> Note:
    times = np.array(case["times"])
    autocall = np.array(case["autocall"], float)
    autocall[-1] = math.inf
    basket = "spot_ratio" in case
    return Note(
        strikes=1 / np.array(case["spot_ratio"]) if basket else np.array([case["strike"] / case["spot"]]),
        autocall=autocall,
        coupon_barrier=np.array(case["coupon_barrier"]),
        coupon=case["coupon"],
        memory=case["memory"],
        unpaid=case["unpaid0"],
        protection=case["protection"],
        continuous=case["protectionMonitoring"] == "continuous",
        discounts=np.exp(-case["rate"] * times),
    )


def paths_of(case: Case, **heston: Any) -> Paths:
    """``heston``: parameters that differ."""
    times = np.array(case["times"])
    periods = np.diff(times, prepend=0.0)
    growth = np.array([(case["rate"] - dividend) * times for dividend in np.atleast_1d(case["div"])])
    if case["model"] == "heston":
        model = HestonParameters(**{**case["heston"], **heston})
        return HestonPaths.of([model], log_growth=growth, times=times, correlations=np.eye(1))
    if case["model"] == "gbm":
        return GbmPaths.of(log_growth=growth, covariances=(np.square(case["fwd_vol"]) * periods)[:, None, None])
    covariance = np.outer(case["vol"], case["vol"]) * np.array(case["corr"])
    return GbmPaths.of(log_growth=growth, covariances=periods[:, None, None] * covariance)


def note(**changes: Any) -> Note:
    """Three dates, called at 1, coupons from 0.8, protected from 0.6, no discounting; strike = spot."""
    terms: dict[str, Any] = {
        "strikes": np.array([1.0]),
        "autocall": np.array([1.0, 1.0, math.inf]),
        "coupon_barrier": np.array([0.8, 0.8, 0.8]),
        "coupon": 0.05,
        "memory": True,
        "unpaid": 0,
        "protection": 0.6,
        "continuous": False,
        "discounts": np.ones(3),
    }
    return Note(**{**terms, **changes})
