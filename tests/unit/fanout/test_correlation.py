"""Matrices of correlations: judged by their own sums, in a time and with a message that many names do not spoil."""

import itertools

import pytest

from fanout import correlation
from fanout.correlation import Pairs, check_correlations, components, is_positive_semidefinite, matrix
from fanout.errors import MarketError


def equal(count: int, value: float) -> Pairs:
    """All pairs of ``count`` names with the same correlation; semidefinite from -1/(count - 1) up."""
    return {frozenset(pair): value for pair in itertools.combinations([f"U{i:03}" for i in range(count)], 2)}


@pytest.mark.parametrize("count", [2, 3, 10, 40])
def test_equal_correlations_are_possible_down_to_minus_one_over_the_others(count: int) -> None:
    edge = -1 / (count - 1)
    names = sorted({name for pair in equal(count, 0) for name in pair})
    assert is_positive_semidefinite(matrix(names, equal(count, edge + 1e-12)))
    assert not is_positive_semidefinite(matrix(names, equal(count, edge - 1e-6)))


def test_what_is_left_of_a_singular_matrix_must_be_nothing_off_its_diagonal_too() -> None:
    one = [[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 0.25]]
    assert is_positive_semidefinite(one)
    one[0][1] = one[1][0] = 1 + 1e-6
    assert not is_positive_semidefinite(one)


def test_a_refusal_names_the_first_of_many_and_counts_the_rest() -> None:
    with pytest.raises(MarketError) as refusal:
        check_correlations(equal(200, -0.5))
    assert "the matrix of U000, U001, U002" in str(refusal.value)
    assert "U009 and 190 more is not positive semidefinite (U000/U001 -0.5, " in str(refusal.value)
    assert "and 19,890 more)" in str(refusal.value)


def test_beyond_some_size_only_the_baskets_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "MOST_TOGETHER", 4)
    check_correlations(equal(5, -0.5))
    with pytest.raises(MarketError):
        check_correlations(equal(4, -0.5))


def test_names_are_together_if_a_chain_of_pairs_connects_them() -> None:
    pairs = [frozenset(pair) for pair in (("d", "e"), ("a", "b"), ("c", "b"), ("x", "y"), ("c", "d"))]
    assert components(pairs) == [["a", "b", "c", "d", "e"], ["x", "y"]]
    assert components([]) == []
