"""Every comparison that decides about a payment is held by a hand-worked table: turned, it makes a row fail.

A comparison is moved across its boundary (>= to >) and negated (>= to <); the mutated module then faces the tables.
"""

import ast
import math
import types
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fanout import seasoning
from fanout.errors import PortfolioError
from pricer import expectation, lifecycle, payoff
from pricer.lines import Lines
from pricer.normals import quantile
from tests.unit.pricer.books import position, schedule
from tests.unit.pricer.cases import note
from tests.unit.pricer.test_expectation import NOTES, lines
from tests.unit.pricer.test_payoff import TABLE, near

TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
# Same meaning on either side of the boundary.
EQUIVALENT = {
    "pricer.expectation: _safe(note) > note.protection -> GtE",  # equal: an interval without width is added
}
SLICES = 1000  # of the last normal, by equal probability
TODAY = date(2019, 11, 20)
DAYS = ("2018-11-20", "2019-11-20", "2020-11-20")


def mutants(module: types.ModuleType) -> Iterator[tuple[str, types.ModuleType]]:
    """Every comparison of the module's source, turned alone; assertions are no decisions."""
    assert module.__file__
    source = Path(module.__file__).read_text()
    count = len(comparisons(ast.parse(source)))
    for place in range(count):
        kind = type(comparisons(ast.parse(source))[place].ops[0])
        for other in TURNED[kind]:
            tree = ast.parse(source)
            comparison = comparisons(tree)[place]
            label = f"{module.__name__}: {ast.unparse(comparison)} -> {other.__name__}"
            comparison.ops[0] = other()
            mutant = types.ModuleType(module.__name__)
            yield label, execute(mutant, tree, module.__file__)


def comparisons(tree: ast.Module) -> list[ast.Compare]:
    asserted = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Assert) for inner in ast.walk(node)}
    return [node for node in ast.walk(tree) if isinstance(node, ast.Compare) and id(node) not in asserted]


def execute(mutant: types.ModuleType, tree: ast.Module, file: str) -> types.ModuleType:
    exec(compile(ast.fix_missing_locations(tree), file, "exec"), mutant.__dict__)
    return mutant


def survives(check: Callable[[types.ModuleType], bool], mutant: types.ModuleType) -> bool:
    try:
        return check(mutant)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, PortfolioError, TypeError, ValueError):
        return False


def pays_as_the_table_says(module: types.ModuleType) -> bool:
    for row in TABLE:
        levels: Any = row[1]
        terms: Any = row[2]
        arrays = {name: np.array(term, float) if isinstance(term, list) else term for name, term in terms.items()}
        found = module.outcome(note(**arrays), np.array(levels)[:, None])
        if abs(found.value[0] - row[3]) > 1e-15:
            return False
    touched = note(protection=math.inf, coupon_barrier=np.full(3, 2.0), autocall=np.full(3, math.inf))
    levels = np.array([[0.5, 0.5], [0.5, 0.5], [1.0, near(1.0, -math.inf)]])
    return bool(module.outcome(touched, levels).lost.tolist() == [False, True])


def expects_what_the_payoff_pays(module: types.ModuleType) -> bool:
    known = few(lines())
    x = quantile((np.arange(SLICES) + 0.5) / SLICES)
    for terms in NOTES.values():
        a_note = note(**terms)
        expected = module.expected_payoff(a_note, known)
        for path in range(known.paths):
            indices = np.exp(known.intercepts[0, :, path, None] + known.slopes[0, :, path, None] * x)
            paid = payoff.outcome(a_note, indices / a_note.strikes[0])
            if abs(expected.value[path] - paid.value.mean()) > 4 / SLICES:
                return False
    return watched_barriers_cost_as_much_as_they_should(module, known)


def few(known: Lines) -> Lines:
    return Lines.of(known.intercepts[:, :, :4], known.slopes[:, :, :4], known.normals[:4], variances=np.full(3, 0.04))


def watched_barriers_cost_as_much_as_they_should(module: types.ModuleType, known: Lines) -> bool:
    """Less than one that is looked at on the last date, more than one that was touched; the same below par's reach."""
    last, watched, touched = (
        module.expected_payoff(note(**terms), known).value
        for terms in ({}, {"continuous": True}, {"protection": math.inf})
    )
    above = {"protection": 0.9, "coupon_barrier": np.full(3, 0.8)}  # from the coupon barrier on nothing is lost
    same = [module.expected_payoff(note(**above, continuous=each), known).value for each in (False, True)]
    return bool((touched <= watched).all() and (watched < last - 1e-4).any() and np.array_equal(*same))


def replays(level: float, **terms: Any) -> Any:
    """A note observed a year ago, today and in a year, paid a day later; ``level`` is today's fixing."""
    days = terms.get("schedule", schedule(*DAYS))
    known = {DAYS[0]: {"SMI": 70.0}, DAYS[1]: {"SMI": level}}
    fixings = {each["date"]: known[each["date"]] for each in days if each["date"] in known}
    return position(**{"schedule": days, "fixings": fixings, "settlementDays": 1} | terms)


def replays_as_the_table_says(module: types.ModuleType) -> bool:
    """Amounts fixed and not paid yet, coupons unpaid, dates to come, whether the barrier was touched."""
    no_coupon: Any = schedule(*DAYS)
    del no_coupon[1]["couponBarrier"]
    ended: Any = {"schedule": schedule(*DAYS[:2])}
    watched: Any = {"protectionMonitoring": "continuous", "knockedIn": False, "protectionBarrier": 0.65}
    table: list[tuple[float, dict[str, Any], list[float], int, int, bool]] = [
        (79.99, {}, [], 2, 1, False),
        (80.0, {}, [0.1], 0, 1, False),
        (80.0, {"settlementDays": 0}, [], 0, 1, False),
        (80.0, {"memory": False}, [0.05], 0, 1, False),
        (99.99, {}, [0.1], 0, 1, False),
        (100.0, {}, [1.1], 0, 0, False),
        (80.0, {"schedule": no_coupon}, [], 1, 1, False),
        (100.0, {"schedule": no_coupon}, [1.05], 0, 0, False),
        (100.0, {"schedule": no_coupon, "memory": False}, [1.0], 0, 0, False),
        (120.0, ended, [1.1], 0, 0, False),
        (79.99, ended, [1.0], 2, 0, False),
        (60.0, ended, [1.0], 2, 0, False),
        (59.99, ended, [0.5999], 2, 0, False),
        (120.0, ended | {"schedule": no_coupon[:2]}, [1.0], 1, 0, False),
        (66.0, watched, [], 2, 1, False),
        (66.0, watched | {"knockedIn": True}, [], 2, 1, True),
        (66.0, ended | watched | {"knockedIn": True}, [0.66], 2, 0, True),
    ]
    for level, terms, amounts, unpaid, left, touched in table:
        now = module.standing(replays(level, **terms), TODAY)
        if [flow.amount for flow in now.flows] != pytest.approx(amounts, abs=1e-15):
            return False
        if (len(now.remaining), now.touched) != (left, touched) or (left and now.unpaid != unpaid):
            return False
    return True


def decides_fixings(module: types.ModuleType) -> bool:
    """In decimals, on the barrier and a hundredth beside it; and what is left to be observed."""
    met = [module.reaches(level, 3350.0, 0.55) for level in (1842.49, 1842.5, 1842.51)]
    watched: Any = {"protectionMonitoring": "continuous", "knockedIn": False, "protectionBarrier": 0.65}
    touched = [module.touches(replays(level, **watched), TODAY) for level in (64.99, 65.0, 65.01)]
    dates = [
        module.remaining_dates(replays(level, **terms), TODAY)
        for level, terms in (
            (99.99, {}),
            (100.0, {}),
            (100.0, {"schedule": schedule(*DAYS[:2])}),
            (70.0, {"schedule": schedule(*DAYS[1:])}),
            (70.0, {"schedule": schedule("2019-11-21", "2020-11-20")}),
            (70.0, {"schedule": [{"date": day, "couponBarrier": 0.8} for day in DAYS]}),
        )
    ]
    ahead = module.called_on(replays(100.0), TODAY)
    return (
        met == [False, True, True]
        and touched == [True, True, False]
        and [len(each) for each in dates] == [1, 0, 0, 1, 2, 1]
        and ahead == TODAY
    )


CHECKS = {
    payoff: pays_as_the_table_says,
    expectation: expects_what_the_payoff_pays,
    lifecycle: replays_as_the_table_says,
    seasoning: decides_fixings,
}


@pytest.mark.parametrize("module", CHECKS, ids=lambda module: module.__name__)
def test_turning_any_comparison_makes_a_row_of_the_tables_fail(module: types.ModuleType) -> None:
    check = CHECKS[module]
    assert check(module), "the module as it is passes"
    survivors = {label for label, mutant in mutants(module) if survives(check, mutant)}
    assert survivors == {label for label in EQUIVALENT if label.startswith(f"{module.__name__}:")}
