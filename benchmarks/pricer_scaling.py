"""Nanoseconds a normal and a path, and how the cost grows with positions, underlyings and dates.

Normals are compared with numpy's own generator in the same run. Run it as
``PYTHONPATH=.:containers/pricer python benchmarks/pricer_scaling.py``.
"""

import json
import time
from collections.abc import Callable

import numpy as np

from fanout.book import parse_position
from fanout.market import Market, parse_market
from pricer.estimate import Sampling
from pricer.models import Models
from pricer.normals import cumulative, normals_from_bits, quantile
from pricer.price import Wanted, price_positions
from pricer.sobol import ScrambledSobol
from tests.unit.pricer.cases import CASES, paths_of

DATES = ["2020-11-20", "2021-11-22", "2022-11-21", "2023-11-20", "2024-11-20", "2025-11-20", "2026-11-20"]
HESTON = {"type": "heston", "v0": 0.0122, "kappa": 1.445, "theta": 0.0326, "sigma": 0.354, "rho": -0.599}
NUMBERS = 1 << 20


def least(work: Callable[[], object], count: int, repeats: int = 9) -> float:
    """CPU nanoseconds for each of ``count`` in the quickest of a few runs."""
    spent = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent) / count * 1e9


def show(name: str, nanoseconds: float) -> None:
    print(f"{name:66s} {nanoseconds:10.2f}")


def normals() -> None:
    """Points and normals against numpy's ziggurat."""
    random = np.random.default_rng(1)
    show("ns a normal: numpy's ziggurat, float64", least(lambda: random.standard_normal(NUMBERS), NUMBERS))
    single = least(lambda: random.standard_normal(NUMBERS, dtype=np.float32), NUMBERS)
    show("ns a normal: numpy's ziggurat, float32", single)
    points = ScrambledSobol.of(32, 15, [np.random.Philox(1)])
    show("ns a Sobol number", least(lambda: points.block(0, 15), 32 << 15))
    bits = points.block(0, 15).reshape(-1)
    for kind in (np.float32, np.float64):
        out = np.empty(bits.shape, kind)
        spent = least(lambda out=out: normals_from_bits(bits, out), bits.size)  # type: ignore[misc]
        show(f"ns a normal from its bits, {out.dtype}", spent)
        x = quantile((np.arange(1 << 15) + 0.5) / (1 << 15)).astype(kind)
        show(f"ns a cumulative probability, {x.dtype}", least(lambda x=x: cumulative(x), x.size))  # type: ignore[misc]


def paths() -> None:
    """Paths of the reference cases, without a payoff."""
    for case in CASES:
        model = paths_of(case)
        bits = ScrambledSobol.of(model.dimensions, 15, [np.random.Philox(1)]).block(0, 15)[:, 0]
        spent = least(lambda model=model, bits=bits: model.lines(bits), 1 << 15, 5)  # type: ignore[misc]
        show(f"ns a path: {case['id']}, {len(case['times'])} dates, {model.dimensions} normals", spent)


def market(names: list[str], heston: bool) -> Market:
    flat = {"type": "flat", "value": 0.2}
    underlyings = {
        name: {
            "currency": "EUR",
            "spot": 100.0,
            "model": "heston" if heston else "gbm",
            "volatility": HESTON if heston else flat,
        }
        for name in names
    }
    pairs = [{"pair": [a, b], "value": 0.5} for place, a in enumerate(names) for b in names[:place]]
    return parse_market(
        json.dumps(
            {
                "schema": "stepbatch/market/1",
                "valuationDate": "2019-11-20",
                "curves": {"EUR": {"zeroRates": [["2026-11-20", 0.01]]}},
                "underlyings": underlyings,
                "correlations": pairs,
            }
        )
    )


def priced(positions: int, underlyings: int, dates: int, heston: bool) -> float:
    """CPU nanoseconds a path and position of one group, all trades different."""
    names = [f"I{place}" for place in range(underlyings)]
    snapshot = Models.of(market(names, heston), {})
    book = [
        parse_position(
            {
                "id": f"N{place}",
                "notional": 1e6,
                "currency": "EUR",
                "underlyings": [{"name": name, "strike": 100.0 + place / 100} for name in names],
                "schedule": [{"date": day, "autocallBarrier": 1.0, "couponBarrier": 0.8} for day in DATES[:dates]],
                "coupon": 0.05,
                "memory": True,
                "protectionBarrier": 0.6,
            },
            place,
        )
        for place in range(positions)
    ]
    sampling = Sampling(seed=1, log2_points=12)
    work = lambda: list(price_positions(book, snapshot, lambda _: sampling, Wanted()))  # noqa: E731 - timed below
    return least(work, sampling.paths * positions, 2)


def main() -> None:
    normals()
    paths()
    for heston in (False, True):
        model = "Heston" if heston else "GBM"
        for positions in (1, 8, 64):
            show(f"ns a path and position: {model}, {positions} positions", priced(positions, 1, 7, heston))
        for underlyings in (1, 2, 3, 5):
            show(f"ns a path and position: {model}, {underlyings} underlyings", priced(8, underlyings, 7, heston))
        for dates in (1, 3, 7):
            show(f"ns a path and position: {model}, {dates} dates", priced(8, 1, dates, heston))


if __name__ == "__main__":
    main()
