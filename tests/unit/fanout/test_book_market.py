"""A position against its market: what is missing, what is not priced, and what a note's past must say."""

import copy
import json
from datetime import date
from typing import Any

import pytest

from fanout.book import Position, check_position, parse_position, path_group, remaining_dates
from fanout.errors import PortfolioError
from fanout.market import Market, market_of
from fanout.seasoning import called_on, reaches

Raw = dict[str, Any]

FLAT = {"type": "flat", "value": 0.2}
HESTON = {"type": "heston", "v0": 0.02, "kappa": 1.5, "theta": 0.03, "sigma": 0.4, "rho": -0.6}
MARKET: Raw = {
    "schema": "stepbatch/market/1",
    "valuationDate": "2019-11-20",
    "curves": {"EUR": {"zeroRates": [["2026-11-20", 0.01]]}},
    "underlyings": {
        "SX5E": {"currency": "EUR", "spot": 3550.0, "model": "gbm", "volatility": FLAT},
        "SX7E": {"currency": "EUR", "spot": 100.0, "model": "heston", "volatility": HESTON},
        "SX3E": {"currency": "EUR", "spot": 100.0, "model": "gbm", "volatility": FLAT},
        "SMI": {"currency": "CHF", "spot": 10000.0, "model": "gbm", "volatility": FLAT},
        "SPX": {"currency": "USD", "spot": 3100.0, "model": "gbm", "volatility": FLAT},
    },
    "correlations": [{"pair": ["SX5E", "SX7E"], "value": 0.9}, {"pair": ["SX7E", "SX3E"], "value": 0.9}],
}
NOTE: Raw = {
    "id": "N1",
    "notional": 1000000,
    "currency": "EUR",
    "underlyings": [{"name": "SX5E", "strike": 3500.0}],
    "schedule": [
        {"date": "2018-11-20", "autocallBarrier": 1.0, "couponBarrier": 0.8},
        {"date": "2019-11-20", "autocallBarrier": 1.0, "couponBarrier": 0.8},
        {"date": "2020-11-20", "couponBarrier": 0.8},
    ],
    "coupon": 0.05,
    "memory": True,
    "protectionBarrier": 0.6,
    "fixings": {"2018-11-20": {"SX5E": 3200.0}, "2019-11-20": {"SX5E": 3490.0}},
}


@pytest.fixture
def market() -> Market:
    return market_of(copy.deepcopy(MARKET))


def note(**changes: Any) -> Position:
    return parse_position(copy.deepcopy(NOTE) | changes, 17)


def basket(*names: str, **changes: Any) -> Position:
    schedule = [{"date": "2020-11-20", "couponBarrier": 0.8}]
    underlyings = [{"name": name, "strike": 100.0} for name in names]
    return note(underlyings=underlyings, schedule=schedule, fixings={}, **changes)


def without_fixings(*days: str) -> Raw:
    return {"fixings": {day: levels for day, levels in NOTE["fixings"].items() if day not in days}}


def test_a_seasoned_note_with_its_fixings_is_accepted(market: Market) -> None:
    check_position(note(), market)


@pytest.mark.parametrize(
    ("changes", "place", "problem"),
    [
        (
            {"underlyings": [{"name": "DAX", "strike": 1.0}], "fixings": {}},
            "underlyings",
            "'DAX' is not in the market, which has SX5E, SX7E, SX3E, SMI, SPX",
        ),
        ({"currency": "CHF"}, "currency", "the market has no curve for 'CHF': it has EUR"),
        (
            {"underlyings": [{"name": "SPX", "strike": 1.0}], "fixings": {}},
            "currency",
            "'EUR' is not 'USD', the currency of SPX: quanto notes are not priced",
        ),
        (
            without_fixings("2018-11-20"),
            "fixings.2018-11-20",
            "has no level of 'SX5E': an observation date on or before the valuation date 2019-11-20 needs one",
        ),
        (
            without_fixings("2019-11-20"),
            "fixings.2019-11-20",
            "has no level of 'SX5E': an observation date on or before the valuation date 2019-11-20 needs one",
        ),
        (
            {"fixings": {}},
            "fixings.2018-11-20",
            "has no level of 'SX5E': an observation date on or before the valuation date 2019-11-20 needs one",
        ),
        (
            {"fixings": NOTE["fixings"] | {"2020-11-20": {"SX5E": 1.0}}},
            "fixings.2020-11-20",
            "is in the future: the valuation date is 2019-11-20",
        ),
        (
            {"protectionMonitoring": "continuous"},
            "knockedIn",
            "is missing: a continuously monitored note with past observation dates must say whether its barrier was"
            " touched before the valuation date (true or false)",
        ),
        (
            {"protectionMonitoring": "continuous", "underlyings": [{"name": "SX7E", "strike": 1.0}], "fixings": {}},
            "protectionMonitoring",
            "'continuous' is not priced under the model heston of SX7E: it needs the model gbm",
        ),
    ],
)
def test_a_note_that_its_market_cannot_price_is_refused(changes: Raw, place: str, problem: str, market: Market) -> None:
    with pytest.raises(PortfolioError) as refusal:
        check_position(note(**changes), market)
    assert refusal.value.where == f"positions[17].{place}"
    assert refusal.value.problem == f"{problem} (id 'N1')"


def test_a_continuous_note_first_observed_today_must_say_whether_it_was_touched(market: Market) -> None:
    today = note(protectionMonitoring="continuous", schedule=NOTE["schedule"][1:], **without_fixings("2018-11-20"))
    with pytest.raises(PortfolioError, match=r"^positions\[17\]\.knockedIn: is missing"):
        check_position(today, market)


@pytest.mark.parametrize("knocked_in", [True, False])
def test_a_seasoned_continuous_note_that_says_whether_it_was_touched_is_accepted(
    knocked_in: bool, market: Market
) -> None:
    check_position(note(protectionMonitoring="continuous", knockedIn=knocked_in), market)


def watched(level: float, second: float = 3400.0, **changes: Any) -> Position:
    """Fixed twice, struck at 3500 with a barrier of 0.6; never touched, as it says."""
    fixings = {"2018-11-20": {"SX5E": level}, "2019-11-20": {"SX5E": second}}
    return note(protectionMonitoring="continuous", **{"knockedIn": False, "fixings": fixings} | changes)


def test_a_watched_note_that_was_never_touched_has_no_fixing_at_its_barrier(market: Market) -> None:
    check_position(watched(2100.01), market)
    for level in (2100.0, 2099.99):
        with pytest.raises(PortfolioError) as refusal:
            check_position(watched(level), market)
        assert str(refusal.value) == (
            "positions[17].knockedIn: false, but the fixing of 2018-11-20 is at or below the protection barrier 0.6:"
            " it must be true (id 'N1')"
        )
        check_position(watched(level, knockedIn=True), market)


def test_what_is_fixed_after_a_call_touches_nothing(market: Market) -> None:
    check_position(watched(3500.0, 2000.0), market)


def test_a_new_continuous_note_need_not_say_whether_it_was_touched(market: Market) -> None:
    check_position(note(protectionMonitoring="continuous", schedule=NOTE["schedule"][2:], fixings={}), market)


def test_a_called_note_needs_no_fixings_and_no_barrier_history_after_its_call(market: Market) -> None:
    called = note(fixings={"2018-11-20": {"SX5E": 3500.0}}, protectionMonitoring="continuous")
    check_position(called, market)
    assert called_on(called, market.valuation_date) == date(2018, 11, 20)
    assert remaining_dates(called, market) == ()


def test_a_basket_is_called_only_when_its_worst_reaches_the_barrier() -> None:
    position = note(
        underlyings=[{"name": "SX5E", "strike": 3500.0}, {"name": "SX7E", "strike": 100.0}],
        fixings={"2018-11-20": {"SX5E": 9999.0, "SX7E": 99.9}, "2019-11-20": {"SX5E": 3500.0, "SX7E": 100.0}},
    )
    assert called_on(position, date(2018, 11, 20)) is None
    assert called_on(position, date(2019, 11, 19)) is None
    assert called_on(position, date(2019, 11, 20)) == date(2019, 11, 20)


def test_a_date_without_autocall_barrier_and_the_last_date_call_no_note() -> None:
    rows: list[Raw] = [dict(row) for row in NOTE["schedule"]]
    del rows[0]["autocallBarrier"]
    high = {day: {"SX5E": 9999.0} for day in NOTE["fixings"]}
    assert called_on(note(schedule=rows, fixings=high), date(2019, 11, 20)) == date(2019, 11, 20)
    assert called_on(note(schedule=rows[:2], fixings=high), date(2019, 11, 20)) is None


@pytest.mark.parametrize(
    ("level", "strike", "barrier", "reached"),
    [
        (1842.5, 3350.0, 0.55, True),  # 3350 * 0.55 in floats is 1842.5000000000002
        (1842.49, 3350.0, 0.55, False),
        (1842.51, 3350.0, 0.55, True),
        (0.3, 0.1, 3.0, True),  # 0.1 * 3 in floats is 0.30000000000000004
        (2.675, 2.5, 1.07, True),
    ],
)
def test_levels_on_a_barrier_are_decided_in_decimals(
    level: float, strike: float, barrier: float, reached: bool
) -> None:
    assert reaches(level, strike, barrier) is reached


def test_observations_after_the_valuation_date_remain(market: Market) -> None:
    assert remaining_dates(note(), market) == (date(2020, 11, 20),)
    assert remaining_dates(note(schedule=NOTE["schedule"][2:], fixings={}), market) == (date(2020, 11, 20),)


def test_a_matured_note_has_nothing_left_to_observe(market: Market) -> None:
    matured = note(schedule=NOTE["schedule"][:2])
    check_position(matured, market)
    assert remaining_dates(matured, market) == ()


def test_a_path_group_is_named_by_underlyings_models_and_remaining_dates(market: Market) -> None:
    assert json.loads(path_group(note(), market)) == [[["SX5E", "gbm"]], ["2020-11-20"]]
    assert json.loads(path_group(basket("SX7E", "SX5E"), market)) == [
        [["SX5E", "gbm"], ["SX7E", "heston"]],
        ["2020-11-20"],
    ]


def test_positions_that_differ_in_terms_but_not_in_paths_share_a_group(market: Market) -> None:
    other = note(
        coupon=0.07, memory=False, protectionBarrier=0.5, side="short", schedule=NOTE["schedule"][2:], fixings={}
    )
    assert path_group(other, market) == path_group(note(), market)


def test_a_basket_needs_the_correlation_of_each_of_its_pairs(market: Market) -> None:
    check_position(basket("SX5E", "SX7E"), market)
    with pytest.raises(PortfolioError) as refusal:
        check_position(basket("SX5E", "SX7E", "SX3E"), market)
    assert (
        str(refusal.value) == "positions[17].underlyings: the market has no correlation of 'SX3E' and 'SX5E' (id 'N1')"
    )


def test_a_basket_whose_own_correlations_cannot_be_is_refused() -> None:
    raw = copy.deepcopy(MARKET)
    names = ["SX5E", "SX7E", "SX3E"]
    raw["underlyings"]["DAX"] = raw["underlyings"]["SX5E"]  # some pairs of the whole are missing, none of the basket's
    values = {("SX5E", "SX7E"): 0.9, ("SX7E", "SX3E"): 0.9, ("SX5E", "SX3E"): -0.9, ("DAX", "SX5E"): 0.5}
    raw["correlations"] = [{"pair": list(pair), "value": value} for pair, value in values.items()]
    market = market_of(raw)
    with pytest.raises(PortfolioError, match=r"positions\[17\]\.underlyings: the matrix of SX3E, SX5E, SX7E is not"):
        check_position(basket(*names), market)
    check_position(basket("DAX", "SX5E"), market)
