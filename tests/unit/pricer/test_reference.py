"""Prices against reference values made by other methods."""

import pytest

from pricer.estimate import Sampling, estimate, mean_and_error
from tests.unit.pricer.cases import Case, note_of, paths_of, some

BP = 1e-4


@pytest.mark.parametrize("case", some("gbm", "heston"), ids=lambda case: case["id"])
def test_a_reference_value_is_met_within_tolerance_and_four_standard_errors(case: Case) -> None:
    points = 13 if case["model"] == "heston" else 12
    (result,) = estimate([note_of(case)], paths_of(case), case["id"], Sampling(seed=20, log2_points=points))
    value, error = mean_and_error(result.value)
    assert error <= 2 * BP
    assert abs(value - case["value"]) <= case["tolerance"] + 4 * error
