"""A picture of a run: which child of which step ran when. SVG that needs nothing from outside itself.

A few children have a row each, in which their steps follow one another. Many have a panel a step, one under the other
on one time axis: the slant in it is its children one after another, the shade how long the step took, and a dashed line
through all panels shows what of the later steps had begun when a step ended.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby, pairwise

from job_times import ChildRun, Step, overlap

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1000, 110, 20, 56, 36  # pixels: the picture, and its margins
ROW, MOST_ROWS = 12.0, 50  # pixels of a child where each has a row, and of how many that is so
PANEL, GAP, LINE = 160.0, 14.0, 1.0  # pixels of a step where each has a panel, between two, and of a line of children
NARROWEST = 0.6  # pixels: a bar that short is still seen
THIN, SPECK = 1.6, 6.0  # pixels: how thick a line of children is drawn, and how large a failed child among thousands
COLOURS = ("#2a78d6", "#eb6834", "#1a9b6c", "#8a5cd0", "#b8860b")
STYLE = (
    "svg{font:13px system-ui,sans-serif;background:#fff}text{fill:#1b1f27}.quiet{fill:#6b7280}"
    ".grid{stroke:#e3e5e9;stroke-width:1}.failed{stroke:#c01048}"
)

type Bar = tuple[float, float, float]  # left, middle, width


def timeline(title: str, steps: Sequence[Step]) -> bytes:
    """Time from left to right, children from top to bottom, a colour a step."""
    if not steps:
        return _page(title, 80, ['<text x="20" y="60" class="quiet">no job ran</text>'])
    begin = min(step.started for step in steps)
    seconds = max(max(step.stopped for step in steps) - begin, 1) / 1000
    children = 1 + max(run.index for step in steps for run in step.runs)
    time = _Time(begin, (WIDTH - LEFT - RIGHT) / seconds)
    if children <= MOST_ROWS:
        height = max(3, children) * ROW
        parts = [*_legend(steps), *_axis(seconds, time, height), *_together(steps, time, children, height / children)]
    else:
        height = len(steps) * (PANEL + GAP) - GAP
        parts = [*_axis(seconds, time, height), *_apart(steps, time, children), *_ends(steps, time, height)]
    return _page(title, TOP + height + BOTTOM, parts)


class _Time:
    """The time axis."""

    def __init__(self, begin: int, scale: float) -> None:
        self.begin = begin  # milliseconds since 1970
        self.scale = scale  # pixels a second

    def x(self, moment: int) -> float:
        return LEFT + (moment - self.begin) / 1000 * self.scale

    def bar(self, run: ChildRun, y: float) -> Bar:
        return self.x(run.started), y, max(NARROWEST, self.x(run.stopped) - self.x(run.started))


def ticks(seconds: float) -> list[float]:
    """Round moments, four to ten of them."""
    rough = seconds / 8
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [step * count for count in range(int(seconds / step) + 1)]


def _together(steps: Sequence[Step], time: _Time, children: int, row: float) -> Iterator[str]:
    lane = row / len(steps)
    for place, step in enumerate(steps):
        colour = f'stroke="{COLOURS[place % len(COLOURS)]}"'
        for succeeded, kind in ((True, colour), (False, 'class="failed"')):
            runs = [run for run in step.runs if run.succeeded is succeeded]
            bars = [time.bar(run, TOP + run.index * row + (place + 0.5) * lane) for run in runs]
            yield from _path(bars, kind, lane * 0.8)
    for index in sorted({0, children // 2, children - 1}):
        yield _note(TOP + (index + 0.5) * row + 4, f"child {index}")


def _apart(steps: Sequence[Step], time: _Time, children: int) -> Iterator[str]:
    row = PANEL / children
    thick = max(row * 0.8, THIN)
    for place, step in enumerate(steps):
        top, colour = TOP + place * (PANEL + GAP), COLOURS[place % len(COLOURS)]
        left, width = time.x(step.started), time.x(step.stopped) - time.x(step.started)
        yield f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{PANEL}" fill="{colour}" opacity=".1"/>'
        bars = [time.bar(run, top + (run.index + 0.5) * row) for run in step.runs]
        yield from _path(_lines(bars, top) if row < LINE else bars, f'stroke="{colour}"', thick)
        failed = [bar for bar, run in zip(bars, step.runs, strict=True) if not run.succeeded]
        yield from _path([(x, y, max(SPECK, width)) for x, y, width in failed], 'class="failed"', max(SPECK, thick))
        yield from _told(step, top, colour, children)


def _lines(bars: Iterable[Bar], top: float) -> Iterator[Bar]:
    """Children that share a line of pixels: what they cover together, so that the picture stays small."""
    placed = sorted((int((y - top) / LINE), x, width) for x, y, width in bars)
    for line, sharing in groupby(placed, key=lambda bar: bar[0]):
        y, left, right = top + (line + 0.5) * LINE, 0.0, -math.inf
        for _, x, width in sharing:
            if x > right + NARROWEST:
                if right > left:
                    yield left, y, right - left
                left, right = x, x
            right = max(right, x + width)
        yield left, y, right - left


def _told(step: Step, top: float, colour: str, children: int) -> Iterator[str]:
    seconds = (step.stopped - step.started) / 1000
    name = f'x="{LEFT - 8}" y="{top + 0.5 * PANEL - 4:.1f}" text-anchor="end" style="fill:{colour}" font-weight="600"'
    yield f"<text {name}>{escape(step.name)}</text>"
    yield _note(top + 11, "child 0")
    yield _note(top + 0.5 * PANEL + 13, f"{seconds:,.1f} s")
    yield _note(top + PANEL - 2, f"child {children - 1:,}")


def _ends(steps: Sequence[Step], time: _Time, height: float) -> Iterator[str]:
    """Where a step ended, through all panels, and how much of the next had begun by then."""
    for step, colour in zip(steps[:-1], COLOURS, strict=False):
        yield f'<path d="M{time.x(step.stopped):.1f} {TOP}v{height:.1f}" stroke="{colour}" stroke-dasharray="4 3"/>'
    shares = [f"{100 * overlap(a, b):.1f} % of {b.name} began before {a.name} had ended" for a, b in pairwise(steps)]
    if shares:
        yield f'<text class="quiet" x="20" y="43">{escape(", ".join(shares))}</text>'


def _path(bars: Iterable[Bar], kind: str, thickness: float) -> Iterator[str]:
    path = "".join(f"M{x:.1f} {y:.2f}h{width:.1f}" for x, y, width in bars)
    if path:
        yield f'<path d="{path}" {kind} stroke-width="{thickness:.2f}" fill="none"/>'


def _note(y: float, text: str) -> str:
    return f'<text class="quiet" x="{LEFT - 8}" y="{y:.1f}" text-anchor="end">{text}</text>'


def _axis(seconds: float, time: _Time, height: float) -> Iterator[str]:
    for moment in ticks(seconds):
        x = LEFT + moment * time.scale
        yield f'<path class="grid" d="M{x:.1f} {TOP}v{height:.1f}"/>'
        yield f'<text class="quiet" x="{x:.1f}" y="{TOP + height + 20:.1f}" text-anchor="middle">{moment:g} s</text>'


def _legend(steps: Sequence[Step]) -> Iterator[str]:
    x = LEFT
    for place, step in enumerate(steps):
        yield f'<rect x="{x}" y="34" width="12" height="12" fill="{COLOURS[place % len(COLOURS)]}"/>'
        yield f'<text x="{x + 18}" y="45">{escape(step.name)}</text>'
        x += 40 + 9 * len(step.name)


def _page(title: str, height: float, parts: Iterable[str]) -> bytes:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}"><title>{escape(title)}</title><style>{STYLE}</style>'
        f'<text x="20" y="22" font-weight="600">{escape(title)}</text>'
    )
    return "\n".join([head, *parts, "</svg>\n"]).encode()
