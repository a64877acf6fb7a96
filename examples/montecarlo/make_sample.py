"""Writes sample_book.json and sample_market.json: a small desk's notes on four indices, in euros and dollars.

The levels are of the right size, but not quotes. ``python examples/montecarlo/make_sample.py [DIRECTORY]``
writes the same bytes every time.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from fanout.calendar import add_business_days, is_business_day

VALUATION = date(2024, 11, 20)
Note = dict[str, Any]


def market() -> dict[str, Any]:
    return {
        "schema": "stepbatch/market/1",
        "valuationDate": f"{VALUATION}",
        "dayCount": "ACT/360",
        "calendar": "TARGET",
        "curves": {
            "EUR": {"zeroRates": [["2025-11-20", 0.0235], ["2027-11-22", 0.0215], ["2031-11-20", 0.0225]]},
            "USD": {"zeroRates": [["2025-11-20", 0.0425], ["2027-11-22", 0.0395], ["2031-11-20", 0.039]]},
        },
        "underlyings": {
            "SX5E": {
                "currency": "EUR",
                "spot": 4730.0,
                "dividendYield": 0.028,
                "model": "heston",
                "volatility": {
                    "type": "heston",
                    "v0": 0.026,
                    "kappa": 1.8,
                    "theta": 0.038,
                    "sigma": 0.55,
                    "rho": -0.68,
                },
            },
            "SX7E": {
                "currency": "EUR",
                "spot": 140.0,
                "dividendYield": 0.052,
                "model": "gbm",
                "volatility": {
                    "type": "termStructure",
                    "expiries": ["2025-06-20", "2025-12-19", "2026-12-18", "2028-12-15"],
                    "values": [0.235, 0.24, 0.25, 0.255],
                },
            },
            "SPX": {
                "currency": "USD",
                "spot": 5900.0,
                "dividendYield": 0.013,
                "model": "heston",
                "volatility": {"type": "heston", "v0": 0.021, "kappa": 2.2, "theta": 0.04, "sigma": 0.7, "rho": -0.74},
            },
            "RTY": {
                "currency": "USD",
                "spot": 2330.0,
                "dividendYield": 0.014,
                "model": "gbm",
                "volatility": {"type": "flat", "value": 0.235},
            },
        },
        "correlations": [
            {"pair": ["SX5E", "SX7E"], "value": 0.82},
            {"pair": ["SPX", "RTY"], "value": 0.8},
            {"pair": ["SX5E", "SPX"], "value": 0.62},
            {"pair": ["SX5E", "RTY"], "value": 0.55},
            {"pair": ["SX7E", "SPX"], "value": 0.5},
            {"pair": ["SX7E", "RTY"], "value": 0.52},
        ],
        "fx": {"base": "EUR", "rates": {"USD": 0.945}},
    }


def observation_dates(issued: date, every: int, count: int) -> list[date]:
    """``count`` dates, ``every`` so many months after ``issued``, each moved to the next business day."""
    dates = []
    for number in range(1, count + 1):
        years, month = divmod(issued.month - 1 + number * every, 12)
        day = issued.replace(year=issued.year + years, month=month + 1)
        dates.append(day if is_business_day(day) else add_business_days(day, 1))
    return dates


def schedule(
    dates: list[date], autocall: float, coupon: float, *, step: float = 0.0, first_call: int = 0
) -> list[Note]:
    """Autocall barriers from the ``first_call``-th date on, falling by ``step``; the last date redeems anyway."""
    rows = []
    for number, day in enumerate(dates):
        row: Note = {"date": f"{day}"}
        if first_call <= number < len(dates) - 1:
            row["autocallBarrier"] = max(round(autocall - step * (number - first_call), 4), coupon)
        rows.append(row | {"couponBarrier": coupon})
    return rows


def note(name: str, index: str, strike: float, rows: list[Note], **terms: Any) -> Note:
    """A position; shorts and settlement lags are given in ``terms``."""
    currency = market()["underlyings"][index]["currency"]
    return {
        "id": name,
        "side": terms.pop("side", "long"),
        "notional": terms.pop("notional"),
        "currency": currency,
        "underlyings": [{"name": index, "strike": strike}],
        "schedule": rows,
        "protectionBarrier": terms.pop("protection"),
        **terms,
    }


def annual_memory() -> Iterator[Note]:
    """Five-year memory notes on the EURO STOXX 50, some sold; two of them are the same trade."""
    dates = observation_dates(VALUATION, 12, 5)
    trades = [(4500, 1.0), (4600, 1.0), (4700, 1.0), (4730, 1.0), (4730, 1.0), (4730, 0.95), (4800, 0.95), (4900, 0.92)]
    for number, (strike, autocall) in enumerate(trades, 1):
        yield note(
            f"SX5E-5Y-ANNUAL-{number:02}",
            "SX5E",
            strike,
            schedule(dates, autocall, 0.8),
            notional=(5 + number) * 1_000_000,
            side="short" if number % 4 == 0 else "long",
            coupon=0.055,
            memory=True,
            protection=0.6,
            settlementDays=2,
        )


def step_down() -> Iterator[Note]:
    """Four-year semi-annual notes on European banks whose autocall barrier falls 2.5 points a date after a year."""
    dates = observation_dates(date(2024, 10, 15), 6, 8)
    for number in range(1, 11):
        yield note(
            f"SX7E-4Y-STEPDOWN-{number:02}",
            "SX7E",
            130.0 + 2 * number,
            schedule(dates, 1.0, 0.7, step=0.025, first_call=1),
            notional=2_500_000 + 250_000 * (number % 3),
            side="short" if number in (3, 7) else "long",
            coupon=round(0.03 + 0.0025 * (number % 3), 4),
            memory=number % 2 == 0,
            protection=0.55 if number % 2 else 0.6,
            settlementDays=5,
        )


def quarterly_income() -> Iterator[Note]:
    """Three-year quarterly notes without memory on the S&P 500, in dollars."""
    dates = observation_dates(date(2024, 11, 4), 3, 12)
    for number in range(1, 11):
        yield note(
            f"SPX-3Y-QUARTERLY-{number:02}",
            "SPX",
            5500.0 + 50 * number,
            schedule(dates, 1.0, 0.75, first_call=3),
            notional=3_000_000 if number % 2 else 4_500_000,
            side="short" if number == 5 else "long",
            coupon=0.0175,
            memory=False,
            protection=0.65,
            settlementDays=3,
        )


def small_caps() -> Iterator[Note]:
    """Two-year semi-annual notes on the Russell 2000; three of them pay on the observation date."""
    dates = observation_dates(VALUATION, 6, 4)
    for number in range(1, 7):
        yield note(
            f"RTY-2Y-SEMI-{number:02}",
            "RTY",
            2200.0 + 40 * number,
            schedule(dates, 1.0, 0.8),
            notional=1_500_000,
            coupon=0.045,
            memory=True,
            protection=0.7,
            settlementDays=0 if number <= 3 else 5,
        )


def seasoned() -> Iterator[Note]:
    """Notes with a past: coupons missed and remembered, a coupon that has not settled, a call that has not settled."""
    issued_2022 = observation_dates(date(2022, 10, 24), 12, 5)
    for number, strike in enumerate((3600.0, 4300.0, 5200.0), 1):
        fixings = {"2023-10-24": {"SX5E": 4065.37}, "2024-10-24": {"SX5E": 4935.4}}
        rows = schedule(issued_2022, 1.0, 0.8, first_call=2)  # callable from the third year on
        yield note(
            f"SX5E-5Y-2022-{number:02}",
            "SX5E",
            strike,
            rows,
            notional=7_500_000,
            coupon=0.06,
            memory=True,
            protection=0.6,
            settlementDays=2,
            fixings=fixings,
        )
    banks = observation_dates(date(2024, 5, 20), 3, 10)
    for number, strike in enumerate((135.0, 185.0, 192.5), 1):
        fixings = {"2024-08-20": {"SX7E": 134.2}, "2024-11-20": {"SX7E": 140.0}}
        yield note(
            f"SX7E-QUARTERLY-2024-{number:02}",
            "SX7E",
            strike,
            schedule(banks, 1.0, 0.75, first_call=4),
            notional=2_000_000,
            side="short" if number == 2 else "long",
            coupon=0.02,
            memory=True,
            protection=0.6,
            settlementDays=5,
            fixings=fixings,
        )
    called = schedule(observation_dates(date(2023, 5, 18), 6, 6), 1.0, 0.8)
    fixings = {"2023-11-20": {"SPX": 4547.38}, "2024-05-20": {"SPX": 4180.5}, "2024-11-18": {"SPX": 5893.62}}
    yield note(
        "SPX-3Y-CALLED-2024",
        "SPX",
        4600.0,
        called,
        notional=6_000_000,
        coupon=0.035,
        memory=True,
        protection=0.65,
        settlementDays=5,
        fixings=fixings,
    )


def book() -> dict[str, Any]:
    families = (annual_memory(), step_down(), quarterly_income(), small_caps(), seasoned())
    return {
        "schema": "stepbatch/book/1",
        "name": "sample desk",
        "positions": [position for family in families for position in family],
    }


def laid_out(document: dict[str, Any]) -> str:
    """JSON with the innermost objects and lists on one line each."""
    text = json.dumps(document, indent=1)
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda leaf: " ".join(leaf[0].split()), text) + "\n"


def main() -> None:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, document in (("sample_book.json", book()), ("sample_market.json", market())):
        (directory / name).write_text(laid_out(document), encoding="utf-8")


if __name__ == "__main__":
    main()
