"""Rates and volatilities between, before and after their pillars."""

import math
from datetime import date
from typing import Any

import numpy as np
import pytest

from fanout.errors import MarketError
from fanout.market import Flat, TermStructure
from pricer.curves import accumulated_rate, discount_factors, forward_variances, times_of, total_variance
from tests.unit.pricer.books import market

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


def test_forward_variances_add_up_to_the_total() -> None:
    times = np.array([0.5, 1.5, 4.0])
    parts = forward_variances(market(), "SMI", TERMS, times)
    assert np.cumsum(parts) == pytest.approx(total_variance(market(), TERMS, times))


def test_a_falling_total_variance_is_refused_by_name() -> None:
    falling = TermStructure(expiries=TERMS.expiries, values=(0.3, 0.1))
    with pytest.raises(
        MarketError, match=r"underlyings\.SMI\.volatility: total variance falls between year 0\.5.* and 2"
    ):
        forward_variances(market(), "SMI", falling, np.array([0.5, 2.0]))


def test_no_dates_have_no_times() -> None:
    assert discount_factors(market(), "EUR", times_of(market(), [])).size == 0
    assert math.isclose(float(discount_factors(market(), "EUR", np.array([ONE]))[0]), math.exp(-0.01 * ONE))
