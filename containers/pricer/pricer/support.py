"""What this pricer does not price, refused by name before any path is made."""

from fanout.book import Position
from fanout.errors import PortfolioError
from fanout.market import Market, Surface


def check_supported(position: Position, market: Market) -> None:
    """Raises PortfolioError for a position that needs what is not there; the market is known to cover it."""
    where = f"positions[{position.index}]"
    if len(position.underlyings) > 1:
        names = ", ".join(each.name for each in position.underlyings)
        raise PortfolioError(f"{where}.underlyings", f"baskets are not priced yet ({names}, id {position.id!r})")
    if position.protection_monitoring == "continuous":
        raise PortfolioError(
            f"{where}.protectionMonitoring", f"'continuous' is not priced yet (id {position.id!r}): use 'maturity'"
        )
    name = position.underlyings[0].name
    if isinstance(market.underlyings[name].volatility, Surface):
        raise PortfolioError(
            f"{where}.underlyings", f"{name} has a volatility surface, which is not calibrated yet (id {position.id!r})"
        )
