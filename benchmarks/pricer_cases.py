"""Whole notes, as users write them, priced by other methods: what tests hold the pricer to.

Near the edges: fixings and settlement lags, barriers on the spot, dates days apart and ten years away, variances that
rest at zero, strong correlations, curves and dividends, barriers that step down. It needs scipy.
``PYTHONPATH=.:containers/pricer python benchmarks/pricer_cases.py`` writes ``tests/data/whole_notes.json``.
"""

import argparse
import json
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pricer_independent import Problem, by_cosines, by_paths, by_quadrature, sensitivities

from fanout.calendar import is_business_day

Json = dict[str, Any]
TARGET = Path(__file__).parents[1] / "tests" / "data" / "whole_notes.json"
TODAY = date(2019, 11, 20)
NEAR = 0.1  # years
FLAT = [["2026-11-20", 0.02]]
CURVE = [["2020-05-20", 0.035], ["2021-11-22", 0.01], ["2026-11-20", 0.025]]
TERMS = {"type": "termStructure", "expiries": ["2020-06-19", "2021-03-19", "2022-12-16"], "values": [0.35, 0.25, 0.22]}


def day(days: int) -> str:
    """The first business day on or after so many days from today; on or before, in the past."""
    found, step = TODAY + timedelta(days=days), timedelta(days=1 if days > 0 else -1)
    while not is_business_day(found):
        found += step
    return found.isoformat()


def index(volatility: Json | float, *, spot: float = 100.0, dividend: float = 0.0) -> Json:
    given = {"type": "flat", "value": volatility} if isinstance(volatility, float) else volatility
    model = "heston" if given["type"] == "heston" else "gbm"
    return {"currency": "EUR", "spot": spot, "dividendYield": dividend, "model": model, "volatility": given}


def heston(v0: float, kappa: float, theta: float, sigma: float, rho: float) -> Json:
    return {"type": "heston", "v0": v0, "kappa": kappa, "theta": theta, "sigma": sigma, "rho": rho}


def market(*indices: Json, correlation: float | None = None, rates: Any = FLAT) -> Json:
    names = [f"I{place}" for place in range(len(indices))]
    pairs = [{"pair": [a, b], "value": correlation} for place, a in enumerate(names) for b in names[:place]]
    return {
        "schema": "stepbatch/market/1",
        "valuationDate": TODAY.isoformat(),
        "curves": {"EUR": {"zeroRates": rates}},
        "underlyings": dict(zip(names, indices, strict=True)),
        "correlations": pairs if correlation is not None else [],
    }


def note(days: list[int], strikes: list[float], autocall: Any = 1.0, coupon: Any = 0.8, **changes: Any) -> Json:
    """``autocall`` and ``coupon``: a level, or one for each date, None where there is none."""
    levels = [each if isinstance(each, list) else [each] * len(days) for each in (autocall, coupon)]
    schedule = [
        {"date": day(at)}
        | ({} if call is None else {"autocallBarrier": call})
        | ({} if pays is None else {"couponBarrier": pays})
        for at, call, pays in zip(days, *levels, strict=True)
    ]
    return {
        "id": "N",
        "notional": 1_000_000,
        "currency": "EUR",
        "underlyings": [{"name": f"I{place}", "strike": strike} for place, strike in enumerate(strikes)],
        "schedule": schedule,
        "coupon": 0.05,
        "memory": True,
        "protectionBarrier": 0.6,
    } | changes


def fixed(days: list[int], *levels: list[float]) -> Json:
    """Fixings of past dates, a list for each date."""
    return {
        day(at): {f"I{place}": level for place, level in enumerate(some)} for at, some in zip(days, levels, strict=True)
    }


YEARS, QUARTERS = [366, 733, 1097, 1461], [92, 183, 274, 366, 457, 548]
WATCHED: Json = {"protectionMonitoring": "continuous"}


def single() -> dict[str, tuple[Json, Json]]:
    """One index under GBM."""
    seasoned = [-366, -183, 92, 274, 457]
    return {
        "step-down, lag, curve": (
            note([*YEARS, 1827], [105.0], [1.0, 0.95, 0.9, 0.85, 0.8], 0.7, settlementDays=5),
            market(index(TERMS, dividend=0.03), rates=CURVE),
        ),
        "seasoned, memory": (
            note(seasoned, [100.0], 1.05, 0.9, fixings=fixed(seasoned[:2], [89.99], [70.0])),
            market(index(0.3, spot=92.0)),
        ),
        "seasoned, no memory": (
            note(seasoned, [100.0], 1.05, 0.9, memory=False, fixings=fixed(seasoned[:2], [89.99], [70.0])),
            market(index(0.3, spot=92.0)),
        ),
        "dates without call or coupon": (
            note(QUARTERS, [95.0], [None, 1.0, None, 0.95, 1.0, None], [0.8, None, 0.7, 0.8, None, 0.75]),
            market(index(0.28, dividend=0.02)),
        ),
        "dates two days apart": (note([2, 5, 7, 366, 368], [100.0], 1.0, 1.0), market(index(0.25))),
        "ten years": (note([366 * year for year in range(1, 11)], [100.0]), market(index(0.2, dividend=0.02))),
        "deep in": (note(YEARS, [40.0]), market(index(0.25))),
        "deep out": (note(YEARS, [300.0]), market(index(0.25))),
        "all barriers equal, on the spot": (
            note(YEARS, [100.0], 1.0, 1.0, protectionBarrier=1.0),
            market(index(0.22), rates=[["2026-11-20", -0.005]]),
        ),
        "high volatility": (note(YEARS, [100.0]), market(index(1.2, dividend=0.1))),
        "low volatility": (note(YEARS, [100.0], 1.02, 1.0), market(index(0.02))),
        "watched": (note(QUARTERS, [100.0], 1.0, 0.8, knockedIn=False, **WATCHED), market(index(0.25))),
        "watched, curve, term structure": (
            note(YEARS, [100.0], [1.0, 0.95, 0.9, 0.85], 0.75, knockedIn=False, **WATCHED),
            market(index(TERMS, dividend=0.04), rates=CURVE),
        ),
        "watched, barrier just below the spot": (
            note([92, 366], [100.0], 1.1, 1.0, protectionBarrier=0.99, **WATCHED),
            market(index(0.2)),
        ),
        "watched, above the coupon barrier": (
            note([183, 366], [100.0], 1.0, 0.7, protectionBarrier=0.8, **WATCHED),
            market(index(0.3)),
        ),
        "watched, seasoned, touched": (
            note(seasoned, [100.0], 1.05, 0.9, fixings=fixed(seasoned[:2], [95.0], [70.0]), knockedIn=True, **WATCHED),
            market(index(0.3, spot=92.0)),
        ),
        "watched, seasoned, untouched": (
            note(seasoned, [100.0], 1.05, 0.9, fixings=fixed(seasoned[:2], [95.0], [70.0]), knockedIn=False, **WATCHED),
            market(index(TERMS, spot=75.0), rates=CURVE),
        ),
    }


def stochastic() -> dict[str, tuple[Json, Json]]:
    """One index under Heston's model; few different periods, each is a kernel of the other method."""
    seasoned = [-366, 31, 397]
    return {
        "extreme variance, near date": (
            note([7, 371, 735], [98.0]),
            market(index(heston(0.09, 2.0, 0.09, 1.0, -0.95))),
        ),
        "near date, coupons at 0.9": (
            note([7, 189, 371], [100.0], 1.0, 0.9),
            market(index(heston(0.02, 1.5, 0.04, 0.5, -0.8))),
        ),
        "seasoned, no memory": (
            note(seasoned, [100.0], 0.95, 0.75, memory=False, fixings=fixed(seasoned[:1], [90.0])),
            market(index(heston(0.06, 3.0, 0.04, 0.8, -0.7), spot=88.0, dividend=0.03)),
        ),
        "ten years": (
            note([1827, 3654], [100.0]),
            market(index(heston(0.03, 1.0, 0.05, 0.4, -0.6), dividend=0.02)),
        ),
        "deep out": (note([364, 728], [180.0]), market(index(heston(0.04, 1.5, 0.05, 0.5, -0.7)))),
    }


def baskets() -> dict[str, tuple[Json, Json, int, int]]:
    """The worst of several; with the points of a run and how many runs the other method takes."""
    four = [index(volatility, dividend=0.02) for volatility in (0.2, 0.25, 0.3, 0.18)]
    skewed = heston(0.04, 1.5, 0.05, 0.5, -0.7)
    past = [-183, 183, 548]
    return {
        "Heston alone, its variance at zero nearly always": (
            note(YEARS[:2], [100.0]), market(index(heston(0.04, 0.5, 0.04, 1.0, -0.95))), 16, 24,
        ),
        "two, nearly one": (
            note(YEARS[:3], [100.0, 100.0]), market(index(0.2), index(0.25), correlation=0.99), 18, 16,
        ),
        "three, opposed": (
            note(YEARS[:3], [100.0, 90.0, 105.0]), market(*four[:3], correlation=-0.4), 18, 16,
        ),
        "five, step-down, seasoned": (
            note(
                past, [100.0, 95.0, 110.0, 100.0, 80.0], [1.0, 0.95, 0.9], 0.7,
                fixings=fixed(past[:1], [100.0, 60.0, 105.0, 99.0, 90.0]),
            ),
            market(*four, index(0.22, spot=88.0), correlation=0.6), 18, 16,
        ),
        "Heston and GBM": (
            note(YEARS[:2], [100.0, 95.0]), market(index(skewed), index(0.25), correlation=0.6), 16, 24,
        ),
        "three, two of them Heston, close": (
            note([183, 366], [100.0, 100.0, 100.0]),
            market(index(skewed), index(heston(0.03, 1.0, 0.04, 0.6, -0.9)), index(0.2), correlation=0.9), 16, 24,
        ),
    }  # fmt: skip


def solved(family: str, position: Json, snapshot: Json, *effort: int) -> tuple[str, float, float]:
    """Method, value and tolerance."""
    problem = Problem(position=position, market=snapshot)
    if family == "GBM":
        return "quadrature", by_quadrature(problem), 1e-8
    if family == "Heston":
        terms = 384 if problem.times[0] > NEAR else 900  # the sooner the first date, the sharper its density
        fine, coarse = by_cosines(problem, terms, 120), by_cosines(problem, terms * 3 // 4, 96)
        return "cosine series", fine, abs(fine - coarse) + 1e-7
    value, error = by_paths(problem, *effort)
    return "plain simulation", value, 4 * error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument("--only", metavar="TEXT", default="", help="notes with this in their name; others stay")
    options = parser.parse_args()
    known = {each["id"]: each for each in json.loads(options.out.read_text())["cases"]} if options.only else {}
    found: list[Json] = []
    for family, notes in (("GBM", single()), ("Heston", stochastic()), ("worst of", baskets())):
        for title, (position, snapshot, *effort) in notes.items():
            if options.only not in (name := f"{family}: {title}"):
                found.append(known[name])
                continue
            method, value, tolerance = solved(family, position, snapshot, *effort)
            found.append({"id": name, "method": method, "value": value, "tolerance": tolerance})
            found[-1] |= {"position": position, "market": snapshot}
            if family == "GBM":
                found[-1]["sensitivities"] = sensitivities(Problem(position=position, market=snapshot))
            print(f"{name:60s} {value:.8f} ± {tolerance:.1e}  {time.process_time():.0f} s CPU so far", flush=True)
    options.out.write_text(json.dumps({"made_by": "benchmarks/pricer_cases.py", "cases": found}) + "\n")


if __name__ == "__main__":
    main()
