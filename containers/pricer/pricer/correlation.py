r"""How the normals of a basket hang together when some of its indices are under Heston's model.

.. math:: dZ_i = \rho_i\,dW_i + \sqrt{1-\rho_i^2}\,dB_i, \qquad dW_i = \rho_i\,dZ_i + \sqrt{1-\rho_i^2}\,dE_i

with the correlations C of the W and independent B. E_i is what moves index i beside its own variance's Z_i; an index
under GBM has ρ = 0 and no Z. For i ≠ k: corr(Z_i, Z_k) = ρ_i ρ_k C_ik, corr(E_i, E_k) = r_i r_k C_ik and
corr(E_i, Z_k) = r_i ρ_k C_ik with r = √(1-ρ²); E_i and Z_i are independent.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pricer.factors import JITTER

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """The E given the Z, and the Z themselves."""

    variance_roots: Array  # (hestons, hestons): L with Z = L·(independent normals)
    regression: Array  # (assets, hestons): E[E | independent normals of Z]
    residual: Array  # (assets, assets): Cov[E | Z]

    @classmethod
    def of(cls, indices: Array, leverages: Array, stochastic: NDArray[np.bool_]) -> Self:
        """From C, the ρ of each index (zero under GBM), and which indices have a stochastic variance."""
        other = indices - np.eye(len(indices))
        beside = np.sqrt(1 - leverages**2)
        own = np.eye(len(indices))
        both = (np.outer(leverages, leverages) * other + own)[np.ix_(stochastic, stochastic)]
        roots = np.linalg.cholesky(both + JITTER * np.eye(len(both)))
        cross = (np.outer(beside, leverages) * other)[:, stochastic]
        regression = np.linalg.solve(roots, cross.T).T
        return cls(
            variance_roots=roots,
            regression=regression,
            residual=np.outer(beside, beside) * other + own - regression @ regression.T,
        )
