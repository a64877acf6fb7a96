"""Adding up sensitivities and scenarios of a book, by currency."""

from dataclasses import dataclass, field
from typing import Any

from fanout.prices import Measured, Price, Scenarios, UnderlyingRisk

GREEKS = UnderlyingRisk.__struct_fields__


@dataclass(slots=True)
class Exposure:
    """A sum of estimates that share their paths: their errors add up at worst, so the sum of them is a bound."""

    value: float = 0.0
    error_bound: float = 0.0

    def add(self, measured: Measured) -> None:
        self.value += measured.value
        self.error_bound += measured.standard_error

    def report(self) -> dict[str, float]:
        return {"value": self.value, "standardErrorAtMost": self.error_bound}


@dataclass(slots=True)
class Risks:
    """Book totals of what positions were measured for; empty where nothing was asked for."""

    rho: dict[str, Exposure] = field(default_factory=dict)  # by currency
    underlyings: dict[str, dict[str, dict[str, Exposure]]] = field(default_factory=dict)  # name, currency, Greek
    grids: dict[str, list[list[float]]] = field(default_factory=dict)  # by currency: a row a volatility
    axes: Scenarios | None = None

    def add(self, price: Price) -> None:
        if price.risk:
            self.rho.setdefault(price.currency, Exposure()).add(price.risk.rho)
            for name, risk in price.risk.underlyings.items():
                greeks = self.underlyings.setdefault(name, {}).setdefault(price.currency, {})
                for greek in GREEKS:
                    greeks.setdefault(greek, Exposure()).add(getattr(risk, greek))
        if price.scenarios:
            self._add_scenarios(price.currency, price.scenarios)

    def _add_scenarios(self, currency: str, scenarios: Scenarios) -> None:
        self.axes = self.axes or scenarios
        grid = self.grids.setdefault(currency, [[0.0] * len(row) for row in scenarios.pv])
        for total, row in zip(grid, scenarios.pv, strict=True):
            for place, value in enumerate(row):
                total[place] += value

    def report(self) -> dict[str, Any]:
        """``risk`` and ``scenarios`` as ``aggregate.json`` shows them, those that were asked for."""
        report: dict[str, Any] = {}
        if self.rho:
            by_name = {
                name: {c: {camel(g): e.report() for g, e in greeks.items()} for c, greeks in sorted(sums.items())}
                for name, sums in sorted(self.underlyings.items())
            }
            rho = {currency: self.rho[currency].report() for currency in sorted(self.rho)}
            report["risk"] = {"rho": rho, "underlyings": by_name}
        if self.axes:
            report["scenarios"] = {
                "spotFactors": self.axes.spot_factors,
                "volatilityChanges": self.axes.volatility_changes,
                "pv": {currency: self.grids[currency] for currency in sorted(self.grids)},
            }
        return report


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
