"""``stepbatch price``: the pricer as a program on this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from stepbatch.console import table

ROOT = Path(__file__).resolve().parent.parent
PATH = (ROOT / "containers" / "pricer", ROOT / "layers" / "fanout")


def price(file: Path, options: Mapping[str, str], to: Console) -> int:
    """Runs ``python -m pricer local``; its JSON as it is, or as a table on a terminal. Its exit status."""
    command = [sys.executable, "-P", "-m", "pricer", "local", str(file)]
    command += [part for option in options.items() for part in option]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PATH))}
    stdout = subprocess.PIPE if to.is_terminal else None
    answer = subprocess.run(command, env=environment, stdout=stdout, check=False)  # noqa: S603 - our own program, no shell
    if answer.stdout:
        show(json.loads(answer.stdout), to)
    return answer.returncode


def show(report: Mapping[str, Any], to: Console) -> None:
    """Every position, then the totals."""
    rows = table(f"{report['book']}, {report['valuationDate']}", "position", "", "#PV", "#± standard error")
    for each in report["prices"]:
        rows.add_row(each["id"], each["currency"], f"{each['pv']:,.2f}", f"{each['standardError']:,.2f}")
    rows.add_section()
    for currency, total in report["totals"].items():
        rows.add_row("all", currency, f"{total['pv']:,.2f}", f"{total['standardError']:,.2f}")
    to.print(rows)
    for each in report["failed"]:
        to.print(Text(f"{each['id']} has no price: {each['reason']}", style="red"), soft_wrap=True)
