"""Ordering of randomness: which directions of a Brownian path the first quasi-random coordinates drive."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def principal_directions(variances: Array) -> Array:
    r"""Orthogonal Q such that increments :math:`\sqrt{v_k}\,(Qz)_k` build a Brownian path by principal components.

    .. math:: C_{jl} = \sum_{k \le \min(j,l)} v_k = V \Lambda V^\top, \qquad Q = D^{-1/2} \Delta V \Lambda^{1/2}

    with :math:`\Delta` the difference operator and :math:`D = \mathrm{diag}(v)`. The first column is positive: the
    first coordinate moves the whole path one way.

    Parameters
    ----------
    variances : (n,)   variance of each increment, > 0

    Returns
    -------
    (n, n) orthogonal matrix

    References
    ----------
    Glasserman, *Monte Carlo Methods in Financial Engineering*, section 3.1.
    """
    clock = np.cumsum(variances)
    values, vectors = np.linalg.eigh(np.minimum.outer(clock, clock))
    path = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    path *= np.where(path.sum(axis=0) < 0, -1.0, 1.0)
    return np.asarray(np.diff(path, axis=0, prepend=0.0) / np.sqrt(variances)[:, None])
