"""The payoff on levels that a person can follow, exactly on, just above and just below every barrier."""

import math
from typing import Any

import numpy as np
import pytest

from pricer.payoff import outcome
from tests.unit.pricer.cases import note

UP, DOWN = math.inf, -math.inf
NONE_DUE = {"coupon_barrier": [0.8, math.inf, 0.8]}
HIGH = {"protection": 1.2, "coupon_barrier": [2, 2, 2]}


def near(level: float, side: float) -> float:
    return math.nextafter(level, side)


TABLE = [
    # levels on the three dates, terms that differ, value
    ("called on the first date, exactly on the barrier", [1.0, 0.1, 0.1], {}, 1.05),
    ("called just above the barrier", [near(1.0, UP), 0.1, 0.1], {}, 1.05),
    ("not called just below: two more coupons", [near(1.0, DOWN), 0.9, 0.9], {}, 1.15),
    ("called on the second date", [0.9, 1.0, 0.1], {}, 1.10),
    ("not called just below on the second date", [0.9, near(1.0, DOWN), 0.7], {}, 1.10),
    ("no call on the last date, only redemption", [0.9, 0.9, 1.2], {}, 1.15),
    ("coupon exactly on its barrier", [0.8, 0.7, 0.7], {}, 1.05),
    ("no coupon just below", [near(0.8, DOWN), 0.7, 0.7], {}, 1.00),
    ("coupon just above", [near(0.8, UP), 0.7, 0.7], {}, 1.05),
    ("memory pays two at once", [0.7, 0.8, 0.7], {}, 1.10),
    ("memory pays three at the end, exactly on the barrier", [0.7, 0.7, 0.8], {}, 1.15),
    ("memory pays none at the end just below", [0.7, 0.7, near(0.8, DOWN)], {}, 1.00),
    ("memory is cleared by a payment", [0.8, 0.7, 0.8], {}, 1.15),
    ("a call pays what memory owes", [0.7, 1.0, 0.1], {}, 1.10),
    ("without memory a missed coupon is lost", [0.7, 0.8, 0.8], {"memory": False}, 1.10),
    ("without memory a call pays one coupon", [0.7, 1.0, 0.8], {"memory": False}, 1.05),
    ("coupons carried in are paid with the first one", [0.8, 0.7, 0.7], {"unpaid": 2}, 1.15),
    ("coupons carried in are lost without memory", [0.8, 0.7, 0.7], {"unpaid": 2, "memory": False}, 1.05),
    ("coupons carried in are never paid below the barriers", [0.7, 0.7, 0.7], {"unpaid": 2}, 1.00),
    ("protected exactly on the barrier", [0.7, 0.7, 0.6], {}, 1.00),
    ("protected just above the barrier", [0.7, 0.7, near(0.6, UP)], {}, 1.00),
    ("at risk just below the barrier", [0.7, 0.7, near(0.6, DOWN)], {}, near(0.6, DOWN)),
    ("half is lost", [0.7, 0.7, 0.5], {}, 0.50),
    ("earlier falls below the barrier do not count", [0.1, 0.1, 0.6], {}, 1.00),
    ("touched: at risk below the coupon barrier", [0.7, 0.7, 0.7], {"protection": math.inf}, 0.70),
    ("touched: the coupon barrier takes precedence", [0.7, 0.7, 0.8], {"protection": math.inf}, 1.15),
    ("protection above par never pays more than par", [0.7, 0.7, 1.1], HIGH, 1.0),
    ("a date without call", [1.5, 1.0, 0.1], {"autocall": [math.inf, 1.0, math.inf]}, 1.10),
    ("a date without coupon owes none", [0.7, 0.9, 0.8], NONE_DUE, 1.10),
    ("a call on a date without coupon pays what memory owes", [0.7, 1.0, 0.1], NONE_DUE, 1.05),
    ("no coupon on the last date", [0.8, 0.7, 0.9], {"coupon_barrier": [0.8, 0.8, math.inf]}, 1.05),
    ("discounting at each date", [0.8, 1.0, 0.1], {"discounts": [0.9, 0.8, 0.7]}, 0.05 * 0.9 + 1.05 * 0.8),
    ("discounting the redemption", [0.7, 0.7, 0.5], {"discounts": [0.9, 0.8, 0.7]}, 0.5 * 0.7),
]  # fmt: skip


@pytest.mark.parametrize(("levels", "terms", "value"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_note_pays(levels: list[float], terms: dict[str, Any], value: float) -> None:
    arrays = {name: np.array(term, float) if isinstance(term, list) else term for name, term in terms.items()}
    paid = outcome(note(**arrays), np.array(levels)[:, None]).value
    assert paid == pytest.approx([value], abs=1e-15)


def test_paths_do_not_see_each_other() -> None:
    rows = [row for row in TABLE if not row[2]]
    levels = np.array([row[1] for row in rows]).T
    assert outcome(note(), levels).value == pytest.approx([row[3] for row in rows], abs=1e-15)


@pytest.mark.parametrize(
    ("levels", "alive", "lost"),
    [
        ([1.0, 0.1, 0.1], [False, False], False),
        ([near(1.0, DOWN), 1.0, 0.1], [True, False], False),
        ([0.9, near(1.0, DOWN), 0.6], [True, True], False),
        ([0.9, 0.9, near(0.6, DOWN)], [True, True], True),
        ([0.9, 0.9, 1.2], [True, True], False),
    ],
)
def test_a_path_tells_how_long_the_note_lived_and_whether_capital_was_lost(
    levels: list[float], alive: list[bool], lost: bool
) -> None:
    found = outcome(note(), np.array(levels)[:, None])
    assert found.alive[:, 0].tolist() == alive
    assert found.lost.tolist() == [lost]


def test_redemption_at_par_is_no_loss_though_the_barrier_was_touched() -> None:
    touched = note(protection=math.inf, coupon_barrier=np.array([2.0, 2.0, 2.0]), autocall=np.full(3, math.inf))
    found = outcome(touched, np.array([[0.5, 0.5], [0.5, 0.5], [1.0, near(1.0, DOWN)]]))
    assert found.lost.tolist() == [False, True]
