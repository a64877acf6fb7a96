"""Heston's parameters from an implied-volatility surface."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from fanout.errors import MarketError
from fanout.market import HestonParameters, Market, Surface
from pricer.bumps import LEAST_VOLATILITY
from pricer.characteristic import Options, black
from pricer.curves import log_growth, times_of
from pricer.least_squares import least_squares

Array = NDArray[np.float64]
NAMES = ("v0", "kappa", "theta", "sigma", "rho")
LOW = np.array([1e-4, 0.01, 1e-4, 0.01, -0.999])
HIGH = np.array([1.0, 10.0, 1.0, 2.0, 0.999])
POOR_RMS_BP, POOR_WORST_BP = 50.0, 150.0  # volatility basis points: beyond either a fit is called poor
SCOUTING_STEPS = 5  # of each start, before the best one is followed to the end
STARTS = ((1.5, 0.4, -0.6), (0.3, 0.3, -0.4), (4.0, 1.0, -0.8), (1.5, 0.4, 0.3))  # kappa, sigma, rho
NEWTON_STEPS = 6
FINER = 4  # times the usual nodes of an integral, to judge a fit; and to fit anew if that moves a quote by more than
LARGEST_ERROR = 1e-6  # of a volatility
BASIS_POINT = 1e-4
LEAST_VEGA = 1e-4  # of that at the money: quotes so far out weigh no more than this


class Quote(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A point of the surface and what the model makes of it; implied volatilities."""

    expiry: date
    strike: float
    market: float
    model: float
    error_bp: float  # model - market, volatility basis points


class Calibration(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A fit, and how good it is."""

    parameters: HestonParameters
    quality: Literal["good", "poor"]
    rms_bp: float  # root of the mean square of the quotes' errors, volatility basis points
    worst_bp: float
    feller: float  # 2κθ/σ²: below 1 the variance reaches zero
    loss: float  # half the sum of squares of (model - market) / vega
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    r"""Least squares over out-of-the-money quotes.

    .. math:: \min \tfrac12 \sum \left(\frac{C^{model} - C^{market}}{\partial C / \partial \sigma}\right)^2

    By put-call parity the difference of puts is that of calls, so calls serve for all of them.
    """

    surface: Surface
    options: Options
    volatilities: Array  # (expiries, strikes)
    prices: Array  # (expiries, strikes) undiscounted calls
    vegas: Array  # (expiries, strikes)
    telling: NDArray[np.bool_]  # (expiries, strikes): whether that is the quote's own, not the least there is

    @classmethod
    def of(cls, name: str, market: Market, change: float = 0.0, panels: int = 1) -> Self:
        """``change``: added to every volatility of the surface. ``panels``: as for :class:`Options`."""
        underlying = market.underlyings[name]
        surface = underlying.volatility
        assert isinstance(surface, Surface), f"{name} has a surface to calibrate to"
        times = times_of(market, surface.expiries)
        forwards = underlying.spot * np.exp(log_growth(market, [name], times)[0])
        volatilities = np.maximum(np.array(surface.values) + change, LEAST_VOLATILITY)
        strikes, roots = np.array(surface.strikes), np.sqrt(times)
        nearest = np.argmin(np.abs(np.log(strikes / forwards[:, None])), axis=1)
        middle = volatilities[np.arange(len(times)), nearest]
        prices, slopes = black(volatilities * roots[:, None], forwards[:, None], strikes)
        vegas, least = slopes * roots[:, None], LEAST_VEGA * 0.4 * (forwards * roots)[:, None]
        return cls(
            surface=surface,
            options=Options.of(times, forwards, strikes, middle * roots, panels),
            volatilities=volatilities,
            prices=prices,
            vegas=np.maximum(vegas, least),
            telling=vegas > least,
        )

    def residuals(self, parameters: Array) -> Array:
        """(sets, 5) -> (sets, quotes)."""
        errors = (self.options.calls(parameters) - self.prices) / self.vegas
        return np.asarray(errors.reshape(len(parameters), -1))

    def starts(self) -> list[Array]:
        """The level of variance is read off the surface's ends; speed, spread and skew are tried."""
        v0, theta = float(np.mean(self.volatilities[0])) ** 2, float(np.mean(self.volatilities[-1])) ** 2
        return [np.array([v0, kappa, theta, sigma, rho]) for kappa, sigma, rho in STARTS]

    def model_volatilities(self, parameters: Array) -> Array:
        """(expiries, strikes) implied volatilities of the model, by Newton's method from the market's.

        Where a quote's price hardly knows its volatility, the difference of prices over the vega that it weighs with.
        """
        roots = np.sqrt(self.options.times)[:, None]
        calls = self.options.calls(parameters[None])[0]
        volatilities = self.volatilities
        for _ in range(NEWTON_STEPS):
            prices, slopes = black(volatilities * roots, self.options.forwards[:, None], self.options.strikes)
            step = (calls - prices) / np.maximum(slopes * roots, self.vegas * 1e-3)
            volatilities = np.clip(volatilities + step, 0.5 * volatilities, 2 * volatilities)
        return np.where(self.telling, volatilities, self.volatilities + (calls - self.prices) / self.vegas)


def calibrate(name: str, market: Market, change: float = 0.0, near: HestonParameters | None = None) -> Calibration:
    """Heston's parameters that fit the surface of ``name`` best, with all its volatilities changed by ``change``.

    ``near``: a fit of nearly the same surface, to start from. Raises MarketError if nothing fits at all.
    """
    problem = Problem.of(name, market, change)
    solution = fit(problem, [_vector(near)] if near else problem.starts())
    finer = Problem.of(name, market, change, FINER)
    residuals, exact = (each.residuals(solution[None])[0] for each in (problem, finer))
    if np.max(np.abs(residuals - exact)) > LARGEST_ERROR:
        solution = fit(finer, [solution, *([_vector(near)] if near else finer.starts())])
    if not np.isfinite(solution).all():
        raise MarketError(f"underlyings.{name}.volatility", "Heston's model cannot be fitted to this surface")
    return _judged(finer, solution)


def fit(problem: Problem, starts: Sequence[Array]) -> Array:
    """(5,) The best end of searches from all starts; a few steps of each decide which one goes on."""
    scouts = [least_squares(problem.residuals, start, LOW, HIGH, most_steps=SCOUTING_STEPS) for start in starts]
    best = min(scouts, key=lambda each: each.loss if math.isfinite(each.loss) else math.inf)
    return least_squares(problem.residuals, best.point, LOW, HIGH).point


def _vector(parameters: HestonParameters) -> Array:
    return np.array([getattr(parameters, name) for name in NAMES])


def _judged(problem: Problem, solution: Array) -> Calibration:
    parameters = HestonParameters(**dict(zip(NAMES, solution.tolist(), strict=True)))
    model = problem.model_volatilities(solution)
    errors = (model - problem.volatilities) / BASIS_POINT
    rms, worst = float(np.sqrt(np.mean(errors**2))), float(np.max(np.abs(errors)))
    residuals = problem.residuals(solution[None])[0]
    return Calibration(
        parameters=parameters,
        quality="poor" if rms > POOR_RMS_BP or worst > POOR_WORST_BP else "good",
        rms_bp=rms,
        worst_bp=worst,
        feller=2 * parameters.kappa * parameters.theta / parameters.sigma**2,
        loss=0.5 * float(residuals @ residuals),
        quotes=tuple(_quotes(problem, model, errors)),
    )


def _quotes(problem: Problem, model: Array, errors: Array) -> Iterator[Quote]:
    for row, expiry in enumerate(problem.surface.expiries):
        for column, strike in enumerate(problem.surface.strikes):
            yield Quote(
                expiry=expiry,
                strike=strike,
                market=float(problem.volatilities[row, column]),
                model=float(model[row, column]),
                error_bp=float(errors[row, column]),
            )
