"""The lowest of several lines, integrated below a bound."""

import numpy as np
import pytest

from pricer.lines import Lines
from pricer.normals import quantile
from pricer.worst import expected_worst
from tests.unit.pricer.cases import note

SLICES = 200_000


@pytest.mark.parametrize(
    ("intercepts", "slopes", "strikes"),
    [
        ([0.1], [0.3], [1.0]),
        ([0.1, 0.0], [0.3, 0.2], [1.0, 1.0]),
        ([0.1, 0.1], [0.3, 0.3], [1.0, 1.0]),  # the same line twice
        ([0.1, 0.2], [0.3, 0.3], [1.0, 1.0]),  # parallel
        ([0.2, 0.1], [0.3, 0.3], [1.0, 1.0]),
        ([0.1, 0.1], [0.3, 0.2], [1.0, 1.0]),  # crossing at x = 0
        ([0.1, 0.05, -0.1], [0.3, 0.25, 0.1], [1.1, 0.9, 1.0]),
        ([0.1, 0.1, 0.1], [0.3, 0.3, 0.1], [1.0, 1.0, 1.0]),
        ([5.0, 0.0], [0.3, 0.3], [1.0, 1.0]),  # one far above
    ],
)
@pytest.mark.parametrize("bound", [-0.7, 0.0, 1.5, 8.0])
def test_the_worst_level_is_integrated_below_the_bound(
    intercepts: list[float], slopes: list[float], strikes: list[float], bound: float
) -> None:
    shape = (len(intercepts), 1, 1)
    lines = Lines.of(np.array(intercepts).reshape(shape), np.array(slopes).reshape(shape), np.zeros(1))
    found = expected_worst(note(strikes=np.array(strikes)), lines, np.array([bound]))
    x = quantile((np.arange(SLICES) + 0.5) / SLICES)
    levels = np.exp(np.array(intercepts)[:, None] + np.array(slopes)[:, None] * x) / np.array(strikes)[:, None]
    assert found == pytest.approx([np.mean(levels.min(axis=0) * (x < bound))], abs=2e-5)
