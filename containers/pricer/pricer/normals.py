"""The normal distribution for whole arrays: cumulative, quantile, and normals from 32 random bits.

numpy has no error function. Two accuracies: ``float64`` where the volatility is certain (GBM), ``float32`` for the many
increments of Heston paths.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
BitArray = NDArray[np.uint32]

# Highest power first.
# fmt: off
_TAIL32 = (  # Q(y) = exp(-y²/2) P(1 / (1 + s y)), y >= 0: least-maximum fits to mpmath's erfc at 40 digits
    0.25,
    (-0.0990897381713508, 0.37720629481910195, -0.33762849437349557, 0.3566815514927255, -0.02191234727690874,
     0.12879842168000186, 0.09571125545035437, 0.00023303137134070086),
)  # |error| < 2.6e-8 up to y = 6, and below 1e-9 beyond
_TAIL64 = (
    0.2,
    (0.004384448180858496, -0.04016604038365721, 0.15850202589268036, -0.352457900508135, 0.4980649358417816,
     -0.5009582574591704, 0.38012277641147507, -0.1945558140225174, 0.11577361281959417, 0.00783518706602253,
     0.05729281818277673, 0.05959187208820702, 0.07041549131431434, 0.07657661104393733, 0.07978983249008065,
     0.0797884000074674, 1.0341147982171807e-09),
)  # relative error < 4e-13 up to y = 39
_CENTRE = (  # Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988): numerator, denominator
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)
_TAIL = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)
_FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)
# fmt: on
_CHUNK = 1 << 16  # numbers worked on at once: all temporaries stay in the second-level cache
_TABLE_BITS = 16


def cumulative(x: FloatArray) -> FloatArray:
    """Φ(x), elementwise, in the accuracy of ``x``: |error| < 4e-8 for float32, 4e-13 for float64."""
    kind = x.dtype.type
    scale, coefficients = _TAIL32 if x.dtype == np.float32 else _TAIL64
    y = np.abs(x)
    t: FloatArray = y * kind(scale)
    t += kind(1)
    np.reciprocal(t, out=t)
    np.multiply(y, y, out=y)
    y *= kind(-0.5)
    np.exp(y, out=y)
    y *= _polynomial(coefficients, t)
    np.copysign(y, x, out=y)
    np.subtract(~np.signbit(x), y, out=y)
    return y


def density(x: FloatArray) -> FloatArray:
    """φ(x), elementwise."""
    kind = x.dtype.type
    y = x * x
    y *= kind(-0.5)
    np.exp(y, out=y)
    y *= kind(0.3989422804014327)
    return y


def quantile(p: FloatArray) -> FloatArray:
    """Φ⁻¹(p) for p in (0, 1), elementwise; relative error about 1e-15 (AS 241)."""
    q: FloatArray = p - 0.5
    r = 0.180625 - q * q
    x: FloatArray = q * _polynomial(_CENTRE[0], r) / _polynomial(_CENTRE[1], r)
    outside = np.flatnonzero(r < 0)  # |q| > 0.425
    if outside.size:
        side = q.ravel()[outside]
        lesser = np.minimum(p.ravel()[outside], 1 - p.ravel()[outside])
        x.ravel()[outside] = np.copysign(_lower_tail(lesser), side)
    return x


def normals_from_bits(bits: BitArray, out: FloatArray) -> None:
    """Fills ``out`` with Φ⁻¹((bits + ½) / 2³²) for float64; for float32 with a table's entry for the top 16 bits.

    The table holds the mean of each of 65,536 equal shares of probability, scaled to a variance of one: mean, variance
    and symmetry are exact, the kurtosis is 2e-4 short.
    """
    flat_bits, flat_out = bits.reshape(-1), out.reshape(-1)
    convert = _tabulated if out.dtype == np.float32 else _exact
    for start in range(0, flat_out.size, _CHUNK):
        convert(flat_bits[start : start + _CHUNK], flat_out[start : start + _CHUNK])


def _exact(bits: BitArray, out: FloatArray) -> None:
    out[:] = quantile((bits + 0.5) * 2.0**-32)


def _tabulated(bits: BitArray, out: FloatArray) -> None:
    np.take(_table(), bits >> np.uint32(32 - _TABLE_BITS), out=out, mode="clip")


@lru_cache(maxsize=1)
def _table() -> NDArray[np.float32]:
    size = 1 << _TABLE_BITS
    edges = quantile(np.arange(1, size // 2 + 1) / size)  # up to the median
    heights = np.concatenate([[0.0], density(edges)])
    means = -np.diff(heights) * size  # E[z | a < z < b] = (φ(a) - φ(b)) / P(a < z < b)
    means /= math.sqrt(float(np.mean(means**2)))
    return np.concatenate([means, -means[::-1]]).astype(np.float32)


def _lower_tail(p: FloatArray) -> FloatArray:
    """-Φ⁻¹(p) for p <= 0.075."""
    r = np.sqrt(-np.log(p))
    near, far = r - 1.6, r - 5
    return np.where(
        r <= 5,
        _polynomial(_TAIL[0], near) / _polynomial(_TAIL[1], near),
        _polynomial(_FAR_TAIL[0], far) / _polynomial(_FAR_TAIL[1], far),
    )


def _polynomial(coefficients: Sequence[float], x: FloatArray) -> FloatArray:
    """Horner's scheme in the accuracy of ``x``; highest power first."""
    kind = x.dtype.type
    total = x * kind(coefficients[0])
    for coefficient in coefficients[1:-1]:
        total += kind(coefficient)
        total *= x
    total += kind(coefficients[-1])
    return total
