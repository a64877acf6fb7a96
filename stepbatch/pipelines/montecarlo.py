"""Pricing a book of autocallable notes."""

import csv
import heapq
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from stepbatch.console import plural, table
from stepbatch.errors import UsageError
from stepbatch.inputs import reading
from stepbatch.sheet import Sheet

if TYPE_CHECKING:
    from fanout.s3 import S3Uri

LONGEST_NAME = 118  # characters of a job's name; the pipeline adds -calibrate
POSITIONS_SHOWN = 5  # of the largest PVs
FAILURES_SHOWN = 10
SUMMARY = ("positions", "priced", "totals", "currency", "pv", "standardError", "missedTarget")
WHOLE_UNITS = 100_000  # PVs from here on are shown without cents


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarlo:
    """A book, a market and how to price it; what is None is left to the pipeline."""

    portfolio: Path
    market: Path | None = None
    positions_per_job: int | str | None = None
    target_standard_error_bp: float | None = None
    max_paths: int | None = None
    greeks: bool = False
    scenarios: bool = False
    tolerated_failure_percentage: float | None = None
    seed: int | None = None
    copied: Mapping[Path, Path] = field(default_factory=dict)  # of files that can be read only once

    name = "montecarlo"
    machine = "MonteCarloStateMachineArn"

    @property
    def job_name(self) -> str:
        """After the book, by the rules of Batch; the same for the same book, whatever the directory."""
        if self.portfolio in self.copied:
            return "book"
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", self.portfolio.stem).strip("-_")
        return stem[:LONGEST_NAME].rstrip("-_") or self.name

    def files(self) -> Mapping[str, Path]:
        given = {"book.json": self.portfolio, "market.json": self.market}
        return {name: self.copied.get(path, path) for name, path in given.items() if path}

    def named(self, error: str) -> Path | None:
        """The user's file that an error of this name is about."""
        return {"PortfolioError": self.portfolio, "MarketError": self.market}.get(error)

    def request(self, inputs: "S3Uri", output: "S3Uri") -> dict[str, Any]:
        given = {
            "marketUri": str(inputs / "market.json") if self.market else None,
            "positionsPerJob": self.positions_per_job,
            "targetStandardErrorBp": self.target_standard_error_bp,
            "maxPaths": self.max_paths,
            "greeks": self.greeks or None,
            "scenarios": self.scenarios or None,
            "toleratedFailurePercentage": self.tolerated_failure_percentage,
            "seed": self.seed,
        }
        required = {"jobName": self.job_name, "inputUri": str(inputs / "book.json"), "outputUri": str(output)}
        return required | {name: value for name, value in given.items() if value is not None}

    def check(self) -> str:
        """Counts what the book holds, with the checks that the pipeline itself makes."""
        from fanout.market import bundled_market, parse_market
        from fanout.staging import stage_book

        files = self.files()
        market = bundled_market()
        if self.market:
            with reading(self.market):
                market = parse_market(files["market.json"].read_bytes())
        with reading(self.portfolio), TemporaryDirectory() as directory, files["book.json"].open("rb") as stream:
            book = stage_book(stream, market, Path(directory))
        trades = sum(group.distinct for group in book.groups)
        parts = plural(book.count, "position"), plural(trades, "distinct trade"), plural(len(book.groups), "path set")
        return ", ".join(parts)

    def summary(self, out: Path) -> dict[str, Any]:
        """The book's value for scripts: by currency, and as one amount where there is one."""
        aggregate = json.loads((out / "aggregate.json").read_bytes())
        return {key: aggregate[key] for key in SUMMARY if key in aggregate}

    def show(self, out: Path, to: Console) -> None:
        """Totals, the largest positions, what has no price, and where the files are."""
        aggregate = json.loads((out / "aggregate.json").read_bytes())
        to.print(totals(aggregate))
        for line in doubts(aggregate):
            to.print(Text(line, style="yellow"), soft_wrap=True)
        if "risk" in aggregate:
            to.print(risk(aggregate["risk"]))
            to.print(f"rho, 1 bp: {rho(aggregate['risk'])}")
        if scenarios := aggregate.get("scenarios"):
            for currency, values in scenarios["pv"].items():
                to.print(grid(f"PV in {currency}", scenarios, values))
        if rows := largest(out / "positions.csv"):
            to.print(positions(rows, aggregate["priced"]))
        if aggregate["failed"]:
            show_unpriced(aggregate["failed"], to)
        names = [name for name in ("report.html", "positions.csv", "aggregate.json") if (out / name).exists()]
        to.print(f"files: {out} ({', '.join(names)})", soft_wrap=True)


def totals(aggregate: Mapping[str, Any]) -> Sheet:
    """The book's PV and its standard error, a currency a row."""
    title = f"{aggregate['book']}: {aggregate['priced']:,} of {aggregate['positions']:,} positions priced"
    rows = table(title, "currency", "#PV", "#± standard error", "#positions")
    for currency, total in aggregate["totals"].items():
        rows.add_row(currency, *value_and_error(total), f"{total['positions']:,}")
    if len(aggregate["totals"]) > 1 and "pv" in aggregate:
        rows.add_row(f"all, in {aggregate['currency']}", *value_and_error(aggregate), f"{aggregate['priced']:,}")
    return rows


def doubts(aggregate: Mapping[str, Any]) -> list[str]:
    """What a reader of the totals must know about them."""
    lines = [
        f"poor fit: Heston for {name} is {fit['rmsBp']:.0f} bp of volatility off its quotes (rms)"
        for name, fit in aggregate.get("models", {}).items()
        if fit["quality"] == "poor"
    ]
    if missed := aggregate.get("missedTarget"):
        largest, target = aggregate["largestStandardErrorBp"], aggregate["targetStandardErrorBp"]
        lines.append(f"{plural(missed, 'position')} missed the target of {target:g} bp: up to {largest:.2f} bp")
    return lines


def risk(measured: Mapping[str, Any]) -> Sheet:
    """The book's sensitivities, an underlying a row."""
    shown = {"delta, 1 %": "deltaPercent", "gamma, 1 %": "gammaPercent", "vega, 1 point": "vega"}
    rows = table("risk", "underlying", "", *(f"#{title}" for title in shown))
    for name, by_currency in measured["underlyings"].items():
        for currency, greeks in by_currency.items():
            rows.add_row(name, currency, *(amount(greeks[key]["value"]) for key in shown.values()))
    return rows


def rho(measured: Mapping[str, Any]) -> str:
    return ", ".join(f"{currency} {amount(total['value'])}" for currency, total in measured["rho"].items())


def grid(title: str, axes: Mapping[str, Any], values: Sequence[Sequence[float]]) -> Sheet:
    """PVs, a row a move of all spots, a column a change of all volatilities in points."""
    rows = table(title, "#spot", *(f"#volatility {100 * change:+.0f}" for change in axes["volatilityChanges"]))
    for factor, column in zip(axes["spotFactors"], zip(*values, strict=True), strict=True):
        rows.add_row(f"{100 * (factor - 1):+.0f} %", *(f"{value:,.0f}" for value in column))
    return rows


def largest(path: Path) -> list[dict[str, str]]:
    """The rows of ``positions.csv`` with the largest PVs, long or short."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return heapq.nlargest(POSITIONS_SHOWN, csv.DictReader(file), key=lambda row: abs(float(row["pv"])))


def positions(priced: list[dict[str, str]], of: int) -> Sheet:
    """PV and standard error of positions, one a row; a short position's notional is negative."""
    title = "positions" if of <= len(priced) else f"the {len(priced)} largest of {of:,} positions"
    rows = table(title, "position", "on", "", "#notional", "#PV", "#±", "#% of notional")
    for each in priced:
        notional = float(each["notional"]) * (-1 if each["side"] == "short" else 1)
        prices = value_and_error({"pv": float(each["pv"]), "standardError": float(each["standardError"])})
        percent = f"{float(each['pvPercent']):.3f}"
        rows.add_row(
            shown_name(each["id"]),
            shown_name(each["underlyings"]),
            each["currency"],
            amount(notional),
            *prices,
            percent,
        )
    return rows


def shown_name(cell: str) -> str:
    """A name without the mark that keeps spreadsheets from calculating it."""
    return cell.removeprefix("'")


def show_unpriced(failed: list[dict[str, Any]], to: Console) -> None:
    """The positions that no total includes."""
    what = f"{plural(len(failed), 'position')} without a price, in no total:"
    to.print(Text(what, style="red"))
    for each in failed[:FAILURES_SHOWN]:
        to.print(f"  positions[{each['index']}] {each['id']}: {each['reason']}", soft_wrap=True)
    if len(failed) > FAILURES_SHOWN:
        to.print(f"  and {len(failed) - FAILURES_SHOWN} more, listed in aggregate.json")


def positions_per_job(text: str | None) -> int | str | None:
    """``auto`` or a count. Raises UsageError."""
    if text is None or text == "auto":
        return text
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise UsageError(f"--positions-per-job {text}: give a whole number from 1, or auto")
    return int(text)


def value_and_error(price: Mapping[str, float]) -> tuple[str, str]:
    """PV and standard error, with as many decimals."""
    decimals = 0 if abs(price["pv"]) >= WHOLE_UNITS else 2
    return f"{price['pv']:,.{decimals}f}", f"{price['standardError']:,.{decimals}f}"


def amount(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
