"""A position against the market it is to be priced with."""

from collections.abc import Iterable
from datetime import date

import msgspec

from fanout.correlation import check_matrix, missing_pair
from fanout.errors import MarketError, PortfolioError
from fanout.market import Market
from fanout.position import Position
from fanout.seasoning import called_on, touches
from fanout.seasoning import remaining_dates as dates_after
from fanout.volatility import Model


def check_position(position: Position, market: Market, where: str | None = None) -> None:
    """Raises PortfolioError unless the market has what the note needs and the note has the fixings it must have."""
    where = where or f"positions[{position.index}]"
    try:
        check_underlyings(position, market, where)
        if position.fixings or position.schedule[0].date <= market.valuation_date:
            check_seasoning(position, market.valuation_date, where)
        if len(position.underlyings) > 1:
            check_basket(position, market, where)
    except PortfolioError as error:
        raise PortfolioError(error.where, f"{error.problem} (id {position.id!r})") from None


def check_underlyings(position: Position, market: Market, where: str) -> None:
    if position.currency not in market.curves:
        known = ", ".join(market.curves) or "none"
        raise PortfolioError(f"{where}.currency", f"the market has no curve for {position.currency!r}: it has {known}")
    for each in position.underlyings:
        underlying = market.underlyings.get(each.name)
        if underlying is None:
            known = ", ".join(market.underlyings)
            raise PortfolioError(f"{where}.underlyings", f"{each.name!r} is not in the market, which has {known}")
        if underlying.currency != position.currency:
            raise PortfolioError(
                f"{where}.currency",
                f"{position.currency!r} is not {underlying.currency!r}, the currency of {each.name}: quanto notes are"
                " not priced",
            )
        if position.protection_monitoring == "continuous" and underlying.model == "heston":
            raise PortfolioError(
                f"{where}.protectionMonitoring",
                f"'continuous' is not priced under the model heston of {each.name}: it needs the model gbm",
            )


def check_seasoning(position: Position, today: date, where: str) -> None:
    """Fixings up to the call or today, none from the future; whether a barrier that is watched was touched."""
    for day in position.fixings:
        if day > today:
            raise PortfolioError(f"{where}.fixings.{day}", f"is in the future: the valuation date is {today}")
    for observation in position.schedule:
        if observation.date > today:
            break
        check_fixing(position, observation.date, today, where)
        if called_on(position, observation.date):
            return
        check_touch(position, observation.date, where)
    seasoned = position.schedule[0].date <= today
    if seasoned and position.protection_monitoring == "continuous" and position.knocked_in is None:
        raise PortfolioError(
            f"{where}.knockedIn",
            "is missing: a continuously monitored note with past observation dates must say whether its barrier was"
            " touched before the valuation date (true or false)",
        )


def check_fixing(position: Position, day: date, today: date, where: str) -> None:
    levels = position.fixings.get(day, {})
    for each in position.underlyings:
        if each.name not in levels:
            raise PortfolioError(
                f"{where}.fixings.{day}",
                f"has no level of {each.name!r}: an observation date on or before the valuation date {today} needs one",
            )


def check_touch(position: Position, day: date, where: str) -> None:
    if position.protection_monitoring == "continuous" and position.knocked_in is False and touches(position, day):
        raise PortfolioError(
            f"{where}.knockedIn",
            f"false, but the fixing of {day} is at or below the protection barrier {position.protection_barrier:g}:"
            " it must be true",
        )


def check_basket(position: Position, market: Market, where: str) -> None:
    names = tuple([each.name for each in position.underlyings])
    if names in market.sound_baskets:
        return
    if pair := missing_pair(names, market.pairs):
        raise PortfolioError(f"{where}.underlyings", f"the market has no correlation of {pair[0]!r} and {pair[1]!r}")
    try:
        check_matrix(names, market.pairs)
    except MarketError as error:
        raise PortfolioError(f"{where}.underlyings", error.problem) from error
    market.sound_baskets.add(names)


def remaining_dates(position: Position, market: Market) -> tuple[date, ...]:
    """The observation dates after the market's valuation date; none for a note that was called."""
    return dates_after(position, market.valuation_date)


def path_group(position: Position, market: Market) -> str:
    """Canonical text of what the paths under a position depend on; positions with equal text share one path set.

    ``[[["SMI","gbm"],["SX5E","heston"]],["2020-11-20","2021-11-22"]]``: underlyings by name with their models, and the
    remaining observation dates. The market's numbers are not in it, so that a bumped market reuses the noise.
    """
    models = [(each.name, market.underlyings[each.name].model) for each in position.underlyings]
    return group_text(models, remaining_dates(position, market))


def group_text(models: Iterable[tuple[str, Model]], dates: tuple[date, ...]) -> str:
    return msgspec.json.encode((list(models), dates)).decode()
