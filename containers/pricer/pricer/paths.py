"""The paths that a group of positions shares: on which dates, under which models."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from fanout.market import HestonParameters, Market
from pricer.curves import correlation_matrix, covariances, log_growth, rate_pillars, times_of, volatility_pillars
from pricer.gbm import GbmPaths
from pricer.heston import HestonPaths, step_counts
from pricer.lines import Lines
from pricer.normals import BitArray

Array = NDArray[np.float64]


class Paths(Protocol):
    """A model of the underlyings on the dates of a grid."""

    @property
    def dimensions(self) -> int:
        """Coordinates that a point needs."""

    def lines(self, bits: BitArray, *, spot_moves: bool = False) -> Lines:
        """(dimensions, paths) bits of the points -> paths but for one normal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where paths are known; fixed by the unbumped market, so that bumped ones reuse the noise."""

    names: tuple[str, ...]
    times: Array  # years
    observed: NDArray[np.int64]  # which of the times are observation dates
    steps: NDArray[np.int64] | None  # variance steps in each period; None: every variance is certain

    @classmethod
    def of(
        cls, names: Sequence[str], dates: Sequence[date], market: Market, *, watched: bool, refinement: float
    ) -> Self:
        """``watched``: continuously; then also where volatility or rate step, since the bridge needs both constant.

        ``refinement``: of the usual variance steps.
        """
        observations = times = times_of(market, dates)
        if watched:
            currency = market.underlyings[names[0]].currency
            steps = np.concatenate([volatility_pillars(market, names[0]), rate_pillars(market, currency)])
            times = np.union1d(times, steps[steps < times[-1]])
        volatilities = [market.underlyings[name].volatility for name in names]
        hestons = [each for each in volatilities if isinstance(each, HestonParameters)]
        return cls(
            names=tuple(names),
            times=times,
            observed=np.searchsorted(times, observations),
            steps=step_counts(times, hestons, refinement) if hestons else None,
        )

    def paths(self, market: Market) -> Paths:
        """The paths under ``market``, which has no surfaces any more."""
        growth = log_growth(market, self.names, self.times)
        if self.steps is None:
            return GbmPaths.of(log_growth=growth, covariances=covariances(market, self.names, self.times))
        models = [self._model(market, name) for name in self.names]
        correlations = correlation_matrix(market, self.names)
        return HestonPaths.of(models, log_growth=growth, times=self.times, correlations=correlations, counts=self.steps)

    def _model(self, market: Market, name: str) -> HestonParameters | Array:
        volatility = market.underlyings[name].volatility
        if isinstance(volatility, HestonParameters):
            return volatility
        return covariances(market, [name], self.times)[:, 0, 0]
