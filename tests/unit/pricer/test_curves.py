"""Rates and volatilities between, before and after their pillars."""

import math
from datetime import date
from typing import Any

import numpy as np
import pytest

from fanout.errors import MarketError
from fanout.market import Flat, TermStructure
from pricer.curves import accumulated_rate, covariances, discount_factors, times_of, total_variance
from tests.unit.pricer.books import SMI, market

ONE, TWO = 366 / 360, 733 / 360  # 2020-11-20 and 2021-11-22 from 2019-11-20
TERMS = TermStructure(expiries=(date(2020, 11, 20), date(2021, 11, 22)), values=(0.2, 0.25))


def test_time_is_days_over_360() -> None:
    assert times_of(market(), [date(2020, 11, 20), date(2021, 11, 22)]) == pytest.approx([ONE, TWO])


def test_rates_are_linear_in_accumulation_and_flat_outside() -> None:
    snapshot: Any = market(curves={"EUR": {"zeroRates": [["2020-11-20", 0.01], ["2021-11-22", 0.03]]}})
    times = np.array([0.5, ONE, (ONE + TWO) / 2, TWO, 4.0])
    middle = (0.01 * ONE + 0.03 * TWO) / 2
    expected = [0.005, 0.01 * ONE, middle, 0.03 * TWO, 0.12]
    assert accumulated_rate(snapshot, snapshot.curves["EUR"], times) == pytest.approx(expected)
    assert discount_factors(snapshot, "EUR", times) == pytest.approx(np.exp(-np.array(expected)))


def test_total_variance_is_linear_in_time_and_the_volatility_flat_outside() -> None:
    times = np.array([0.5, ONE, (ONE + TWO) / 2, TWO, 4.0])
    middle = (0.04 * ONE + 0.0625 * TWO) / 2
    expected = [0.02, 0.04 * ONE, middle, 0.0625 * TWO, 0.25]
    assert total_variance(market(), TERMS, times) == pytest.approx(expected)
    assert total_variance(market(), Flat(value=0.3), times) == pytest.approx(0.09 * times)


def test_variances_of_periods_add_up_to_the_total() -> None:
    times = np.array([0.5, 1.5, 4.0])
    snapshot = market()
    volatility = snapshot.underlyings["SMI"].volatility
    assert isinstance(volatility, TermStructure)
    parts = covariances(snapshot, ["SMI"], times)
    assert np.cumsum(parts) == pytest.approx(total_variance(snapshot, volatility, times))


def test_a_covariance_integrates_both_volatilities_between_their_expiries() -> None:
    # forward variances 0.04 and 0.09 before and after one year against a flat 0.16: half a period in each
    one_year = "2020-11-14"  # 360 days
    steps = {"type": "termStructure", "expiries": [one_year, "2021-11-09"], "values": [0.2, (0.13 / 2) ** 0.5]}
    both = {"SMI": SMI | {"volatility": steps}, "DAX": SMI | {"volatility": {"type": "flat", "value": 0.4}}}
    snapshot = market(underlyings=both, correlations=[{"pair": ["SMI", "DAX"], "value": 0.5}])
    (matrix,) = covariances(snapshot, ["DAX", "SMI"], np.array([2.0]))
    shared = 0.5 * (0.2 * 0.4 + 0.3 * 0.4)
    assert matrix == pytest.approx(np.array([[0.32, shared], [shared, 0.13]]))


def test_a_total_variance_that_does_not_rise_is_refused_by_name() -> None:
    flat = {
        "type": "termStructure",
        "expiries": ["2020-11-20", "2021-11-22"],
        "values": [0.2, 0.2 * (ONE / TWO) ** 0.5],
    }
    snapshot = market(underlyings={"SMI": SMI | {"volatility": flat}})
    message = r"underlyings\.SMI\.volatility: total variance does not rise between year 1\.01.* and 2"
    with pytest.raises(MarketError, match=message):
        covariances(snapshot, ["SMI"], np.array([0.5, 2.0]))


def test_no_dates_have_no_times() -> None:
    assert discount_factors(market(), "EUR", times_of(market(), [])).size == 0
    assert math.isclose(float(discount_factors(market(), "EUR", np.array([ONE]))[0]), math.exp(-0.01 * ONE))
