"""The models that a run prices with: the market's own, or Heston's calibrated to its surfaces; and ``model.json``."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

import msgspec

from fanout.market import HestonParameters, Market, Surface
from pricer.bumps import with_volatilities
from pricer.calibrate import Calibration, calibrate


class MovedFit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Heston's parameters for a surface whose volatilities are all changed by the same amount."""

    change: float  # 0.01 is one point
    parameters: HestonParameters


class Fit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An underlying's calibration, and those that sensitivities and scenarios need."""

    calibration: Calibration
    moved: tuple[MovedFit, ...] = ()

    @classmethod
    def of(cls, name: str, market: Market, changes: Iterable[float]) -> Self:
        """The surface as it is and with each of ``changes``, each of these from the parameters of the unmoved one."""
        fitted = calibrate(name, market)
        moved = [
            MovedFit(change=change, parameters=calibrate(name, market, change, fitted.parameters).parameters)
            for change in sorted(set(changes) - {0.0})
        ]
        return cls(calibration=fitted, moved=tuple(moved))

    def under(self, change: float) -> HestonParameters:
        if change == 0.0:
            return self.calibration.parameters
        return next(each.parameters for each in self.moved if each.change == change)


class Pilot(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many points the groups of one kind take, and what a first look at some of them found."""

    kind: str  # :func:`pricer.budget.kind_of`
    trades: int  # looked at
    log2_points: int  # of each scramble
    standard_error_bp: float  # the largest one at that many points; bp of the notional
    capped: bool  # the run's most paths do not reach its target


class ModelDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``model.json``: decided once, before the array starts."""

    schema: Literal["stepbatch/model/1"] = "stepbatch/model/1"
    plan_hash: str
    fits: dict[str, Fit]  # by underlying
    pilots: tuple[Pilot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """A market without surfaces, and the same with other volatilities."""

    market: Market
    fits: Mapping[str, Fit]

    @classmethod
    def of(cls, market: Market, fits: Mapping[str, Fit]) -> Self:
        """``fits``: of every underlying with a surface."""
        return cls(market=_with_fits(market, {name: fit.under(0.0) for name, fit in fits.items()}), fits=fits)

    @classmethod
    def calibrated(cls, market: Market, used: Collection[str], changes: Iterable[float]) -> Self:
        """Calibrates the surfaces of ``used``, also with their volatilities changed by each of ``changes``."""
        named = [name for name in surfaces(market) if name in used]
        return cls.of(market, {name: Fit.of(name, market, changes) for name in named})

    def under(self, changes: Mapping[str, float]) -> Market:
        """The market with volatilities changed by underlying; a surface is not the model's, it was fitted anew."""
        fits = {name: self.fits[name].under(change) for name, change in changes.items() if name in self.fits}
        others = {name: change for name, change in changes.items() if name not in self.fits}
        return with_volatilities(_with_fits(self.market, fits), others)


def surfaces(market: Market) -> list[str]:
    """The underlyings that have a surface."""
    return [name for name, each in market.underlyings.items() if isinstance(each.volatility, Surface)]


def _with_fits(market: Market, fits: Mapping[str, HestonParameters]) -> Market:
    underlyings = dict(market.underlyings)
    for name, parameters in fits.items():
        underlyings[name] = msgspec.structs.replace(underlyings[name], volatility=parameters)
    return msgspec.structs.replace(market, underlyings=underlyings)
