"""What ``stepbatch price`` shows on a terminal."""

import io
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stepbatch.price import show
from tests.processes import alive, eventually


def measured(value: float) -> dict[str, float]:
    return {"value": value, "standardError": 0.1}


GREEKS = {
    name: measured(value)
    for name, value in {"deltaPercent": 1234.5, "gammaPercent": -6.0, "vega": -78.25, "deltaPoint": 1.0}.items()
}
PRICES: list[dict[str, Any]] = [
    {"id": "[N1]", "currency": "EUR", "pv": 995_000.0, "standardError": 12.3, "percent": 99.5},
    {"id": "worthless", "currency": "USD", "pv": 0.0, "standardError": 0.0, "percent": 0.0},
]
REPORT = {
    "book": "desk",
    "valuationDate": "2019-11-20",
    "prices": PRICES,
    "totals": {"EUR": {"pv": 995_000.0, "standardError": 12.3}, "USD": {"pv": 0.0, "standardError": 0.0}},
    "failed": [{"id": "N3", "reason": "the variance is negative"}],
    "targetStandardErrorBp": 1.0,
    "missedTarget": [],
}


def shown(**more: Any) -> str:
    file = io.StringIO()
    show(REPORT | more, Console(file=file, width=120, markup=False, highlight=False))
    return file.getvalue()


def test_every_position_has_its_value_and_its_percentage_of_notional_and_each_currency_its_total() -> None:
    lines = [line.split() for line in shown().splitlines()]
    assert ["[N1]", "EUR", "995,000", "12", "99.500"] in lines
    assert ["worthless", "USD", "0.00", "0.00", "0.000"] in lines
    assert ["all", "EUR", "995,000", "12"] in lines
    assert "N3 has no price: the variance is negative" in shown()
    assert "missed" not in shown()
    assert "risk" not in shown()


def test_greeks_and_scenarios_are_shown_where_they_were_asked_for() -> None:
    grid = {"spotFactors": [0.9, 1.0], "volatilityChanges": [-0.05, 0.0], "pv": [[1e6, 2e6], [3e6, 4e6]]}
    risk = {"underlyings": {"RTY": GREEKS, "SPX": GREEKS}, "rho": measured(-9.0)}
    text = shown(prices=[PRICES[0] | {"risk": risk, "scenarios": grid}, PRICES[1]])
    lines = [line.split() for line in text.splitlines()]
    assert ["[N1]", "RTY", "EUR", "1,234.50", "-6", "-78.25", "-9"] in lines
    assert ["[N1]", "SPX", "EUR", "1,234.50", "-6", "-78.25"] in lines
    assert ["spot", "volatility", "-5", "volatility", "+0"] in lines
    assert ["+0", "%", "2,000,000", "4,000,000"] in lines


def test_positions_that_missed_their_target_are_named() -> None:
    text = shown(missedTarget=[f"N{number}" for number in range(7)])
    assert "7 positions missed the target of 1 bp: N0, N1, N2, N3, N4, …" in text


@pytest.mark.parametrize("begun", [b"", b"\0local\0"], ids=["as soon as it is forked", "while it runs"])
def test_a_pricer_ends_with_the_program_that_started_it(tmp_path: Path, begun: bytes) -> None:
    """Killed outright, that program can do nothing any more; the pricer would wait for its book for ever."""
    book = tmp_path / "book.json"
    os.mkfifo(book)
    program = f"from stepbatch.price import pricer; pricer([{str(book)!r}])"
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        try:
            children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
            pricer = int(eventually(children.read_text, timeout=60))
            eventually(lambda: begun in Path(f"/proc/{pricer}/cmdline").read_bytes(), timeout=60)
        finally:
            parent.kill()
    try:
        eventually(lambda: not alive(pricer), timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pricer, signal.SIGKILL)
