"""A picture of a run: which child of which step ran when. SVG that needs nothing from outside itself."""

import math
from collections.abc import Sequence
from html import escape

from job_times import Step

WIDTH, LEFT, TOP, BOTTOM = 1000, 90, 56, 36  # pixels: the picture, and its margins
ROW, TALLEST = 12.0, 640.0  # of a child, and of all children together
NARROWEST = 0.6  # pixels: a bar that short is still seen
COLOURS = ("#2a78d6", "#eb6834", "#1a9b6c", "#8a5cd0", "#b8860b")
STYLE = (
    "svg{font:13px system-ui,sans-serif;background:#fff}text{fill:#1b1f27}.quiet{fill:#6b7280}"
    ".grid{stroke:#e3e5e9;stroke-width:1}.failed{stroke:#c01048}"
)


def timeline(title: str, steps: Sequence[Step]) -> bytes:
    """Time from left to right, children from top to bottom, a colour a step."""
    if not steps:
        return _page(title, 80, ['<text x="20" y="60" class="quiet">no job ran</text>'])
    begin = min(step.started for step in steps)
    seconds = max(max(step.stopped for step in steps) - begin, 1) / 1000
    children = 1 + max(run.index for step in steps for run in step.runs)
    height = min(TALLEST, max(3 * ROW, children * ROW))
    scale, row = (WIDTH - LEFT - 20) / seconds, height / children
    parts = [*_axis(seconds, scale, height), *_rows(children, row), *_legend(steps)]
    for place, step in enumerate(steps):
        lane = row / len(steps)
        for succeeded in (True, False):
            path = "".join(
                f"M{LEFT + (run.started - begin) / 1000 * scale:.1f} {TOP + run.index * row + (place + 0.5) * lane:.2f}"
                f"h{max(NARROWEST, (run.stopped - run.started) / 1000 * scale):.1f}"
                for run in step.runs
                if run.succeeded is succeeded
            )
            kind = f'stroke="{COLOURS[place % len(COLOURS)]}"' if succeeded else 'class="failed"'
            if path:
                parts.append(f'<path d="{path}" {kind} stroke-width="{max(lane * 0.8, 0.5):.2f}" fill="none"/>')
    return _page(title, TOP + height + BOTTOM, parts)


def ticks(seconds: float) -> list[float]:
    """Round moments, four to ten of them."""
    rough = seconds / 8
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [step * count for count in range(int(seconds / step) + 1)]


def _axis(seconds: float, scale: float, height: float) -> list[str]:
    lines = []
    for moment in ticks(seconds):
        x = LEFT + moment * scale
        lines.append(f'<path class="grid" d="M{x:.1f} {TOP}v{height:.1f}"/>')
        lines.append(
            f'<text class="quiet" x="{x:.1f}" y="{TOP + height + 20:.1f}" text-anchor="middle">{moment:g} s</text>'
        )
    return lines


def _rows(children: int, row: float) -> list[str]:
    shown = sorted({0, children // 2, children - 1})
    places = {index: TOP + (index + 0.5) * row + 4 for index in shown}
    return [
        f'<text class="quiet" x="{LEFT - 8}" y="{y:.1f}" text-anchor="end">child {index}</text>'
        for index, y in places.items()
    ]


def _legend(steps: Sequence[Step]) -> list[str]:
    parts, x = [], LEFT
    for place, step in enumerate(steps):
        parts.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{COLOURS[place % len(COLOURS)]}"/>')
        parts.append(f'<text x="{x + 18}" y="45">{escape(step.name)}</text>')
        x += 40 + 9 * len(step.name)
    return parts


def _page(title: str, height: float, parts: Sequence[str]) -> bytes:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}"><title>{escape(title)}</title><style>{STYLE}</style>'
        f'<text x="20" y="22" font-weight="600">{escape(title)}</text>'
    )
    return "\n".join([head, *parts, "</svg>\n"]).encode()
