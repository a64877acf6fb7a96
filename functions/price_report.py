"""A priced book as a table for spreadsheets and as a page for people."""

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from fanout.book import Position
from fanout.prices import Price
from price_totals import underlying_name

HOLDING = ["index", "id", "side", "underlyings", "strikes"]
AMOUNTS = ["currency", "notional", "pv", "standardError", "pvPercent", "paths"]
OUTLOOK = ["callProbability", "lossProbability", "expectedLifeYears"]
COLUMNS = [*HOLDING, *AMOUNTS, *OUTLOOK]
ROWS_SHOWN = 1_000  # a page with more rows than this helps nobody: the table is in positions.csv
BAR_WIDTH = 360  # pixels of the longest bar

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1c2733}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.1rem;margin-top:2rem}.quiet{color:#5d6b78}
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;border-bottom:1px solid #dde3e8;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.big{font-size:1.9rem;font-variant-numeric:tabular-nums}
.bad{background:#fdecea;padding:.6rem 1rem;border-left:4px solid #c0392b}rect{fill:#3572a5}rect.short{fill:#c0392b}
"""


def positions_csv(rows: Iterable[bytes]) -> bytes:
    """One row a priced position; amounts in currency units, ``pvPercent`` in % of notional."""
    return b"".join([line(COLUMNS), *rows])


def row(position: Position, price: Price) -> bytes:
    """A position's line of the table."""
    strikes = "+".join(f"{underlying.strike:.12g}" for underlying in position.underlyings)
    holding = (position.index, position.id, position.side, underlying_name(position), strikes)
    amounts = (price.currency, f"{position.notional:.12g}", repr(price.pv), repr(price.standard_error))
    return line((*holding, *amounts, repr(percent(position, price)), price.paths, *outlook(price)))


def line(cells: Sequence[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def outlook(price: Price) -> tuple[str, str, str]:
    """How likely the note is called at all, how likely it loses, and how long it lives; empty where nobody knows."""
    called = sum(call.value for call in price.autocall_probabilities)
    loss, life = price.loss_probability, price.expected_life
    return (f"{called:.6f}", f"{loss.value:.6f}" if loss else "", f"{life.value:.4f}" if life else "")


def percent(position: Position, price: Price) -> float:
    """The PV in % of notional."""
    return 100 * price.pv / position.notional


def report_page(aggregate: dict[str, Any], shown: Sequence[tuple[Position, Price]]) -> bytes:
    """A page that needs nothing from outside itself."""
    title = escape(f"{aggregate['jobName']}: {aggregate['priced']} of {aggregate['positions']} positions priced")
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        f'<p class="quiet">Valuation date {aggregate["valuationDate"]}. {aggregate["pathsPriced"]:,} paths.</p>',
        _totals(aggregate),
        _quality(aggregate),
        _failures(aggregate["failed"]),
        _sums("By underlying", "Underlying", aggregate["byUnderlying"]),
        _risk(aggregate.get("risk")),
        _scenarios(aggregate.get("scenarios")),
        _sums("By strike", "Strike", aggregate["byStrike"]),
        _positions(shown, aggregate["priced"]),
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part).encode()


def _totals(aggregate: dict[str, Any]) -> str:
    lines = [
        f'<p class="big">{currency} {total["pv"]:,.0f} <span class="quiet">± {total["standardError"]:,.0f}</span></p>'
        for currency, total in aggregate["totals"].items()
    ]
    if len(lines) > 1 and "pv" in aggregate:
        whole = f"{aggregate['currency']} {aggregate['pv']:,.0f} ± {aggregate['standardError']:,.0f}"
        lines.append(f'<p class="quiet">Together {whole} (one standard error)</p>')
    return "\n".join(lines)


def _quality(aggregate: dict[str, Any]) -> str:
    """What a reader of the totals must know about them."""
    target = aggregate["targetStandardErrorBp"]
    lines = [
        f"Largest standard error of a position {aggregate['largestStandardErrorBp']:.2f} bp, target {target:g} bp."
    ]
    lines += [f"{aggregate['missedTarget']} positions missed the target."] if aggregate["missedTarget"] else []
    lines += [
        f"Heston for {escape(name)}: {fit['quality']} fit, {fit['rmsBp']:.0f} bp of volatility (rms), "
        f"{fit['worstBp']:.0f} at worst."
        for name, fit in aggregate["models"].items()
    ]
    alarm = aggregate["missedTarget"] or any(fit["quality"] == "poor" for fit in aggregate["models"].values())
    return f'<div class="{"bad" if alarm else "quiet"}">{"<br>".join(lines)}</div>'


def _failures(failed: Sequence[dict[str, Any]]) -> str:
    if not failed:
        return ""
    rows = "".join(
        f"<li>{escape(row['id'])} (place {row['index']}): {escape(row['reason'])}</li>" for row in failed[:ROWS_SHOWN]
    )
    title = f"{len(failed)} positions have no price; no total includes them."
    return f'<div class="bad"><strong>{title}</strong><ul>{rows}</ul></div>'


def _sums(title: str, what: str, sums: dict[str, dict[str, dict[str, Any]]]) -> str:
    rows = [(key, currency, total) for key, by_currency in sums.items() for currency, total in by_currency.items()]
    if not rows:
        return ""
    longest = max(abs(total["pv"]) for _, _, total in rows) or 1.0
    body = "".join(
        f'<tr><td>{escape(key)}</td><td>{currency}</td><td class="n">{total["positions"]:,}</td>'
        f'<td class="n">{total["pv"]:,.0f}</td><td class="n">{total["standardError"]:,.0f}</td>'
        f"<td>{_bar(total['pv'], longest)}</td></tr>"
        for key, currency, total in rows
    )
    numbers = "".join(f'<th class="n">{name}</th>' for name in ("Positions", "PV", "±"))
    head = f"<tr><th>{what}</th><th></th>{numbers}<th></th></tr>"
    return f"<h2>{title}</h2><table>{head}{body}</table>"


def _risk(risk: dict[str, Any] | None) -> str:
    if not risk:
        return ""
    greeks = {
        "deltaPercent": "Delta, 1 %",
        "gammaPercent": "Gamma, 1 %",
        "vega": "Vega, 1 point",
        "deltaPoint": "Delta, a point",
    }
    head = "".join(f'<th class="n">{name}</th>' for name in greeks.values())
    body = "".join(
        f"<tr><td>{escape(name)}</td><td>{currency}</td>"
        + "".join(f'<td class="n">{sums[greek]["value"]:,.0f}</td>' for greek in greeks)
        + "</tr>"
        for name, by_currency in risk["underlyings"].items()
        for currency, sums in by_currency.items()
    )
    rho = ", ".join(f"{currency} {total['value']:,.0f}" for currency, total in risk["rho"].items())
    table = f"<table><tr><th>Underlying</th><th></th>{head}</tr>{body}</table>"
    return f'<h2>Risk</h2>{table}<p class="quiet">Rho, 1 bp: {rho}</p>'


def _scenarios(scenarios: dict[str, Any] | None) -> str:
    if not scenarios:
        return ""
    head = "".join(f'<th class="n">{100 * (factor - 1):+.0f} %</th>' for factor in scenarios["spotFactors"])
    tables = []
    for currency, grid in scenarios["pv"].items():
        rows = "".join(
            f"<tr><td>{100 * change:+.0f}</td>" + "".join(f'<td class="n">{value:,.0f}</td>' for value in row) + "</tr>"
            for change, row in zip(scenarios["volatilityChanges"], grid, strict=True)
        )
        tables.append(f"<table><tr><th>{currency}: volatility points, spot</th>{head}</tr>{rows}</table>")
    return f"<h2>Scenarios</h2>{''.join(tables)}"


def _bar(value: float, longest: float) -> str:
    width = round(BAR_WIDTH * abs(value) / longest)
    side = "short" if value < 0 else "long"
    return f'<svg width="{BAR_WIDTH}" height="12"><rect class="{side}" width="{width}" height="12"/></svg>'


def _positions(shown: Sequence[tuple[Position, Price]], of: int) -> str:
    rows = "".join(
        f"<tr><td>{escape(position.id)}</td><td>{escape(underlying_name(position))}</td><td>{position.side}</td>"
        f'<td class="n">{price.currency} {position.notional:,.0f}</td><td class="n">{price.pv:,.0f}</td>'
        f'<td class="n">{price.standard_error:,.0f}</td><td class="n">{percent(position, price):.3f} %</td></tr>'
        for position, price in shown
    )
    more = f" (the first of {of:,}; all are in positions.csv)" if of > len(shown) else ""
    head = (
        '<tr><th>Position</th><th>Underlying</th><th>Side</th><th class="n">Notional</th>'
        '<th class="n">PV</th><th class="n">±</th><th class="n">of notional</th></tr>'
    )
    return f"<h2>Positions{more}</h2><table>{head}{rows}</table>"
