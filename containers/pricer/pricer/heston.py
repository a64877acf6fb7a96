r"""Baskets with at least one index under Heston's model, on observation dates.

.. math:: d\ln S_i = (r - q_i - \tfrac12 v_i)\,dt + \sqrt{v_i}\,dW_i, \qquad
          dv_i = \kappa_i(\theta_i - v_i)\,dt + \sigma_i\sqrt{v_i}\,dZ_i, \qquad dW_i\,dZ_i = \rho_i\,dt

Variances take several steps a period (:mod:`pricer.cir`). Given their paths, the logarithms over a period are jointly
normal: one normal for each index and date is enough, however many steps. An index under GBM takes part with a certain
variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fanout.market import HestonParameters
from pricer.brownian import principal_directions
from pricer.correlation import Correlation
from pricer.evolution import Evolution
from pricer.factors import common_direction, moves_alone
from pricer.lines import Lines, SpotMoves
from pricer.normals import BitArray, FloatArray, normals_from_bits
from pricer.variance import CertainVariance, StochasticVariance, expected_integrals

Array = NDArray[np.float64]
STEPS_A_YEAR = 12  # at least; docs/pricing-model.md has the bias that is left
STEPS_A_REVERSION = 6  # in a time 1/κ, at least
USUAL_FELLER = 0.8  # 2κθ/σ²; below it the variance rests at zero for longer and steps are taken more often
MOST_STEPS_A_YEAR = 72
MIN_STEPS = 4  # a period
FIRST_PERIOD = 2  # times as many: it starts from one variance, so nothing averages its steps' errors
LEAST_SLOPE = np.float32(1e-6)


def step_counts(times: Array, models: Sequence[HestonParameters], refinement: float = 1.0) -> NDArray[np.int64]:
    """(dates,) variance steps in each period between observation dates; ``refinement`` times the usual ones."""
    density = refinement * max(_density(model) for model in models)
    counts = np.maximum(MIN_STEPS, np.rint(np.diff(times, prepend=0.0) * density)).astype(np.int64)
    counts[0] *= FIRST_PERIOD
    return counts


def _density(model: HestonParameters) -> float:
    """Steps a year."""
    feller = 2 * model.kappa * model.theta / model.sigma**2
    wanted = max(STEPS_A_YEAR * (USUAL_FELLER / feller) ** 0.5, STEPS_A_YEAR, STEPS_A_REVERSION * model.kappa)
    return float(min(wanted, MOST_STEPS_A_YEAR))


@dataclass(frozen=True, slots=True, kw_only=True)
class HestonPaths:
    """Correlated indices, some with a variance of their own."""

    log_growth: FloatArray  # (assets, dates) ln of forward over spot
    counts: NDArray[np.int64]  # (dates,) variance steps in each period
    lengths: Array  # (dates,) years of a step in each period
    variances: tuple[StochasticVariance | CertainVariance, ...]  # of each asset
    correlation: Correlation
    alone: bool  # whether each index can move given the variances and the other indices
    target: FloatArray  # (assets,) direction of the common component, in deviations
    basis: FloatArray  # (dates, dates) principal directions in time of the indices' own normals
    variance_basis: FloatArray  # (steps, steps) of the variances' normals
    places: NDArray[np.int64]  # (dimensions,) coordinate of a point that each normal is made of

    @classmethod
    def of(
        cls,
        models: Sequence[HestonParameters | Array],
        *,
        log_growth: Array,
        times: Array,
        correlations: Array,
        counts: NDArray[np.int64] | None = None,
    ) -> Self:
        """``models``: of each index; for GBM its variance over each period, (dates,). ``counts`` fixes the steps."""
        hestons = [model for model in models if isinstance(model, HestonParameters)]
        counts = step_counts(times, hestons) if counts is None else counts
        lengths = np.diff(times, prepend=0.0) / counts
        leverages = np.array([model.rho if isinstance(model, HestonParameters) else 0.0 for model in models])
        stochastic = np.array([isinstance(model, HestonParameters) for model in models])
        correlation = Correlation.of(correlations, leverages, stochastic)
        scale = np.sqrt(np.diag(correlation.residual))
        beside = np.sqrt(1 - leverages**2)
        expected = expected_integrals(hestons[0], np.repeat(lengths, counts))
        return cls(
            log_growth=log_growth.astype(np.float32),
            counts=counts,
            lengths=lengths,
            variances=tuple(
                StochasticVariance.of(model, lengths)
                if isinstance(model, HestonParameters)
                else CertainVariance.of(model)
                for model in models
            ),
            correlation=correlation,
            alone=moves_alone(correlation.residual * np.outer(beside, beside)),
            target=common_direction(correlation.residual / np.outer(scale, scale)).astype(np.float32),
            basis=principal_directions(np.add.reduceat(expected, np.cumsum(counts) - counts)).astype(np.float32),
            variance_basis=principal_directions(expected, _matters(expected, counts)).astype(np.float32),
            places=_places(len(models), len(times), len(hestons), int(counts.sum())),
        )

    @property
    def dimensions(self) -> int:
        return len(self.places)

    def lines(self, bits: BitArray, *, spot_moves: bool = False) -> Lines:
        """(dimensions, paths) bits of the points -> lines in the first coordinate."""
        assets, dates = self.log_growth.shape
        normals = np.empty(bits.shape, np.float32)
        normals_from_bits(bits[self.places], normals)
        own: FloatArray = normals[: assets * dates].reshape(assets, dates, -1)
        x = own[0, 0].copy()
        own[0, 0] = 0
        own = self.basis @ own
        evolution = Evolution(
            self.variances,
            self.correlation,
            self.target,
            self.variance_basis,
            self.counts,
            self.lengths,
            normals[assets * dates :],
        )
        moves, slopes = np.empty_like(own), np.empty_like(own)
        first = None
        for period in range(dates):
            drift, loadings = evolution.period(period)
            moves[:, period] = drift
            for component in range(assets):
                moves[:, period] += loadings[component] * own[component, period]
            np.multiply(loadings[0], self.basis[period, 0], out=slopes[:, period])
            first = loadings if first is None else first
        intercepts = np.cumsum(moves, axis=1, out=moves)
        intercepts += self.log_growth[:, :, None]
        slopes = np.maximum(np.cumsum(slopes, axis=1, out=slopes), LEAST_SLOPE, out=slopes)
        assert first is not None, "a note has dates to come"
        moves_of_spots = self._spot_moves(first, own[:, 0]) if spot_moves and self.alone else None
        return Lines.of(intercepts, slopes, x, spot_moves=moves_of_spots)

    def _spot_moves(self, loadings: FloatArray, own: FloatArray) -> SpotMoves:
        """From the first period's (components, assets, paths) loadings and (components, paths) normals without x."""
        inverse = np.linalg.inv(loadings.transpose(2, 1, 0).astype(np.float64))  # (paths, components, assets)
        return SpotMoves(along=inverse[:, 0].T * float(self.basis[0, 0]), score=np.einsum("pca,cp->ap", inverse, own))


def _matters(expected: Array, counts: NDArray[np.int64]) -> Array:
    """(steps,) weights of a variance's steps: those of the observation dates that they lead to."""
    at_dates = np.cumsum(expected)[np.cumsum(counts) - 1]
    return np.repeat(1 / np.sqrt(at_dates), counts)


def _places(assets: int, dates: int, hestons: int, steps: int) -> NDArray[np.int64]:
    """Coordinates of the points for (asset, date), (heston, step) and (heston, date) normals, in this order.

    The first modes in time go first, variances and indices in turns; the residuals of the integrals come last.
    """
    ranks = [(mode, 1, asset) for asset in range(assets) for mode in range(dates)]
    ranks[0] = (-1, 0, 0)  # x
    ranks += [(mode, 0, heston) for heston in range(hestons) for mode in range(steps)]
    ranks += [(max(dates, steps), mode, heston) for heston in range(hestons) for mode in range(dates)]
    places = np.empty(len(ranks), np.int64)
    places[sorted(range(len(ranks)), key=ranks.__getitem__)] = np.arange(len(ranks))
    return places
