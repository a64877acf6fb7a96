r"""European options under Heston's model by its characteristic function, all expiries and strikes at once.

.. math:: \varphi_T(u) = \mathrm{E}\left[e^{iu \ln(S_T/F_T)}\right] = e^{A(u) + D(u)\,v_0}

in the form without branch cuts (Albrecher, Mayer, Schoutens, Tistaert, "The little Heston trap", Wilmott 2007), and

.. math:: C = F - \frac{\sqrt{FK}}{\pi} \int_0^\infty \mathrm{Re}\left[e^{iuk}\,\varphi(u - i/2)\right]
              \frac{du}{u^2 + 1/4}, \qquad k = \ln(F/K)

(Lewis, *Option Valuation under Stochastic Volatility*, 2000, chapter 2), undiscounted. Integrated is the difference to
Black's φ with about the same deviation, whose calls are known: it is small, and nothing far out of the money.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pricer.normals import cumulative, density

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
NODES = 96
STRETCH = 4.0  # half the nodes lie below this, in inverse deviations


def _nodes(deviations: Array, panels: int) -> tuple[Array, Array]:
    """(expiries, nodes) nodes and weights, 1 / (u² + 1/4) included: Gauss-Legendre stretched to the half-line.

    The integrand lives on the inverses of the deviations.
    """
    one, weights = np.polynomial.legendre.leggauss(NODES)
    x = np.concatenate([0.5 * (one + 1) + panel for panel in range(panels)]) / panels
    w = np.tile(0.5 * weights, panels) / panels
    scale = STRETCH / deviations[:, None]
    nodes = scale * x / (1 - x)
    return nodes, scale * w / (1 - x) ** 2 / (nodes**2 + 0.25)


def characteristic(shifted: Array, times: Array, parameters: Array) -> ComplexArray:
    """φ(u - i/2) for real u.

    Parameters
    ----------
    shifted : (expiries, nodes)   u
    times : (expiries,)   years
    parameters : (sets, 5)   v0, kappa, theta, sigma, rho

    Returns
    -------
    (sets, expiries, nodes)
    """
    v0, kappa, theta, sigma, rho = parameters.T[:, :, None, None]
    time = times[:, None]
    argument = 1j * shifted + 0.5  # i(u - i/2)
    pull = kappa - rho * sigma * argument
    root = np.sqrt(pull * pull + sigma * sigma * (shifted * shifted + 0.25))
    below = pull - root
    ratio = below / (pull + root)
    decay = np.exp(-root * time)
    lost = 1 - ratio * decay
    constant = kappa * theta / sigma**2 * (below * time - 2 * np.log(lost / (1 - ratio)))
    return np.asarray(np.exp(constant + v0 * below / sigma**2 * (1 - decay) / lost))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Expiries and strikes with everything about them that no model parameter changes."""

    times: Array  # (expiries,) years
    forwards: Array  # (expiries,)
    strikes: Array  # (strikes,)
    nodes: Array  # (expiries, nodes)
    waves: ComplexArray  # (expiries, nodes, strikes): weights and Fourier factors of the integral
    near: Array  # (expiries, nodes): Black's φ
    near_calls: Array  # (expiries, strikes)

    @classmethod
    def of(cls, times: Array, forwards: Array, strikes: Array, deviations: Array, panels: int = 1) -> Self:
        """``deviations``: (expiries,) of ln S at each expiry, about. ``panels``: times as many nodes as usual."""
        nodes, weights = _nodes(deviations, panels)
        distance = np.log(forwards[:, None] / strikes)
        roots = np.sqrt(forwards[:, None] * strikes)
        waves = np.exp(1j * nodes[:, :, None] * distance[:, None, :])
        waves *= weights[:, :, None] * roots[:, None, :] / math.pi
        return cls(
            times=times,
            forwards=forwards,
            strikes=strikes,
            nodes=nodes,
            waves=waves,
            near=np.exp(-0.5 * np.square(deviations)[:, None] * (nodes**2 + 0.25)),
            near_calls=black(deviations[:, None], forwards[:, None], strikes)[0],
        )

    def calls(self, parameters: Array) -> Array:
        """(sets, 5) parameters -> (sets, expiries, strikes) undiscounted calls."""
        values = characteristic(self.nodes, self.times, parameters)  # (sets, expiries, nodes)
        values -= self.near
        integrals = (values.transpose(1, 0, 2) @ self.waves).real  # (expiries, sets, strikes)
        return np.asarray(self.near_calls - integrals.transpose(1, 0, 2))


def black(deviations: Array, forwards: Array, strikes: Array) -> tuple[Array, Array]:
    """Undiscounted Black calls and their derivative by the deviation σ√T."""
    d = np.log(forwards / strikes) / deviations + 0.5 * deviations
    value = forwards * cumulative(d) - strikes * cumulative(d - deviations)
    return np.asarray(value), np.asarray(forwards * density(d))
