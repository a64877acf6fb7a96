"""Prices and sensitivities against reference values made by other methods."""

import numpy as np
import pytest

from pricer.estimate import Sampling, estimate, mean_and_error
from pricer.measures import RiskMeasure, ValueMeasure
from tests.unit.pricer.cases import Case, note_of, paths_of, some

BP = 1e-4
LOG2_POINTS = {"gbm": 12, "heston": 15, "gbm_worst_of": 14}
MOST_ERROR = {"gbm": 0.25 * BP, "heston": 0.25 * BP, "gbm_worst_of": 0.5 * BP}
ALL = some("gbm", "heston", "gbm_worst_of") + some("gbm", monitoring="continuous")


@pytest.mark.parametrize("case", ALL, ids=lambda case: case["id"])
def test_a_reference_value_is_met_within_tolerance_and_four_standard_errors(case: Case) -> None:
    sampling = Sampling(seed=20, log2_points=LOG2_POINTS[case["model"]])
    (rows,) = estimate([ValueMeasure(note=note_of(case))], [paths_of(case)], case["id"], sampling)
    value, error = mean_and_error(rows[0])
    assert error <= MOST_ERROR[case["model"]]
    assert abs(value - case["value"]) <= case["tolerance"] + 4 * error


@pytest.mark.parametrize("case", [case for case in ALL if "delta" in case], ids=lambda case: case["id"])
def test_reference_sensitivities_are_met_within_four_standard_errors(case: Case) -> None:
    times = np.array(case["times"])
    measure = RiskMeasure(note=note_of(case), times=times, payment_times=times)
    paths = paths_of(case)
    (rows,) = estimate([measure], [paths], case["id"], Sampling(seed=20, log2_points=11), spot_moves=True)
    delta, delta_error = mean_and_error(rows[0] / case["spot"])
    gamma, gamma_error = mean_and_error((rows[1] - rows[0]) / case["spot"] ** 2)
    assert delta_error <= 0.01 * abs(case["delta"])
    assert gamma_error <= 0.01 * abs(case["gamma"])
    assert abs(delta - case["delta"]) <= 1e-7 * abs(case["delta"]) + 4 * delta_error
    assert abs(gamma - case["gamma"]) <= 1e-7 * abs(case["gamma"]) + 4 * gamma_error
