"""Factors of a period's covariance: one that moves all assets the same way, then the rest by size."""

import numpy as np
from numpy.typing import NDArray

from pricer.normals import FloatArray

Array = NDArray[np.float64]
LEAST_SHARE = 0.05  # of the largest entry: below it a principal component does not count as moving all assets
LEAST_EIGENVALUE = 1e-6  # of correlations: below it one asset's move by a deviation takes a thousand of the noise
JITTER = 1e-12  # relative; makes a singular correlation invertible without moving any price


def common_direction(covariance: Array) -> Array:
    r"""(assets,) positive loadings b with :math:`\Sigma - bb^\top` positive semidefinite and as small as may be.

    The first principal component if it moves all assets one way (it does when all correlations are positive), else
    the same number of standard deviations for each:

    .. math:: b = d / \sqrt{d^\top \Sigma^{-1} d}, \qquad d_i = \sqrt{\Sigma_{ii}}
    """
    values, vectors = np.linalg.eigh(covariance)
    first = vectors[:, -1] * np.sign(vectors[:, -1].sum())
    if first.min() > LEAST_SHARE * first.max():
        return np.asarray(first * np.sqrt(values[-1]))
    deviations = np.sqrt(np.diag(covariance))
    regular = covariance + JITTER * np.diag(np.diag(covariance))
    return np.asarray(deviations / np.sqrt(deviations @ np.linalg.solve(regular, deviations)))


def moves_alone(correlations: Array) -> bool:
    """Whether noise with these correlations (or what is left of them) can move each asset without the others."""
    return bool(np.linalg.eigvalsh(correlations)[0] > LEAST_EIGENVALUE)


def factors(covariances: Array) -> Array:
    """(periods, assets, assets) covariances -> (components, periods, assets) loadings, component 0 all positive.

    Signs of the other components are kept from period to period.
    """
    periods, assets, _ = covariances.shape
    loadings = np.zeros((assets, periods, assets))
    for period, covariance in enumerate(covariances):
        common = common_direction(covariance)
        values, vectors = np.linalg.eigh(covariance - np.outer(common, common))
        rest = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, :0:-1].T  # the smallest value is zero but for rounding
        if period:
            rest *= np.where(np.sum(rest * loadings[1:, period - 1], axis=1) < 0, -1.0, 1.0)[:, None]
        loadings[0, period] = common
        loadings[1:, period] = rest
    return loadings


def path_factors(covariances: FloatArray, target: FloatArray) -> FloatArray:
    r"""(assets, assets, paths) covariances -> (components, assets, paths) loadings, component 0 along ``target`` > 0.

    Component 0 is :math:`d / \sqrt{d^\top \Sigma^{-1} d}` for the target d, (assets, paths); the others are the
    Cholesky factor of what it leaves, whose rank is one less.
    """
    assets = len(target)
    loadings = np.zeros_like(covariances)
    if assets == 1:
        loadings[0] = np.sqrt(covariances[0])
        return loadings
    white = _forward_substitution(_cholesky(covariances), target)
    common = target / np.sqrt(np.einsum("ap,ap->p", white, white))
    rest = _cholesky(covariances - common[:, None] * common[None, :])  # (assets, components, paths)
    loadings[0] = common
    loadings[1:] = rest[:, : assets - 1].transpose(1, 0, 2)
    return loadings


def _cholesky(matrices: FloatArray) -> FloatArray:
    """Lower triangles, for matrices along the last axis; a pivot that rounding made nothing leaves a zero column."""
    size = len(matrices)
    lower = np.zeros_like(matrices)
    for j in range(size):
        pivot = matrices[j, j] - np.einsum("kp,kp->p", lower[j, :j], lower[j, :j])
        np.maximum(pivot, JITTER * matrices[j, j], out=pivot)
        lower[j, j] = np.sqrt(pivot)
        inverse = 1 / np.maximum(lower[j, j], np.finfo(matrices.dtype).tiny)
        for i in range(j + 1, size):
            lower[i, j] = (matrices[i, j] - np.einsum("kp,kp->p", lower[i, :j], lower[j, :j])) * inverse
    return lower


def _forward_substitution(lower: FloatArray, right: FloatArray) -> FloatArray:
    solved = np.empty_like(right)
    for i in range(len(right)):
        solved[i] = (right[i] - np.einsum("kp,kp->p", lower[i, :i], solved[:i])) / lower[i, i]
    return solved
