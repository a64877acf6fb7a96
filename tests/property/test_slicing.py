"""Laws of slicing: nothing lost, nothing twice, never an array that Batch refuses."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.slicing import MAX_ARRAY_SIZE, Batchable, by_cost, even

batchables = st.builds(
    Batchable, size=st.integers(1, 5_000), setup=st.floats(0, 30), each=st.one_of(st.just(0.0), st.floats(1e-6, 20))
)


def assert_is_a_cut(boundaries: tuple[int, ...], items: int) -> None:
    assert boundaries[0] == 0
    assert boundaries[-1] == items
    assert all(start < stop for start, stop in pairwise(boundaries))
    assert 1 <= len(boundaries) - 1 <= MAX_ARRAY_SIZE


@given(st.integers(1, 3_000_000), st.integers(1, 4_000_000))
def test_even_slices_cover_every_item_once_and_fit_an_array(items: int, per_slice: int) -> None:
    boundaries = even(items, per_slice)
    assert_is_a_cut(boundaries, items)
    sizes = [stop - start for start, stop in pairwise(boundaries)]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= per_slice or len(sizes) == MAX_ARRAY_SIZE


@given(st.lists(batchables, min_size=1, max_size=30), st.floats(0.1, 1_000))
def test_slices_by_cost_cover_every_item_once_and_fit_an_array(groups: list[Batchable], seconds: float) -> None:
    boundaries = by_cost(groups, seconds)
    items = sum(group.size for group in groups)
    assert_is_a_cut(boundaries, items)
    assert len(boundaries) - 1 >= min(2, items)


@given(st.lists(batchables, min_size=1, max_size=30), st.floats(0.1, 1_000))
def test_no_slice_by_cost_holds_much_more_than_asked_unless_one_item_does(
    groups: list[Batchable], seconds: float
) -> None:
    boundaries = by_cost(groups, seconds)
    if len(boundaries) - 1 == MAX_ARRAY_SIZE:
        return
    dearest = max(group.setup + group.each for group in groups)
    assert (
        max(slice_seconds(groups, start, stop) for start, stop in pairwise(boundaries))
        <= 3 * max(seconds, dearest) + 1e-6
    )


def slice_seconds(groups: list[Batchable], start: int, stop: int) -> float:
    total, place = 0.0, 0
    for group in groups:
        taken = min(stop, place + group.size) - max(start, place)
        if taken > 0:
            total += group.setup + taken * group.each
        place += group.size
    return total


def test_25_001_items_one_each_become_wider_slices_of_one_array() -> None:
    boundaries = even(25_001, 1)
    assert len(boundaries) - 1 == MAX_ARRAY_SIZE
    assert {stop - start for start, stop in pairwise(boundaries)} == {2, 3}


def test_two_small_groups_are_cut_between_them() -> None:
    groups = [Batchable(size=30, setup=0.1, each=0.001), Batchable(size=20, setup=0.1, each=0.001)]
    assert by_cost(groups, 10) == (0, 30, 50)


def test_a_lone_item_is_a_lone_slice() -> None:
    assert by_cost([Batchable(size=1, setup=1, each=1)], 10) == (0, 1)


@pytest.mark.parametrize(("items", "per_slice"), [(0, 1), (1, 0), (-1, 1)])
def test_cutting_nothing_or_into_nothing_is_an_error(items: int, per_slice: int) -> None:
    with pytest.raises(ValueError, match="cannot cut"):
        even(items, per_slice)
