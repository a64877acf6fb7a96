"""What pricing is expected to take: in the proportions that were measured, whatever the machine."""

from datetime import date
from typing import Any

import pytest

from fanout.slicing import Batchable
from fanout.staging import StagedGroup
from fanout.volatility import Model
from price_effort import Effort

DATES = tuple(date(year, 11, 20) for year in range(2020, 2027))


def work(*models: Model, dates: int = 7, size: int = 1, distinct: int = 1, **asked: Any) -> Batchable:
    group = StagedGroup(
        underlyings=tuple(f"I{place}" for place in range(len(models))),
        models=models,
        dates=DATES[:dates],
        size=size,
        distinct=distinct,
    )
    terms = {"target_bp": 1.0, "max_paths": 2**20, "greeks": False, "scenarios": False}
    (found,) = Effort(**terms | asked).of([group])
    return found


def test_paths_of_a_stochastic_variance_are_the_work_and_of_one_certain_index_there_are_few() -> None:
    assert work("heston").seconds == pytest.approx(0.31)
    assert work("gbm").seconds < 0.02 * work("heston").seconds
    assert work("gbm", "gbm").seconds > 10 * work("gbm").seconds
    assert work("heston", "gbm").setup == 2 * work("heston").setup


def test_greeks_and_scenarios_take_paths_under_other_markets_and_more_of_every_trade() -> None:
    plain, greeks, scenarios = (work("heston", **asked) for asked in ({}, {"greeks": True}, {"scenarios": True}))
    assert greeks.setup == pytest.approx(3.5 * plain.setup)
    assert scenarios.setup == pytest.approx(6 * plain.setup)
    assert greeks.each > 10 * plain.each
    assert work("heston", "heston", greeks=True).setup > 2 * greeks.setup


def test_half_the_error_takes_nearly_three_times_the_work_up_to_the_most_paths() -> None:
    assert work("heston", target_bp=0.5).seconds == pytest.approx(2**1.5 * work("heston").seconds)
    assert work("heston", target_bp=0.01).seconds == pytest.approx(8 * work("heston").seconds)
    assert work("gbm", target_bp=0.01).seconds == pytest.approx(64 * work("gbm").seconds)


def test_identical_trades_and_dates_that_have_passed_are_no_work() -> None:
    held = work("gbm", size=10, distinct=2)
    assert held.size * held.each == pytest.approx(2 * work("gbm").each)
    assert work("gbm", dates=0).seconds == work("gbm", dates=1).seconds
    assert work("gbm", dates=7).seconds == pytest.approx(7 * work("gbm", dates=1).seconds)
