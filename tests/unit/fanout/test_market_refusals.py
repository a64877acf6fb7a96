"""Market snapshots that are refused: each wrong value by its place."""

from typing import Any

import pytest

from fanout.errors import MarketError
from fanout.market import market_of
from tests.unit.fanout.markets import changed

TERM = "underlyings.SMI.volatility"
SURFACE = "underlyings.SX5E.volatility"
HESTON = "underlyings.SPX.volatility"


@pytest.mark.parametrize(
    ("path", "value", "place", "problem"),
    [
        ("schema", "stepbatch/market/2", "schema", "'stepbatch/market/2' is not 'stepbatch/market/1'"),
        ("schema", ..., "schema", "is missing"),
        ("comment", "x", "comment", "unknown key"),
        ("valuationdate", "x", "valuationdate", "unknown key: did you mean 'valuationDate'?"),
        ("valuationDate", "2019-11-31", "valuationDate", "'2019-11-31' is not a date: day is out of range for month"),
        ("valuationDate", 20191120, "valuationDate", "20191120 is not a date (YYYY-MM-DD)"),
        ("dayCount", "ACT/365", "dayCount", "'ACT/365' is not 'ACT/360'"),
        ("calendar", "NYSE", "calendar", "'NYSE' is not 'TARGET'"),
        (
            "curves.eur",
            {"zeroRates": [["2026-11-20", 0.01]]},
            "curves.eur",
            "the key 'eur' is not allowed here (ISO 4217 code, three capital letters)",
        ),
        ("curves.EUR.zeroRates", [], "curves.EUR.zeroRates", "is empty"),
        ("curves.EUR.zeroRates.0", ["2020-11-20"], "curves.EUR.zeroRates[0]", '["2020-11-20"] has 1 elements, not 2'),
        (
            "curves.EUR.zeroRates.0.1",
            5,
            "curves.EUR.zeroRates[0][1]",
            "5 is above 2 (per year, continuously compounded: 0.01 is 1 %)",
        ),
        (
            "curves.EUR.zeroRates.0.0",
            "2019-11-20",
            "curves.EUR.zeroRates[0][0]",
            "2019-11-20 is not after the valuation date 2019-11-20",
        ),
        (
            "curves.EUR.zeroRates.1.0",
            "2020-11-20",
            "curves.EUR.zeroRates[1][0]",
            "2020-11-20 is not after 2020-11-20, the one before it",
        ),
        ("underlyings", {}, "underlyings", "is empty"),
        ("underlyings.SMI.spot", 0, "underlyings.SMI.spot", "0 is not above 0"),
        (
            "underlyings.SMI.spot",
            float("nan"),
            "underlyings.SMI.spot",
            "nan is not a finite number: it exceeds what a double holds",
        ),
        ("underlyings.SMI.spot", "100", "underlyings.SMI.spot", "'100' is not a number"),
        ("underlyings.SMI.dividendYield", True, "underlyings.SMI.dividendYield", "true is not a number"),
        ("underlyings.SMI.model", "sabr", "underlyings.SMI.model", "'sabr' is not 'gbm' or 'heston'"),
        ("underlyings.SMI.volatility", 0.2, "underlyings.SMI.volatility", "0.2 is not an object"),
        (
            f"{TERM}.type",
            ...,
            f"{TERM}.type",
            "is missing: expected one of 'flat', 'termStructure', 'surface', 'heston'",
        ),
        (f"{TERM}.type", "local", f"{TERM}.type", "'local' is not one of 'flat', 'termStructure', 'surface', 'heston'"),
        (f"{TERM}.expiries", [], f"{TERM}.expiries", "is empty"),
        (
            f"{TERM}.expiries.0",
            "2019-11-20",
            f"{TERM}.expiries[0]",
            "2019-11-20 is not after the valuation date 2019-11-20",
        ),
        (
            f"{TERM}.expiries.1",
            "2020-06-19",
            f"{TERM}.expiries[1]",
            "2020-06-19 is not after 2020-11-20, the one before it",
        ),
        (f"{TERM}.values", [0.18], f"{TERM}.values", "has 1 elements, but there are 2 expiries"),
        (f"{TERM}.values.1", 18, f"{TERM}.values[1]", "18 is above 10 (per square root of a year: 0.2 is 20 %)"),
        (
            f"{TERM}.values.1",
            0.12,
            f"{TERM}.values[1]",
            (
                "0.12 at 2021-11-22 gives a total variance of 0.02932, below the 0.03294 at 2020-11-20:"
                " it must be at least 0.127193"
            ),
        ),
        (
            f"{TERM}.values.1",
            0.127192,
            f"{TERM}.values[1]",
            "0.127192 at 2021-11-22 gives a total variance of 0.0329398, below the 0.03294 at 2020-11-20: it must be at"
            " least 0.127193",
        ),
        (f"{SURFACE}.strikes", [3550, 3550], f"{SURFACE}.strikes[1]", "3550.0 is not above 3550.0, the one before it"),
        (f"{SURFACE}.strikes", [3550, 3075], f"{SURFACE}.strikes[1]", "3075.0 is not above 3550.0, the one before it"),
        (f"{SURFACE}.values", [[0.17, 0.13]], f"{SURFACE}.values", "has 1 elements, but there are 2 expiries"),
        (f"{SURFACE}.values.1", [0.17], f"{SURFACE}.values[1]", "has 1 elements, but there are 2 strikes"),
        (f"{SURFACE}.values.1.0", -0.17, f"{SURFACE}.values[1][0]", "-0.17 is below 1e-09"),
        (f"{HESTON}.v0", 0, f"{HESTON}.v0", "0 is below 1e-12"),
        (f"{HESTON}.kappa", -1, f"{HESTON}.kappa", "-1 is below 1e-09"),
        (f"{HESTON}.theta", ..., f"{HESTON}.theta", "is missing"),
        (f"{HESTON}.sigma", 0, f"{HESTON}.sigma", "0 is below 1e-06"),
        (f"{HESTON}.rho", -1.01, f"{HESTON}.rho", "-1.01 is below -1"),
        (f"{HESTON}.nu", 1, f"{HESTON}.nu", "unknown key"),
        (
            "underlyings.SX5E.model",
            "gbm",
            "underlyings.SX5E.model",
            (
                "'gbm' does not fit the volatility: GBM on a surface is not priced: give a flat"
                " volatility or a term structure, or the model 'heston'"
            ),
        ),
        (
            "underlyings.SPX.model",
            "gbm",
            "underlyings.SPX.model",
            ("'gbm' does not fit the volatility: the model gbm needs a flat volatility or a term structure"),
        ),
        (
            "underlyings.SMI.model",
            "heston",
            "underlyings.SMI.model",
            (
                "'heston' does not fit the volatility: the model heston needs its parameters, or a"
                " surface to be calibrated to"
            ),
        ),
        ("correlations.0.value", 1.2, "correlations[0].value", "1.2 is above 1 (between -1 and 1)"),
        ("correlations.0.pair", ["SX5E"], "correlations[0].pair", '["SX5E"] has 1 elements, not 2'),
        (
            "correlations.0.pair",
            ["SX5E", "DAX"],
            "correlations[0].pair",
            "'DAX' is not among the underlyings: the snapshot has SX5E, SMI, RTY, SPX",
        ),
        (
            "correlations.0.pair",
            ["SMI", "SMI"],
            "correlations[0].pair",
            "'SMI' twice: a correlation is of two underlyings",
        ),
        (
            "correlations",
            [{"pair": ["SX5E", "SMI"], "value": 0.6}, {"pair": ["SMI", "SX5E"], "value": 0.6}],
            "correlations[1].pair",
            "SMI/SX5E is given already by correlations[0]",
        ),
        ("fx.rates.USD", 0, "fx.rates.USD", "0 is not above 0"),
        ("fx.rates.EUR", 1, "fx.rates.EUR", "is the base currency: its rate is 1 and is not given"),
        ("fx.base", None, "fx.base", "null is not text"),
    ],
)
def test_a_wrong_snapshot_is_refused_by_place_and_value(path: str, value: Any, place: str, problem: str) -> None:
    with pytest.raises(MarketError) as refusal:
        market_of(changed(path, value))
    assert (refusal.value.where, refusal.value.problem) == (place, problem)


@pytest.mark.parametrize("value", [0.18, 0.127193])
def test_total_variance_may_stay_level(value: float) -> None:
    market_of(changed(f"{TERM}.values.1", value))
