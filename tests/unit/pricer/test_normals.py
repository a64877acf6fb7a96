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


def test_bits_become_normals_from_end_to_end() -> None:
    ends = [0, 1, 2, 1000, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
    bits = np.concatenate([np.array(ends, np.uint32), np.linspace(0, 2**32 - 1, 5_000).astype(np.uint32)])
    out = np.empty(bits.shape)
    normals_from_bits(bits, out)
    exact = [NORMAL.inv_cdf((int(value) + 0.5) / 2**32) for value in bits]
    assert out == pytest.approx(np.array(exact), rel=1e-12)


def test_single_precision_normals_have_the_moments_of_a_normal() -> None:
    bits = (np.arange(2**16, dtype=np.uint32) << np.uint32(16)) + np.uint32(12345)
    out = np.empty(bits.shape, np.float32)
    normals_from_bits(bits, out)
    z = out.astype(np.float64)
    assert (np.diff(z) > 0).all()
    assert z == pytest.approx(-z[::-1], abs=1e-7)
    moments = [float(np.mean(z**power)) for power in (1, 2, 3, 4, 6)]
    assert moments == pytest.approx([0, 1, 0, 3 - 1.7e-4, 15 - 8.8e-3], abs=1e-4)


def test_a_single_precision_normal_is_the_mean_of_its_share_of_probability() -> None:
    out = np.empty(2, np.float32)
    normals_from_bits(np.array([300 << 16, 32768 << 16], np.uint32), out)
    edges = [(NORMAL.inv_cdf(k / 2**16), NORMAL.inv_cdf((k + 1) / 2**16)) for k in (300, 32768)]
    means = [(NORMAL.pdf(low) - NORMAL.pdf(high)) * 2**16 for low, high in edges]
    assert out == pytest.approx(means, rel=1e-5)
