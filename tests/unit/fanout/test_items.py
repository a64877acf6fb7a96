"""Objects in lines of equal length: any child finds its own in one ranged read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import PlanError
from fanout.items import Item, Places, Shape, parse_rows, per_slice, plan_items, rows
from fanout.s3 import S3Uri

SOURCE = S3Uri("data", "in")
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def items_of(keys: list[str], size: int = 1) -> list[Item]:
    return [Item(item=place, key=key, size=size, etag="e") for place, key in enumerate(keys)]


@given(st.lists(KEYS, min_size=1, max_size=30))
def test_every_line_is_equally_long_and_any_range_of_lines_reads_back(keys: list[str]) -> None:
    items = items_of(keys)
    content, width = rows(items)
    assert len(content) == width * len(items)
    for start in range(len(items)):
        for stop in range(start, len(items) + 1):
            assert list(parse_rows(content[start * width : stop * width])) == items[start:stop]


@given(st.integers(1, 30_000), st.integers(1, 30_000))
def test_slices_cover_every_object_once(items: int, each: int) -> None:
    shape = Shape(items=items, per_slice=each, row_bytes=10)
    assert 1 <= shape.slices <= 10_000
    ends = [shape.slice(index) for index in (0, shape.slices - 1)]
    assert (ends[0][0], ends[1][1]) == (0, items)
    assert shape.slice(shape.slices) == (items, items)


def test_twenty_five_thousand_objects_become_more_a_child() -> None:
    shape = Shape(items=25_000, per_slice=1, row_bytes=10)
    assert shape.slices == 10_000
    assert {stop - start for start, stop in map(shape.slice, range(10_000))} == {2, 3}


@pytest.mark.parametrize(("count", "size", "slices"), [(1, 1, 1), (2, 1, 2), (200, 1_000, 2), (10_000, 1, 51)])
def test_left_to_itself_a_child_gets_about_ten_seconds_of_work(count: int, size: int, slices: int) -> None:
    items = items_of([str(k) for k in range(count)], size)
    assert Shape(items=count, per_slice=per_slice(items, None), row_bytes=1).slices == slices


def test_big_objects_get_children_of_their_own() -> None:
    assert per_slice(items_of(["a", "b", "c"], size=10**9), None) == 1


def test_a_shape_survives_the_jobs_parameters() -> None:
    shape = Shape(items=200, per_slice=50, row_bytes=131)
    assert Shape.parse(str(shape)) == shape == Shape.parse("200:50:131")


@pytest.mark.parametrize("text", ["", "1:2", "1:2:3:4", "a:1:1", "0:1:1", "1:-1:1", "1:1:1.5"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="expected items:perSlice:rowBytes"):
        Shape.parse(text)


def test_a_changed_object_makes_another_plan() -> None:
    first, shape, _ = plan_items(items_of(["a", "b"]), 1, SOURCE)
    assert plan_items(items_of(["a", "b"]), 1, S3Uri("data", "elsewhere"))[0].hash == first.hash
    changed = [Item(item=0, key="a", size=1, etag="new"), Item(item=1, key="b", size=1, etag="e")]
    assert plan_items(changed, 1, SOURCE)[0].hash != first.hash
    assert plan_items(items_of(["a", "b"]), 2, SOURCE)[0].hash != first.hash
    assert first.work.parameters["shape"] == str(shape)


def test_results_of_one_plan_lie_in_folders_of_their_own() -> None:
    places = Places(S3Uri("data", "out"), "f" * 64)
    assert str(places.statistics(7)) == f"s3://data/out/results/{'f' * 64}/statistics/00007.json"
    assert str(places.columns(7)) == f"s3://data/out/work/{'f' * 64}/columns/00007.f64"
