"""From positions to prices: what is shared, what is refused, and what must not change a number."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from fanout.book import Position, path_group
from fanout.market import Market
from fanout.prices import Price, Unpriced
from pricer.estimate import Sampling, estimate
from pricer.lines import Lines
from pricer.models import Models
from pricer.normals import BitArray
from pricer.price import Wanted, price_positions
from tests.unit.pricer.books import DATES, HESTON, SMI, SX5E, market, position, schedule

FEW = Sampling(seed=3, log2_points=5)


def priced(positions: Sequence[Position], snapshot: Market | None = None, sampling: Sampling = FEW) -> list[Price]:
    found = price_positions(positions, Models.of(snapshot or market(), {}), lambda _: sampling, Wanted())
    return sorted((price for prices, _ in found for price in prices), key=lambda price: price.index)


def book() -> list[Position]:
    """Two underlyings, three schedules, in the order of their path groups."""
    smi = [position(index, coupon=0.04 + index / 1000) for index in range(4)]
    short = [position(4 + index, schedule=schedule(*DATES[:2])) for index in range(2)]
    heston = [position(6 + i, underlyings=[{"name": "SX5E", "strike": 3400.0 + 50 * i}]) for i in range(3)]
    return sorted([*smi, *short, *heston], key=lambda each: path_group(each, market()))


def test_prices_do_not_depend_on_slices_or_order() -> None:
    whole = {price.index: price for price in priced(book())}
    for cuts in ([0, 9], [0, 1, 2, 5, 9], list(range(10))):
        sliced = [price for start, stop in pairwise(cuts) for price in priced(book()[start:stop])]
        assert {price.index: price for price in sliced} == whole
    assert {price.index: price for price in priced(book()[::-1])} == whole


def test_the_seed_changes_prices_within_their_errors() -> None:
    one, other = (priced(book(), sampling=Sampling(seed=seed, log2_points=8)) for seed in (1, 2))
    for a, b in zip(one, other, strict=True):
        assert a.pv != b.pv
        assert abs(a.pv - b.pv) < 6 * math.hypot(a.standard_error, b.standard_error)


def test_identical_trades_have_identical_prices_scaled_by_side_and_notional() -> None:
    one, short, half = priced([position(0), position(1, side="short"), position(2, notional=5_000_000)])
    assert short.pv == -one.pv
    assert half.pv == pytest.approx(one.pv / 2, rel=1e-15)
    assert short.standard_error == one.standard_error
    assert [price.id for price in (one, short, half)] == ["N0", "N1", "N2"]


def test_the_standard_error_is_across_scrambles() -> None:
    (price,) = priced([position()])
    mean = sum(price.scrambles) / 32
    spread = sum((value - mean) ** 2 for value in price.scrambles) / 31
    assert price.pv == pytest.approx(mean)
    assert price.standard_error == pytest.approx(math.sqrt(spread / 32))
    assert price.paths == 32 * 2**5


@pytest.mark.parametrize(("dimensions", "markets"), [(7, 1), (250, 1), (250, 5), (240, 21), (9000, 1), (9000, 5)])
def test_a_block_under_all_markets_is_not_larger_than_a_child_s_memory_admits(dimensions: int, markets: int) -> None:
    numbers: list[int] = []

    class Narrow:
        """Paths of many coordinates, of which nothing is made but a count."""

        dimensions = 0

        def lines(self, bits: BitArray, *, spot_moves: bool = False) -> Lines:
            assert spot_moves in {True, False}
            numbers.append(bits.size)
            single = np.ones((1, 1, bits.shape[1]))
            return Lines.of(single, single, single[0, 0])

    paths = Narrow()
    paths.dimensions = dimensions
    first = Sampling(seed=1, log2_points=16, scrambles=1)
    with pytest.raises(StopIteration):  # after the first block: all are alike
        estimate([lambda _: next(iter(()))], [paths] * markets, "wide", first)
    assert sum(numbers) <= 1 << 23
    assert sum(numbers) == len(numbers) * numbers[0]


def test_a_called_note_is_worth_its_unsettled_flows() -> None:
    dates = schedule("2019-11-18", "2020-11-20")
    called = position(schedule=dates, fixings={"2019-11-18": {"SMI": 100.0}}, settlementDays=3)
    (price,) = priced([called])
    assert price.pv == pytest.approx(10_500_000 * math.exp(-0.01 / 360), rel=1e-12)
    assert (price.standard_error, price.paths) == (0.0, 0)


def test_what_is_fixed_and_not_paid_yet_is_in_every_scenario_and_moves_with_rates_alone() -> None:
    dates = schedule("2019-11-18", "2020-11-20")
    called = position(schedule=dates, fixings={"2019-11-18": {"SMI": 100.0}}, settlementDays=3)
    wanted = Wanted(greeks=True, scenarios=True)
    (((price,), _),) = price_positions([called], Models.of(market(), {}), lambda _: FEW, wanted)
    assert price.scenarios is not None
    assert {value for row in price.scenarios.pv for value in row} == {price.pv}
    assert [len(row) for row in price.scenarios.pv] == [8] * 5
    assert price.risk is not None
    assert price.risk.rho.value == pytest.approx(-1e-4 / 360 * price.pv)
    assert price.risk.underlyings["SMI"].delta_percent.value == 0
    assert price.risk.underlyings["SMI"].vega.value == 0


def test_a_certain_coupon_note_is_worth_its_discounted_flows() -> None:
    terms = [{"date": day, "couponBarrier": 0.0001} for day in DATES]
    (price,) = priced([position(schedule=terms, protectionBarrier=0.0001)])
    times = [366 / 360, 733 / 360, 1097 / 360]
    accumulated = [0.01 * times[0], 0, 0.02 * times[2]]
    share = (times[1] - times[0]) / (times[2] - times[0])
    accumulated[1] = accumulated[0] + share * (accumulated[2] - accumulated[0])
    value = sum(0.05 * math.exp(-each) for each in accumulated) + math.exp(-accumulated[2])
    assert price.pv == pytest.approx(10_000_000 * value, rel=1e-9)


def test_a_position_without_price_is_named_with_its_reason_and_stops_no_other() -> None:
    still = position(0, underlyings=[{"name": "STILL", "strike": 100.0}])
    failed: list[Unpriced] = []
    prices: list[Price] = []
    for some, reasons in price_positions([still, position(1)], Models.of(market(), {}), lambda _: FEW, Wanted()):
        prices += some
        failed += reasons
    assert [price.index for price in prices] == [1]
    assert [(each.index, each.id) for each in failed] == [(0, "N0")]
    assert "total variance does not rise between year 1.0167 and 2.0361" in failed[0].reason


def test_a_watched_barrier_costs_the_holder_and_a_touched_one_more() -> None:
    notes = [
        position(0),
        position(1, protectionMonitoring="continuous"),
        position(2, protectionMonitoring="continuous", knockedIn=True),
    ]
    at_maturity, watched, touched = (price.pv for price in priced(notes))
    assert touched < watched - 10_000 < at_maturity - 20_000


def test_watched_and_other_notes_of_a_group_do_not_change_each_other() -> None:
    notes = [position(0), position(1, protectionMonitoring="continuous")]
    assert priced(notes) == [price for each in notes for price in priced([each])]


def test_a_basket_of_both_models_is_worth_less_than_its_parts() -> None:
    pair = [{"name": "SMI", "strike": 100.0}, {"name": "SX5E", "strike": 3550.0}]
    snapshot = market(correlations=[{"pair": ["SX5E", "SMI"], "value": 0.6}])
    both, smi, sx5e = (priced([position(0, underlyings=some)], snapshot)[0].pv for some in (pair, pair[:1], pair[1:]))
    assert both < min(smi, sx5e)


def test_probabilities_and_life_are_those_of_the_note() -> None:
    (price,) = priced([position()], sampling=Sampling(seed=3, log2_points=8))
    calls = [each.value for each in price.autocall_probabilities]
    assert [each.date.isoformat() for each in price.autocall_probabilities] == DATES[:2]
    assert 0 < calls[1] < calls[0] < 1
    years = [366 / 360, 733 / 360, 1097 / 360]
    assert price.expected_life is not None
    assert price.expected_life.value == pytest.approx(
        years[0] * calls[0] + years[1] * calls[1] + years[2] * (1 - sum(calls))
    )
    assert price.loss_probability is not None
    assert 0 < price.loss_probability.value < 1 - sum(calls)


def test_a_short_position_has_the_opposite_risk() -> None:
    found = price_positions(
        [position(0), position(1, side="short")], Models.of(market(), {}), lambda _: FEW, Wanted(greeks=True)
    )
    long, short = (price.risk for prices, _ in found for price in prices)
    assert long is not None
    assert short is not None
    assert short.rho.value == -long.rho.value
    assert short.underlyings["SMI"].vega.value == -long.underlyings["SMI"].vega.value
    assert short.underlyings["SMI"].vega.standard_error == long.underlyings["SMI"].vega.standard_error


def test_greeks_are_those_of_repricing_in_moved_markets() -> None:
    """On the same points, so that differences are nearly exact; delta and gamma are estimated another way."""
    sampling = Sampling(seed=3, log2_points=12)
    found = price_positions([position()], Models.of(market(), {}), lambda _: sampling, Wanted(greeks=True))
    ((price,),) = [prices for prices, _ in found]
    assert price.risk is not None
    risk = price.risk.underlyings["SMI"]

    def moved(spot: float = 100.0, volatility: float = 0.0, rate: float = 0.0) -> float:
        values = [value + volatility for value in SMI["volatility"]["values"]]
        smi = SMI | {"spot": spot, "volatility": SMI["volatility"] | {"values": values}}
        rates = [["2020-11-20", 0.01 + rate], ["2022-11-21", 0.02 + rate]]
        snapshot = market(underlyings={"SMI": smi}, curves={"EUR": {"zeroRates": rates}})
        return priced([position()], snapshot, sampling)[0].pv

    base, up, down = moved(), moved(101.0), moved(99.0)
    assert risk.delta_point.value == pytest.approx((up - down) / 2, rel=5e-3)
    assert risk.gamma_point.value == pytest.approx(up - 2 * base + down, rel=2e-2)
    assert risk.vega.value == pytest.approx(moved(volatility=0.01) - base, rel=1e-6)
    assert price.risk.rho.value == pytest.approx(moved(rate=1e-4) - base, rel=1e-6)


def test_an_estimate_that_is_no_number_is_a_reason_not_a_price() -> None:
    extreme = HESTON | {"sigma": 100.0, "kappa": 0.001, "theta": 1e-6, "v0": 1e-6, "rho": 0.999}
    snapshot = market(underlyings={"SX5E": SX5E | {"volatility": extreme}})
    note = position(underlyings=[{"name": "SX5E", "strike": 3550.0}])
    for prices, failed in price_positions([note], Models.of(snapshot, {}), lambda _: FEW, Wanted()):
        assert len(prices) + len(failed) == 1
        assert all(math.isfinite(price.pv) for price in prices)
