"""A priced book as a page for people."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice
from typing import Any

from fanout.book import Position
from fanout.prices import Price, Risk
from price_table import percent
from price_totals import underlying_name

ROWS_SHOWN = 1_000  # a page with more rows than this helps nobody: the table is in positions.csv
WHOLE_UNITS = 100_000  # PVs from here on are shown without cents

STYLE = """
:root{color-scheme:light dark;--page:#fff;--text:#1c2733;--quiet:#5d6b78;--line:#dde3e8;--bad:#fdecea;--long:#3572a5;
--short:#c0392b}
@media(prefers-color-scheme:dark){:root{--page:#14191f;--text:#dfe6ec;--quiet:#93a1ae;--line:#2c3640;--bad:#3a1d1b;
--long:#5b9bd0;--short:#e0604f}}
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:var(--text);
background:var(--page);overflow-wrap:break-word}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.1rem;margin-top:2rem}.quiet{color:var(--quiet)}
.wide{overflow-x:auto}.wide+.wide{margin-top:1rem}table{border-collapse:collapse;width:100%}
td,th{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:baseline}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.big{font-size:1.9rem;font-variant-numeric:tabular-nums;margin:1rem 0}.big span{white-space:nowrap}
.bad{background:var(--bad);padding:.6rem 1rem;border-left:4px solid var(--short)}
td.bar{width:40%;min-width:6rem}td.bar i{display:block;height:.75rem;background:var(--long)}
td.bar i.short{background:var(--short)}
@media(max-width:40rem){.bar{display:none}.big{font-size:1.5rem}
table{font-size:.8rem}td,th{padding:.25rem .3rem}}
"""
Row = tuple[tuple[str, ...], str, dict[str, Any]]  # names, currency, sum


def report_page(aggregate: dict[str, Any], shown: Sequence[tuple[Position, Price]]) -> bytes:
    """A page that needs nothing from outside itself."""
    title = escape(f"{aggregate['book']}: {aggregate['priced']:,} of {aggregate['positions']:,} positions priced")
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        f'<p class="quiet">Valuation date {aggregate["valuationDate"]}. {aggregate["pathsPriced"]:,} paths.</p>',
        _totals(aggregate),
        _quality(aggregate),
        _failures(aggregate["failed"]),
        _sums("By underlying", ("Underlying",), _by_underlying(aggregate)),
        _risk(aggregate.get("risk")),
        _scenarios(aggregate.get("scenarios")),
        _sums("By underlying and strike", ("Underlying", "Strike"), _by_strike(aggregate)),
        _positions(shown, aggregate["priced"]),
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part).encode()


def _totals(aggregate: dict[str, Any]) -> str:
    lines = []
    for currency, total in aggregate["totals"].items():
        pv, error = amounts(total["pv"], total["standardError"])
        lines.append(f'<p class="big"><span>{currency} {pv}</span> <span class="quiet">± {error}</span></p>')
    if len(lines) > 1 and "pv" in aggregate:
        pv, error = amounts(aggregate["pv"], aggregate["standardError"])
        lines.append(f'<p class="quiet">Together {aggregate["currency"]} {pv} ± {error} (one standard error)</p>')
    return "\n".join(lines)


def amounts(pv: float, error: float) -> tuple[str, str]:
    """A PV and its standard error with as many decimals."""
    decimals = 0 if abs(pv) >= WHOLE_UNITS else 2
    return f"{pv:,.{decimals}f}", f"{error:,.{decimals}f}"


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


def _by_underlying(aggregate: dict[str, Any]) -> Iterable[Row]:
    for name, by_currency in aggregate["byUnderlying"].items():
        yield from (((name,), currency, total) for currency, total in by_currency.items())


def _by_strike(aggregate: dict[str, Any]) -> Iterable[Row]:
    for name, strikes in aggregate["byUnderlyingAndStrike"].items():
        for strike, by_currency in strikes.items():
            yield from (((name, strike), currency, total) for currency, total in by_currency.items())


def _sums(title: str, what: Sequence[str], sums: Iterable[Row]) -> str:
    """Amounts of one currency have bars on one scale; those of two cannot be compared."""
    rows = list(islice(sums, ROWS_SHOWN))
    if not rows:
        return ""
    longest: dict[str, float] = {}
    for _, currency, total in rows:
        longest[currency] = max(longest.get(currency, 0.0), abs(total["pv"]))
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(name)}</td>' for name in names)}<td>{currency}</td>{numbers(total)}"
        f"{_bar(total['pv'], longest[currency])}</tr>"
        for names, currency, total in rows
    )
    heads = "".join(f"<th>{name}</th>" for name in (*what, ""))
    heads += "".join(f'<th class="n">{name}</th>' for name in ("Positions", "PV", "±")) + '<th class="bar"></th>'
    scales = '<p class="quiet">The bars of each currency have a scale of their own.</p>' if len(longest) > 1 else ""
    return f'<h2>{title}</h2>{scales}<div class="wide"><table><tr>{heads}</tr>{body}</table></div>'


def numbers(total: dict[str, Any]) -> str:
    cells = f"{total['positions']:,}", *amounts(total["pv"], total["standardError"])
    return "".join(f'<td class="n">{cell}</td>' for cell in cells)


def _bar(value: float, longest: float) -> str:
    width = 100 * abs(value) / longest if longest else 0
    return f'<td class="bar"><i class="{"short" if value < 0 else "long"}" style="width:{width:.1f}%"></i></td>'


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
    table = f'<div class="wide"><table><tr><th>Underlying</th><th></th>{head}</tr>{body}</table></div>'
    return f'<h2>Risk</h2>{table}<p class="quiet">Rho, 1 bp: {rho}</p>'


def _scenarios(scenarios: dict[str, Any] | None) -> str:
    if not scenarios:
        return ""
    head = "".join(f'<th class="n">{100 * (factor - 1):+.0f} %</th>' for factor in scenarios["spotFactors"])
    tables = []
    for currency, grid in scenarios["pv"].items():
        rows = "".join(
            f'<tr><td class="n">{100 * change:+.0f}</td>'
            + "".join(f'<td class="n">{value:,.0f}</td>' for value in row)
            + "</tr>"
            for change, row in zip(scenarios["volatilityChanges"], grid, strict=True)
        )
        corner = f'<th class="n">{currency}</th>'
        tables.append(f'<div class="wide"><table><tr>{corner}{head}</tr>{rows}</table></div>')
    note = '<p class="quiet">The book’s PV with all spots moved (across) and all volatilities, in points (down).</p>'
    return f"<h2>Scenarios</h2>{note}{''.join(tables)}"


def _positions(shown: Sequence[tuple[Position, Price]], of: int) -> str:
    risky = any(price.risk for _, price in shown)
    rows = "".join(
        f"<tr><td>{escape(position.id)}</td><td>{escape(underlying_name(position))}</td><td>{position.side}</td>"
        f'<td class="n">{price.currency} {position.notional:,.0f}</td><td class="n">{price.pv:,.0f}</td>'
        f'<td class="n">{price.standard_error:,.0f}</td><td class="n">{percent(position, price):.3f} %</td>'
        f"{_moves(price.risk) if risky else ''}</tr>"
        for position, price in shown
    )
    more = f" (the first of {of:,}; all are in positions.csv)" if of > len(shown) else ""
    head = "".join(f"<th>{name}</th>" for name in ("Position", "Underlying", "Side"))
    amounts_of = ("Notional", "PV", "±", "of notional", *(("Delta, 1 %", "Vega, 1 point") if risky else ()))
    head += "".join(f'<th class="n">{name}</th>' for name in amounts_of)
    return f'<h2>Positions{more}</h2><div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _moves(risk: Risk | None) -> str:
    """What all underlyings of a position together do to it; nothing where nothing is open."""
    if risk is None:
        return '<td class="n"></td>' * 2
    greeks = risk.underlyings.values()
    sums = sum(each.delta_percent.value for each in greeks), sum(each.vega.value for each in greeks)
    return "".join(f'<td class="n">{value:,.0f}</td>' for value in sums)
