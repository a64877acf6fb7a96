"""``stepbatch price``: the pricer as a program on this machine."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from stepbatch.console import plural, table
from stepbatch.errors import StepbatchError
from stepbatch.inputs import copies
from stepbatch.pipelines.montecarlo import MonteCarlo, amount, grid, value_and_error
from stepbatch.sheet import Sheet

ROOT = Path(__file__).resolve().parent.parent
PATH = (ROOT / "containers" / "pricer", ROOT / "layers" / "fanout")
UNPRICED, PARTIAL = 1, 3  # the pricer's exit status if no position has a price, or some have none
NAMED = 5  # positions that missed the target
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be priced, how, and how it is shown."""

    file: Path
    market: Path | None
    options: Sequence[str]  # of the pricer
    as_json: bool


def price_file(asked: Asked, *, stdout: Console, stderr: Console) -> int:
    """Runs ``python -m pricer local``; its JSON as it is, or as tables on a terminal. The exit status.

    Raises PortfolioError or MarketError that names the file, before anything is priced.
    """
    with copies(asked.file, asked.market) as copied:
        book = MonteCarlo(portfolio=asked.file, market=asked.market, copied=copied)
        book.check()
        files = book.files()
        arguments = [str(files["book.json"]), *asked.options]
        if asked.market:
            arguments += ["--market", str(files["market.json"])]
        answer = pricer(arguments)
    if answer.returncode not in {0, UNPRICED, PARTIAL} or not answer.stdout:
        raise StepbatchError(f"the pricer ended with status {answer.returncode}:\n{answer.stderr.decode().rstrip()}")
    for line in answer.stderr.decode().splitlines():
        stderr.print(line, soft_wrap=True)
    if stdout.is_terminal and not asked.as_json:
        show(json.loads(answer.stdout), stdout)
    else:
        stdout.file.write(answer.stdout.decode())
    return answer.returncode


def pricer(arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """What the pricer printed, and how it ended."""
    command = [sys.executable, "-P", "-m", "pricer", "local", *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PATH))}
    return subprocess.run(  # noqa: S603 - our own program, no shell
        command,
        env=environment,
        capture_output=True,
        check=False,
        preexec_fn=partial(_end_with, os.getpid()) if sys.platform == "linux" else None,  # there is no other thread
    )


def _end_with(parent: int) -> None:
    """Whoever kills this program cannot be asked to end the pricer too: the kernel does, when its parent dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(128 + signal.SIGTERM)


def show(report: Mapping[str, Any], to: Console) -> None:
    """Every position, the totals, the sensitivities if they were asked for, and what a reader must know."""
    to.print(prices(report))
    if rows := [(each["id"], *named) for each in report["prices"] for named in greeks(each)]:
        to.print(sensitivities(rows))
    for each in report["prices"]:
        if scenarios := each.get("scenarios"):
            to.print(grid(f"{each['id']}: PV in {each['currency']}", scenarios, scenarios["pv"]))
    if missed := report["missedTarget"]:
        names = ", ".join(missed[:NAMED]) + (", …" if len(missed) > NAMED else "")
        target = f"{plural(len(missed), 'position')} missed the target of {report['targetStandardErrorBp']:g} bp"
        to.print(Text(f"{target}: {names}", style="yellow"), soft_wrap=True)
    for each in report["failed"]:
        to.print(Text(f"{each['id']} has no price: {each['reason']}", style="red"), soft_wrap=True)


def prices(report: Mapping[str, Any]) -> Sheet:
    rows = table(
        f"{report['book']}, {report['valuationDate']}", "position", "", "#PV", "#± standard error", "#% of notional"
    )
    for each in report["prices"]:
        rows.add_row(each["id"], each["currency"], *value_and_error(each), f"{each['percent']:.3f}")
    rows.add_section()
    for currency, total in report["totals"].items():
        rows.add_row("all", currency, *value_and_error(total), "")
    return rows


def greeks(price: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    """A row an underlying; the currency's rho in the first."""
    if risk := price.get("risk"):
        rho = amount(risk["rho"]["value"])
        for name, each in risk["underlyings"].items():
            values = (amount(each[key]["value"]) for key in ("deltaPercent", "gammaPercent", "vega"))
            yield name, price["currency"], *values, rho
            rho = ""


def sensitivities(rows: Iterable[Sequence[str]]) -> Sheet:
    made = table("risk", "position", "underlying", "", "#delta, 1 %", "#gamma, 1 %", "#vega, 1 point", "#rho, 1 bp")
    for row in rows:
        made.add_row(*row)
    return made
