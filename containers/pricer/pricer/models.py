"""The models that a run prices with: the market's own, or Heston's calibrated to its surfaces."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from fanout.errors import MarketError
from fanout.market import Market, Surface
from pricer.bumps import with_volatilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """A market without surfaces, and the same with other volatilities."""

    market: Market

    @classmethod
    def of(cls, market: Market) -> Self:
        for name, underlying in market.underlyings.items():
            if isinstance(underlying.volatility, Surface):
                raise MarketError(f"underlyings.{name}.volatility", "a surface is not calibrated yet")
        return cls(market=market)

    def under(self, changes: Mapping[str, float]) -> Market:
        """The market with volatilities changed by underlying; 0.01 is one point."""
        return with_volatilities(self.market, changes)
