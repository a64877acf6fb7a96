"""Tables that never break a number: drawn on a terminal, plain lines in a pipe, blocks where it is too narrow."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

NUMBER = "#"  # begins the name of a column of numbers
GAP, DRAWN_GAP = 2, 3  # columns between two cells of plain lines, of a drawn table
TEXT_WIDTH = 12  # of a column of words, at least: it folds there


class Sheet:
    """Rows of cells under named columns."""

    def __init__(self, title: str, columns: Sequence[str]) -> None:
        self._title = title
        self._names = [column.removeprefix(NUMBER) for column in columns]
        self._numbers = [column.startswith(NUMBER) for column in columns]
        self._rows: list[tuple[str, ...]] = []
        self._sections: set[int] = set()  # rows that a line follows

    @property
    def row_count(self) -> int:
        return len(self._rows)

    def add_row(self, *cells: str) -> None:
        self._rows.append(cells)

    def add_section(self) -> None:
        """A line between the rows so far and those to come."""
        self._sections.add(len(self._rows) - 1)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if not console.is_terminal:
            yield from self._lines()
        elif self._least() > options.max_width:
            yield from self._blocks()
        else:
            yield self._table(narrow=self._widest() > options.max_width)

    def _longest(self, column: int) -> int:
        return max((cell_len(row[column]) for row in self._rows), default=0)

    def _tight(self, column: int) -> int:
        """The width that a column needs: numbers whole, words of the head whole, text folded."""
        head = max(map(cell_len, self._names[column].split()), default=0)
        longest = self._longest(column)
        return max(head, longest if self._numbers[column] else min(longest, TEXT_WIDTH))

    def _loose(self, column: int) -> int:
        return max(cell_len(self._names[column]), self._longest(column))

    def _least(self) -> int:
        return sum(self._tight(column) + DRAWN_GAP for column in range(len(self._names)))

    def _widest(self) -> int:
        return sum(self._loose(column) + DRAWN_GAP for column in range(len(self._names)))

    def _table(self, *, narrow: bool) -> Table:
        made = Table(title=self._title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        for column, (name, number) in enumerate(zip(self._names, self._numbers, strict=True)):
            width = self._tight(column) if narrow and number else None
            made.add_column(name, justify="right" if number else "left", overflow="fold", width=width)
        for place, row in enumerate(self._rows):
            made.add_row(*row, end_section=place in self._sections)
        return made

    def _lines(self) -> Iterator[Text]:
        """Columns of equal width under their names, for other programs: no lines, nothing folded."""
        widths = [self._loose(column) for column in range(len(self._names))]
        yield plain(self._title)
        for row in (self._names, *self._rows):
            cells = (
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, self._numbers, strict=True)
            )
            yield plain((" " * GAP).join(cells).rstrip())

    def _blocks(self) -> Iterator[Text]:
        """A line a cell, a block a row."""
        yield Text(self._title, style="bold", overflow="fold")
        for row in self._rows:
            yield plain("")
            for name, cell in zip(self._names, row, strict=True):
                if cell:
                    yield plain(f"{name}: {cell}" if name else cell)


def plain(text: str) -> Text:
    return Text(text, overflow="fold")
