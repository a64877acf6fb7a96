"""Ordering of randomness: which directions of a Brownian path the first quasi-random coordinates drive."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEGLIGIBLE = 1e-14  # a period's share of the variance below which it counts as this much


def principal_directions(variances: Array) -> Array:
    r"""Orthogonal Q such that increments :math:`\sqrt{v_k}\,(Qz)_k` build a Brownian path by principal components.

    Components of the path's *correlation*, not of its covariance: an early date decides about a call as much as a
    late one, although the path varies less until then (4 to 8 times less variance for notes of seven dates).

    .. math:: R_{jl} = \sqrt{\frac{t_{\min(j,l)}}{t_{\max(j,l)}}} = V \Lambda V^\top, \qquad
              Q = D^{-1/2}\, \Delta\, T^{1/2}\, V \Lambda^{1/2}

    with :math:`t_j = \sum_{k\le j} v_k`, T = diag(t), D = diag(v) and Δ the difference operator. The first column is
    positive: the first coordinate moves the whole path one way.

    Parameters
    ----------
    variances : (n,)   variance of each increment, >= 0, not all zero

    Returns
    -------
    (n, n) orthogonal matrix

    References
    ----------
    Glasserman, *Monte Carlo Methods in Financial Engineering*, section 3.1, for components of the covariance.
    """
    steps = np.maximum(variances, NEGLIGIBLE * float(variances.sum()))
    clock = np.sqrt(np.cumsum(steps))
    correlation = np.minimum.outer(clock, clock) / np.maximum.outer(clock, clock)
    values, vectors = np.linalg.eigh(correlation)
    path = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0)) * clock[:, None]
    path *= np.where(path.sum(axis=0) < 0, -1.0, 1.0)
    return np.asarray(np.diff(path, axis=0, prepend=0.0) / np.sqrt(steps)[:, None])


def importance(variances: Array) -> Array:
    """(n,) share of the path's correlation that each column of ``principal_directions`` carries, falling."""
    steps = np.maximum(variances, NEGLIGIBLE * float(variances.sum()))
    clock = np.sqrt(np.cumsum(steps))
    correlation = np.minimum.outer(clock, clock) / np.maximum.outer(clock, clock)
    return np.asarray(np.linalg.eigvalsh(correlation)[::-1] / len(steps))
