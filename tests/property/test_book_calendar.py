"""Laws of the calendar and of correlation matrices, against independent ones."""

from datetime import date, timedelta

import numpy as np
from dateutil.easter import easter  # type: ignore[import-untyped]  # it carries no type hints
from hypothesis import given
from hypothesis import strategies as st

from fanout.calendar import add_business_days, easter_sunday, is_business_day
from fanout.correlation import is_positive_semidefinite

days = st.dates(date(1999, 1, 1), date(2199, 12, 31))


@given(year=st.integers(1583, 4099))
def test_easter_agrees_with_dateutil(year: int) -> None:
    assert easter_sunday(year) == easter(year)


@given(day=days, count=st.integers(0, 400))
def test_business_days_are_counted_one_by_one(day: date, count: int) -> None:
    end = add_business_days(day, count)
    passed = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(map(is_business_day, passed)) == count
    assert count == 0 or is_business_day(end)


@given(day=days.filter(is_business_day), count=st.integers(-400, 400))
def test_counting_back_returns_to_a_business_day(day: date, count: int) -> None:
    assert add_business_days(add_business_days(day, count), -count) == day


entries = st.floats(-1, 1)


@given(data=st.data(), size=st.integers(1, 6), factors=st.integers(1, 6))
def test_matrices_of_correlated_factors_are_positive_semidefinite(data: st.DataObject, size: int, factors: int) -> None:
    loadings = np.array(
        data.draw(st.lists(st.lists(entries, min_size=factors, max_size=factors), min_size=size, max_size=size))
    )
    lengths = np.linalg.norm(loadings, axis=1, keepdims=True)
    loadings = np.where(lengths > 0.1, loadings / np.maximum(lengths, 0.1), np.eye(factors)[0])
    matrix = np.clip(loadings @ loadings.T, -1, 1)
    np.fill_diagonal(matrix, 1.0)
    assert is_positive_semidefinite(matrix.tolist())


@given(data=st.data(), size=st.integers(2, 6))
def test_a_matrix_is_judged_as_its_lowest_eigenvalue_says(data: st.DataObject, size: int) -> None:
    upper = data.draw(st.lists(entries, min_size=size * (size - 1) // 2, max_size=size * (size - 1) // 2))
    matrix = np.eye(size)
    matrix[np.triu_indices(size, 1)] = upper
    matrix = matrix + matrix.T - np.eye(size)
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if abs(lowest) > 1e-8:
        assert is_positive_semidefinite(matrix.tolist()) == (lowest > 0)
