"""Ordering of randomness: which directions of a Brownian path the first quasi-random coordinates drive."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEGLIGIBLE = 1e-14  # a period's share of the variance below which it counts as this much


def principal_directions(variances: Array, matters: Array | None = None) -> Array:
    r"""Orthogonal Q such that increments :math:`\sqrt{v_k}\,(Qz)_k` build a Brownian path by principal components.

    Components of the path's *correlation*, not of its covariance: an early date decides about a call as much as a
    late one, although the path varies less until then (4 to 8 times less variance for notes of seven dates).

    .. math:: M C M = V \Lambda V^\top, \quad C_{jl} = t_{\min(j,l)}, \qquad
              Q = D^{-1/2}\, \Delta\, M^{-1} V \Lambda^{1/2}

    with :math:`t_j = \sum_{k\le j} v_k`, D = diag(v), Δ the difference operator and M = diag(matters). The first column
    is positive: the first coordinate moves the whole path one way.

    Parameters
    ----------
    variances : (n,)   variance of each increment, >= 0; if all are zero any Q serves
    matters : (n,)   weight of each point of the path, > 0; :math:`1/\sqrt{t_j}` if not given

    Returns
    -------
    (n, n) orthogonal matrix

    References
    ----------
    Glasserman, *Monte Carlo Methods in Financial Engineering*, section 3.1, for components of the covariance.
    """
    if not (total := float(variances.sum())):
        return np.eye(len(variances))
    steps = np.maximum(variances, NEGLIGIBLE * total)
    clock = np.cumsum(steps)
    weights = 1 / np.sqrt(clock) if matters is None else matters
    values, vectors = np.linalg.eigh(np.minimum.outer(clock, clock) * np.outer(weights, weights))
    path = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0)) / weights[:, None]
    path *= np.where(path.sum(axis=0) < 0, -1.0, 1.0)
    return np.asarray(np.diff(path, axis=0, prepend=0.0) / np.sqrt(steps)[:, None])
