"""What a path set hands to the payoff: each path given up to one last normal."""

from dataclasses import dataclass, replace

import numpy as np

from pricer.normals import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotMoves:
    """What a move of one spot does to the normals of a path, for likelihood ratios.

    Moving ln S of asset i by h today is the same as moving x by ``along[i]·h`` and the other normals along a direction
    whose product with them is ``score[i]`` (the derivative of their log density, up to its sign).
    """

    along: FloatArray  # (assets, paths or 1)
    score: FloatArray  # (assets, paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    r"""Logarithms of index over spot as lines in one standard normal :math:`x` that is not drawn yet.

    .. math:: \ln \frac{S_{a,j}}{S_{a,0}} = \alpha_{a,j} + \beta_{a,j}\,x, \qquad \beta_{a,j} > 0

    All levels rise with ``x``, so every event of the payoff is an interval of ``x``; its probability is known exactly.
    ``paths`` counts all scrambles of a block, scramble by scramble.
    """

    intercepts: FloatArray  # (assets, dates, paths)
    slopes: FloatArray  # (assets, dates, paths or 1)
    inverse_slopes: FloatArray  # (assets, dates, paths or 1)
    zeros: FloatArray  # (assets, dates, paths): the x at which the index stands at its spot
    normals: FloatArray  # (paths,): a draw of x, for what is not known exactly
    variances: FloatArray | None = None  # (dates,) of the logarithm over each period, where it is certain
    spot_moves: SpotMoves | None = None  # if they were asked for, and the noise can move one spot alone
    start: float = 0.0  # logarithm of the first index over its spot today: where a watched path sets out

    @classmethod
    def of(
        cls,
        intercepts: FloatArray,
        slopes: FloatArray,
        normals: FloatArray,
        *,
        variances: FloatArray | None = None,
        spot_moves: SpotMoves | None = None,
    ) -> "Lines":
        inverse = 1 / slopes
        return cls(
            intercepts=intercepts,
            slopes=slopes,
            inverse_slopes=inverse,
            zeros=-intercepts * inverse,
            normals=normals,
            variances=variances,
            spot_moves=spot_moves,
        )

    @property
    def assets(self) -> int:
        return int(self.intercepts.shape[0])

    @property
    def dates(self) -> int:
        return int(self.intercepts.shape[1])

    @property
    def paths(self) -> int:
        return int(self.intercepts.shape[2])

    def moved(self, by: FloatArray) -> "Lines":
        """``by``, shape (assets, dates, 1 or paths), added to the logarithms."""
        return replace(self, intercepts=self.intercepts + by, zeros=self.zeros - by * self.inverse_slopes)

    def doubled(self) -> "Lines":
        """The same in double precision, for differences of nearly equal values."""
        if self.intercepts.dtype == np.float64:
            return self
        moves = self.spot_moves
        return Lines.of(
            self.intercepts.astype(np.float64),
            self.slopes.astype(np.float64),
            self.normals.astype(np.float64),
            variances=self.variances,
            spot_moves=moves and SpotMoves(along=moves.along.astype(np.float64), score=moves.score.astype(np.float64)),
        )
