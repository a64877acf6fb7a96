"""The normal distribution against the standard library's."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from pricer.normals import cumulative, density, normals_from_bits, quantile

NORMAL = NormalDist()


@pytest.mark.parametrize(("kind", "accuracy"), [(np.float32, 3e-7), (np.float64, 4e-13)])
def test_the_cumulative_distribution_is_erfc(kind: Any, accuracy: float) -> None:
    x = np.linspace(-8, 8, 4_001).astype(kind)
    exact = [math.erfc(-value / math.sqrt(2)) / 2 for value in x.astype(float)]
    assert cumulative(x) == pytest.approx(np.array(exact), abs=accuracy)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_cumulative_distribution_of_far_values_is_zero_or_one(kind: Any) -> None:
    assert cumulative(np.array([-1e6, -40, 40, 1e6], kind)) == pytest.approx([0, 0, 1, 1], abs=1e-30)


def test_far_tails_keep_their_relative_accuracy() -> None:
    x = np.linspace(-35, -5, 301)
    exact = np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in x])
    assert cumulative(x) / exact == pytest.approx(np.ones(301), abs=1e-11)


def test_the_density_is_the_derivative_of_the_cumulative_distribution() -> None:
    x = np.linspace(-5, 5, 101)
    assert density(x) == pytest.approx((cumulative(x + 1e-4) - cumulative(x - 1e-4)) / 2e-4, abs=1e-8)


def test_the_quantile_inverts_the_cumulative_distribution() -> None:
    p = np.concatenate([np.logspace(-300, -1, 200), np.linspace(0.1, 1 - 1e-12, 200)])
    assert quantile(p) == pytest.approx(np.array([NORMAL.inv_cdf(value) for value in p]), rel=1e-12)


@pytest.mark.parametrize(("kind", "accuracy"), [(np.float32, 5e-6), (np.float64, 1e-12)])
def test_bits_become_normals_from_end_to_end(kind: Any, accuracy: float) -> None:
    ends = [0, 1, 2, 1000, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
    bits = np.concatenate([np.array(ends, np.uint32), np.linspace(0, 2**32 - 1, 100_000).astype(np.uint32)])
    out = np.empty(bits.shape, kind)
    normals_from_bits(bits, out)
    exact = [NORMAL.inv_cdf((int(value) + 0.5) / 2**32) for value in bits]
    assert out == pytest.approx(np.array(exact), abs=accuracy)
