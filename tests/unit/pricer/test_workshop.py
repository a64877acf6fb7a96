"""The workshop's 48 positions on the workshop's surface."""

import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from fanout.book import Position, read_book
from fanout.market import Market, parse_market
from pricer.budget import Budget
from pricer.calibrate import HIGH, LOW, Problem, calibrate
from pricer.instant import price_book
from pricer.least_squares import least_squares
from pricer.price import Wanted

EXAMPLES = Path(__file__).parents[3] / "examples" / "montecarlo"
MOST_SECONDS = 1.0  # CPU, calibration included
STARTS = 50


@pytest.fixture(scope="module")
def surface() -> Market:
    return parse_market((EXAMPLES / "eurostoxx50_2019-11-20_surface.json").read_bytes())


@pytest.fixture(scope="module")
def book() -> list[Position]:
    with (EXAMPLES / "workshop_portfolio.json").open("rb") as stream:
        return list(read_book(stream))


def test_the_book_takes_a_second_of_cpu_to_a_basis_point_each_and_identical_trades_have_one_price(
    book: list[Position], surface: Market
) -> None:
    budget = Budget(seed=1, target_bp=1.0, max_paths=2**20)
    began = time.process_time()
    report = price_book("", book, surface, budget, Wanted())
    seconds = time.process_time() - began
    prices = defaultdict(set)
    for position, price in zip(book, report["prices"], strict=True):
        assert price["percentStandardError"] <= 0.01
        terms = position.underlyings[0].strike, position.schedule[0].autocall_barrier
        prices[terms].add(price["percent"])
    assert len(book) == 48
    assert [len(some) for some in prices.values()] == [1] * 8
    assert not report["missedTarget"]
    assert seconds <= MOST_SECONDS


def test_no_search_from_fifty_random_starts_ends_lower_than_the_calibration(surface: Market) -> None:
    problem = Problem.of("SX5E", surface)
    starts = LOW + (HIGH - LOW) * np.random.default_rng(1).uniform(size=(STARTS, 5))
    best = min(least_squares(problem.residuals, start, LOW, HIGH).loss for start in starts)
    assert calibrate("SX5E", surface).loss <= best * (1 + 1e-6)
