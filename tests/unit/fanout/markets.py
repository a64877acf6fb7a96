"""A market snapshot to spoil."""

import copy
from typing import Any

Raw = dict[str, Any]

MARKET: Raw = {
    "schema": "stepbatch/market/1",
    "valuationDate": "2019-11-20",
    "dayCount": "ACT/360",
    "calendar": "TARGET",
    "curves": {
        "EUR": {"zeroRates": [["2020-11-20", -0.004], ["2026-11-20", 0.01]]},
        "USD": {"zeroRates": [["2026-11-20", 0.02]]},
    },
    "underlyings": {
        "SX5E": {
            "currency": "EUR",
            "spot": 3550.0,
            "dividendYield": 0.0,
            "model": "heston",
            "volatility": {
                "type": "surface",
                "expiries": ["2020-06-19", "2026-12-18"],
                "strikes": [3075, 3550],
                "values": [[0.1753, 0.1320], [0.1724, 0.1684]],
            },
        },
        "SMI": {
            "currency": "EUR",
            "spot": 100.0,
            "dividendYield": 0.02,
            "model": "gbm",
            "volatility": {"type": "termStructure", "expiries": ["2020-11-20", "2021-11-22"], "values": [0.18, 0.19]},
        },
        "RTY": {"currency": "USD", "spot": 1600.0, "model": "gbm", "volatility": {"type": "flat", "value": 0.2}},
        "SPX": {
            "currency": "USD",
            "spot": 3100.0,
            "model": "heston",
            "volatility": {"type": "heston", "v0": 0.02, "kappa": 1.5, "theta": 0.03, "sigma": 0.4, "rho": -0.6},
        },
    },
    "correlations": [{"pair": ["SX5E", "SMI"], "value": 0.6}],
    "fx": {"base": "EUR", "rates": {"USD": 0.9}},
}


def changed(path: str, value: Any) -> Raw:
    """The market with the value at ``path``, such as ``underlyings.SMI.spot``, replaced; ``...`` removes it."""
    raw = copy.deepcopy(MARKET)
    *outer, last = path.split(".")
    place: Any = raw
    for key in outer:
        place = place[int(key) if isinstance(place, list) else key]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return raw
