"""Adding up prices: by currency, strike and underlying, with standard errors that know the positions are correlated."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fanout.book import Position
from fanout.market import Fx
from fanout.prices import Price
from price_risks import Risks


@dataclass(slots=True)
class Sum:
    """A sum of PVs and, scramble by scramble, of what each randomisation made of them.

    Positions priced on the same points err together: the error of a sum is the scatter of its scrambles, not the
    root of the summed squares.
    """

    pv: float = 0.0
    positions: int = 0
    scrambles: list[float] = field(default_factory=list)

    def add(self, pv: float, scrambles: Sequence[float], positions: int = 1) -> None:
        self.pv += pv
        self.positions += positions
        if not self.scrambles:
            self.scrambles = [0.0] * len(scrambles)
        for place, value in enumerate(scrambles):
            self.scrambles[place] += value

    @property
    def standard_error(self) -> float:
        count = len(self.scrambles)
        if count < 2:
            return 0.0
        mean = math.fsum(self.scrambles) / count
        return math.sqrt(math.fsum((value - mean) ** 2 for value in self.scrambles) / (count * (count - 1)))

    def scaled(self, factor: float) -> "Sum":
        return Sum(self.pv * factor, self.positions, [value * factor for value in self.scrambles])

    def report(self) -> dict[str, Any]:
        return {"pv": self.pv, "standardError": self.standard_error, "positions": self.positions}


Sums = dict[str, Sum]  # by currency


@dataclass(slots=True)
class Totals:
    """Running totals; positions are added in the order of the staged book, so that no slicing changes a bit."""

    by_currency: Sums = field(default_factory=dict)
    by_strike: dict[tuple[str, str], Sums] = field(default_factory=dict)  # of an underlying: 100 of one is not of all
    by_underlying: dict[str, Sums] = field(default_factory=dict)
    baskets: int = 0  # positions on several underlyings: they have no one strike
    paths: int = 0
    risks: Risks = field(default_factory=Risks)

    def add(self, position: Position, price: Price) -> None:
        self.paths += price.paths
        self.risks.add(price)
        homes = [self.by_currency, self.by_underlying.setdefault(underlying_name(position), {})]
        if len(position.underlyings) == 1:
            homes.append(self.by_strike.setdefault((underlying_name(position), strike_name(position)), {}))
        else:
            self.baskets += 1
        for home in homes:
            home.setdefault(price.currency, Sum()).add(price.pv, price.scrambles)

    def report(self, fx: Fx | None) -> dict[str, Any]:
        """The totals as ``aggregate.json`` shows them; ``pv`` in one currency where there is one to show it in."""
        report: dict[str, Any] = {"totals": _reports(self.by_currency)}
        if whole := in_one_currency(self.by_currency, fx):
            currency, total = whole
            report |= {"currency": currency, "pv": total.pv, "standardError": total.standard_error}
        report["byStrike"] = {strike: _reports(sums) for strike, sums in self._whatever_underlying().items()}
        report["byStrikeLeavesOut"] = self.baskets
        report["byUnderlying"] = {key: _reports(self.by_underlying[key]) for key in sorted(self.by_underlying)}
        report["byUnderlyingAndStrike"] = self._by_underlying_and_strike()
        report["pathsPriced"] = self.paths
        return report | self.risks.report()

    def pv_by_strike(self, fx: Fx | None) -> dict[str, float]:
        """Strike -> PV, as the workshop's aggregation has it; a strike that no one currency covers is left out."""
        wholes = {strike: in_one_currency(sums, fx) for strike, sums in self._whatever_underlying().items()}
        return {strike: whole[1].pv for strike, whole in wholes.items() if whole}

    def _whatever_underlying(self) -> dict[str, Sums]:
        """By strike alone, as the workshop's reader of one index wants it."""
        found: dict[str, Sums] = {}
        for (_, strike), sums in sorted(self.by_strike.items(), key=_strike_first):
            home = found.setdefault(strike, {})
            for currency, part in sums.items():
                home.setdefault(currency, Sum()).add(part.pv, part.scrambles, part.positions)
        return found

    def _by_underlying_and_strike(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for (name, strike), sums in sorted(self.by_strike.items(), key=_name_first):
            found.setdefault(name, {})[strike] = _reports(sums)
        return found


def in_one_currency(sums: Mapping[str, Sum], fx: Fx | None) -> tuple[str, Sum] | None:
    """The sum of all currencies: as it is where there is only one, else in the base currency if every rate is given."""
    if len(sums) == 1:
        return next(iter(sums.items()))
    if fx is None or not sums or any(currency != fx.base and currency not in fx.rates for currency in sums):
        return None
    whole = Sum()
    for currency in sorted(sums):
        part = sums[currency].scaled(1.0 if currency == fx.base else fx.rates[currency])
        whole.add(part.pv, part.scrambles, part.positions)
    return fx.base, whole


def underlying_name(position: Position) -> str:
    return "+".join(underlying.name for underlying in position.underlyings)


def strike_name(position: Position) -> str:
    return f"{position.underlyings[0].strike:.12g}"


def _reports(sums: Mapping[str, Sum]) -> dict[str, Any]:
    return {currency: sums[currency].report() for currency in sorted(sums)}


def _strike_first(item: tuple[tuple[str, str], Any]) -> tuple[float, str]:
    (name, strike), _ = item
    return float(strike), name


def _name_first(item: tuple[tuple[str, str], Any]) -> tuple[str, float]:
    (name, strike), _ = item
    return name, float(strike)
