"""A priced book as a table for spreadsheets: ``positions.csv``."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fanout.book import Position
from fanout.prices import Measured, Price, Risk
from price_totals import underlying_name

HOLDING = ["index", "id", "side", "underlyings", "strikes"]
AMOUNTS = ["currency", "notional", "pv", "standardError", "pvPercent", "paths"]
OUTLOOK = ["callProbability", "lossProbability", "expectedLifeYears"]
COLUMNS = [*HOLDING, *AMOUNTS, *OUTLOOK]
GREEKS = {  # column -> attribute, of each underlying; currency units
    "deltaPercent": "delta_percent",
    "gammaPercent": "gamma_percent",
    "vega": "vega",
    "deltaPoint": "delta_point",
    "gammaPoint": "gamma_point",
}
FORMULAS = "=+-@\t\r\n＝＋－＠'"  # a spreadsheet calculates a cell that begins so; "'" is what marks one as text


@dataclass(slots=True)
class Table:
    """The lines of priced positions, kept short: a million of them must fit."""

    greeks: bool
    priced: int = 0
    lines: list[tuple[int, bytes, int]] = field(
        default_factory=list
    )  # place in the book, text, underlyings with Greeks

    def add(self, position: Position, price: Price) -> None:
        cells = row(position, price)
        if self.greeks:
            cells += sensitivities(position, price.risk)
        places = len(position.underlyings) if price.risk else 0
        self.priced += 1
        self.lines.append((position.index, line(cells), places))

    def csv(self) -> bytes:
        """The table by the book's order; its lines are used up. With Greeks each has room for the widest basket's."""
        places = max((places for _, _, places in self.lines), default=0) if self.greeks else 0
        width = 2 * len(GREEKS)
        written = io.BytesIO()
        written.write(line([*COLUMNS, *columns(places)] if self.greeks else COLUMNS) + b"\n")
        self.lines.sort(reverse=True)
        while self.lines:  # what is written is held no longer
            _, text, its = self.lines.pop()
            written.write(text + b"," * (width * (places - its)) + b"\n")
        return written.getvalue()


def columns(places: int) -> Iterator[str]:
    """The names of the Greeks' columns; those of a basket's second underlying end with ``2``."""
    yield from ("rho", "rhoError")
    for place in range(places):
        suffix = f"{place + 1}" if place else ""
        yield from (f"{name}{kind}{suffix}" for name in GREEKS for kind in ("", "Error"))


def row(position: Position, price: Price) -> list[object]:
    """A position's cells; amounts in currency units, ``pvPercent`` in % of notional."""
    strikes = "+".join(f"{underlying.strike:.12g}" for underlying in position.underlyings)
    holding = (position.index, as_text(position.id), position.side, as_text(underlying_name(position)), strikes)
    amounts = (price.currency, f"{position.notional:.12g}", repr(price.pv), repr(price.standard_error))
    return [*holding, *amounts, repr(percent(position, price)), price.paths, *outlook(price)]


def sensitivities(position: Position, risk: Risk | None) -> list[str]:
    """Rho and, in the order of the position's underlyings, their Greeks, each with its standard error."""
    if risk is None:
        return ["", ""]
    measured = [risk.rho]
    for underlying in position.underlyings:
        its = risk.underlyings[underlying.name]
        measured += [getattr(its, attribute) for attribute in GREEKS.values()]
    return [cell for each in measured for cell in value_and_error(each)]


def value_and_error(measured: Measured) -> tuple[str, str]:
    return f"{measured.value:.9g}", f"{measured.standard_error:.3g}"


def outlook(price: Price) -> tuple[str, str, str]:
    """How likely the note is called at all, how likely it loses, and how long it lives; empty where nobody knows."""
    called = sum(call.value for call in price.autocall_probabilities)
    loss, life = price.loss_probability, price.expected_life
    return (f"{called:.6f}", f"{loss.value:.6f}" if loss else "", f"{life.value:.4f}" if life else "")


def percent(position: Position, price: Price) -> float:
    """The PV in % of notional."""
    return 100 * price.pv / position.notional


def as_text(name: str) -> str:
    """A name that no spreadsheet takes for a formula (OWASP: CSV injection): one that looks so has ``'`` before it."""
    return f"'{name}" if name.lstrip()[:1] in set(FORMULAS) else name


def line(cells: Sequence[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue().encode()
