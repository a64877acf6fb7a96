"""Tables: numbers whole at any width, plain lines for other programs."""

import io
import re

import pytest
from rich.console import Console

from stepbatch.console import table
from stepbatch.sheet import Sheet

NUMBERS = ("-16,000,000", "-15,967,344", "2,338.51", "-99.456")
LONG = "SX5E-5Y-ANNUAL-01-with-a-long-identifier"


def sheet() -> Sheet:
    made = table("desk: 2 of 2 priced", "position", "on", "", "#notional", "#PV", "#± standard error", "#% of notional")
    made.add_row("N2", "SX5E", "EUR", *NUMBERS)
    made.add_row(LONG, "RTY+SPX", "USD", "6,000,000", "5,967,344", "338.51", "99.456")
    made.add_section()
    made.add_row("all", "", "EUR", "", "72,476,067", "2,575", "")
    return made


def printed(width: int, *, terminal: bool) -> str:
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=terminal, no_color=True, markup=False).print(sheet())
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())


@pytest.mark.parametrize("width", [200, 120, 100, 80, 79, 72, 60, 40, 30])
def test_no_width_of_a_terminal_breaks_a_number_or_hides_one(width: int) -> None:
    text = printed(width, terminal=True)
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    for number in (*NUMBERS, "5,967,344", "72,476,067"):
        assert re.search(rf"(?<![\d,.-]){re.escape(number)}(?![\d,.])", text), (width, number)


def test_what_goes_to_a_pipe_is_plain_a_line_a_row_and_as_wide_as_it_is() -> None:
    title, head, first, second, total = printed(1_000, terminal=False).splitlines()
    assert title == "desk: 2 of 2 priced"
    assert head.split("  ")[0] == "position"
    assert first.split() == ["N2", "SX5E", "EUR", *NUMBERS]
    assert second.startswith(f"{LONG}  RTY+SPX  USD")
    assert total.endswith(" 2,575")
    assert first.index("-16,000,000") + len("-16,000,000") == second.index("6,000,000") + len("6,000,000")
    assert not re.search("[^ -~±]", title + head + first + second + total)


def test_a_terminal_too_narrow_for_the_numbers_shows_a_block_a_row() -> None:
    text = printed(60, terminal=True)
    assert "\nposition: N2\non: SX5E\nEUR\nnotional: -16,000,000\n" in text
    assert f"\nposition: {LONG}\n" in text
