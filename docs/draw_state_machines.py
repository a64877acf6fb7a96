"""Draw every state machine: statemachine/NAME.asl.json → docs/statemachines/NAME.svg. The same input, the same bytes.

States are put in layers below whatever leads to them (Sugiyama's method: layers, then fewer crossings, then places);
errors that are caught are dashed. Loops go up at the side.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HEIGHT, GAP_X, GAP_Y, MARGIN = 34, 26, 44, 24  # pixels
LETTER = 6.7  # width of a letter, about
COLOURS = {  # fill and border
    "Task": ("#e8f1fb", "#2f6fb0"), "Choice": ("#fff6df", "#b98a1d"), "Pass": ("#f3f3f3", "#8a8a8a"),
    "Wait": ("#efe9fa", "#7a5bb5"), "Succeed": ("#e5f5e8", "#2f8a46"), "Fail": ("#fdeaea", "#b93a3a"),
    "Map": ("#ffffff", "#2f6fb0"), "Parallel": ("#ffffff", "#2f6fb0"),
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Node:
    """A state, or a bend of an edge that spans several layers (``state`` is None)."""

    name: str
    state: dict[str, Any] | None
    layer: int = 0
    x: float = 0  # of its centre
    y: float = 0  # of its top
    width: float = 8
    height: float = HEIGHT
    inside: "list[Drawing]" = field(default_factory=list)


@dataclass(slots=True)
class Drawing:
    width: float
    height: float
    nodes: list[Node]
    edges: list[tuple[list[Node], bool, bool]]  # the nodes that it passes; whether it is an error's, whether it goes up


def targets(state: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Where a state leads, and whether by an error, each once."""
    ordinary = [state[key] for key in ("Next", "Default") if key in state]
    ordinary += [rule["Next"] for rule in state.get("Choices", [])]
    yield from ((name, False) for name in dict.fromkeys(ordinary))
    caught = dict.fromkeys(rule["Next"] for rule in state.get("Catch", []))
    yield from ((name, True) for name in caught if name not in ordinary)


def draw(machine: dict[str, Any]) -> Drawing:
    nodes = {name: _node(name, state) for name, state in machine["States"].items()}
    upward = _loops(machine)
    _layer(machine, nodes, upward)
    everything = list(nodes.values())
    edges = []
    for name, state in machine["States"].items():
        for target, error in targets(state):
            up = (name, target) in upward
            bends = [] if up else _bends(nodes[name], nodes[target])
            everything += bends
            edges.append(([nodes[name], *bends, nodes[target]], error, up))
    layers = _ordered(everything, edges)
    return _place(layers, everything, edges)


def _node(name: str, state: dict[str, Any]) -> Node:
    inside = [draw(inner) for inner in [state.get("ItemProcessor"), *state.get("Branches", [])] if inner]
    width = max(len(name) * LETTER + 28, sum(each.width + 10 for each in inside) + 10)
    height = HEIGHT + max((each.height for each in inside), default=0)
    return Node(name=name, state=state, width=width, height=height, inside=inside)


def _loops(machine: dict[str, Any]) -> set[tuple[str, str]]:
    """The edges that lead back to a state on the way to them."""
    found: set[tuple[str, str]] = set()
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        for target, _ in targets(machine["States"][name]):
            if target in (*path, name):
                found.add((name, target))
            elif target not in done:
                visit(target, (*path, name))
        done.add(name)

    visit(machine["StartAt"], ())
    return found


def _layer(machine: dict[str, Any], nodes: dict[str, Node], upward: set[tuple[str, str]]) -> None:
    """Each state one layer below the lowest that leads to it."""
    changed = True
    while changed:
        changed = False
        for name, state in machine["States"].items():
            for target, _ in targets(state):
                if (name, target) not in upward and nodes[target].layer <= nodes[name].layer:
                    nodes[target].layer = nodes[name].layer + 1
                    changed = True


def _bends(start: Node, end: Node) -> list[Node]:
    return [Node(name="", state=None, layer=layer) for layer in range(start.layer + 1, end.layer)]


def _ordered(nodes: list[Node], edges: list[tuple[list[Node], bool, bool]]) -> list[list[Node]]:
    """The nodes of each layer from left to right, near what they are linked with."""
    layers: list[list[Node]] = [[] for _ in range(max(node.layer for node in nodes) + 1)]
    for node in nodes:
        layers[node.layer].append(node)
    links: dict[int, list[Node]] = {id(node): [] for node in nodes}
    for passed, _, up in edges:
        for one, other in [] if up else pairwise(passed):
            links[id(one)].append(other)
            links[id(other)].append(one)
    looping = {id(passed[0]) for passed, _, up in edges if up}  # at the right end, or their way up crosses states
    for sweep in range(24):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            beside = {id(n): i for other in layers for i, n in enumerate(other)}
            step = -1 if down else 1
            keys = {}
            for place, node in enumerate(layer):
                near = [beside[id(each)] for each in links[id(node)] if each.layer == node.layer + step]
                keys[id(node)] = sum(near) / len(near) if near else place
            layer.sort(key=lambda node: (id(node) in looping, keys[id(node)]))
    return layers


def _place(layers: list[list[Node]], nodes: list[Node], edges: list[tuple[list[Node], bool, bool]]) -> Drawing:
    widths = [sum(node.width for node in layer) + GAP_X * (len(layer) - 1) for layer in layers]
    widest, top = max(widths), float(GAP_Y / 2)
    for layer, width in zip(layers, widths, strict=True):
        left = MARGIN + (widest - width) / 2
        for node in layer:
            node.x, node.y = left + node.width / 2, top
            left += node.width + GAP_X
        tall = max(node.height for node in layer)
        for node in layer:
            if node.state is None:
                node.height = tall  # an edge passes its whole layer straight down
        top += tall + GAP_Y
    loops = sum(up for *_, up in edges)
    return Drawing(widest + 2 * MARGIN + 22 * loops, top - GAP_Y / 2, [n for n in nodes if n.state], edges)


def svg(machine: dict[str, Any]) -> str:
    drawing = draw(machine)
    body = "\n".join(_shapes(drawing, 0, 0))
    size = f'width="{drawing.width:.0f}" height="{drawing.height:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="12">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#666"/></marker></defs>\n'
        f'<rect {size} fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _shapes(drawing: Drawing, left: float, top: float) -> Iterator[str]:
    ups = 0
    for passed, error, up in drawing.edges:
        ups += up
        path = _up(passed, drawing, ups) if up else _down(passed)
        moved = f'<g transform="translate({left:.1f},{top:.1f})">' if left or top else "<g>"
        look = 'stroke="#b93a3a" stroke-dasharray="4 3"' if error else 'stroke="#666"'
        yield f'{moved}<path d="{path}" fill="none" {look} marker-end="url(#tip)"/></g>'
    for node in drawing.nodes:
        yield from _state(node, left, top)


def _state(node: Node, left: float, top: float) -> Iterator[str]:
    assert node.state is not None
    fill, border = COLOURS[node.state["Type"]]
    x, y = left + node.x - node.width / 2, top + node.y
    around = 17 if node.state["Type"] in ("Succeed", "Fail") else 5
    yield (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{node.width:.1f}" height="{node.height:.1f}" rx="{around}" '
        f'fill="{fill}" stroke="{border}"/>'
    )
    yield f'<text x="{left + node.x:.1f}" y="{y + 21:.1f}" text-anchor="middle">{escape(node.name)}</text>'
    inner = x + 10
    for each in node.inside:
        yield from _shapes(each, inner, y + HEIGHT - 6)
        inner += each.width + 10


def _down(passed: list[Node]) -> str:
    """From the bottom of the first to the top of the last, straight down through every bend."""
    start = passed[0]
    path, x, y = f"M{start.x:.1f},{start.y + start.height:.1f}", start.x, start.y + start.height
    for node in passed[1:]:
        middle = (y + node.y) / 2
        path += f" C{x:.1f},{middle:.1f} {node.x:.1f},{middle:.1f} {node.x:.1f},{node.y:.1f}"
        x, y = node.x, node.y
        if node.state is None:
            y = node.y + node.height
            path += f" L{x:.1f},{y:.1f}"
    return path


def _up(passed: list[Node], drawing: Drawing, number: int) -> str:
    start, end = passed[0], passed[-1]
    side = drawing.width - MARGIN - 22 * (number - 1) + 4
    begin, stop = start.y + start.height / 2, end.y + end.height / 2
    right, back = start.x + start.width / 2, end.x + end.width / 2
    return f"M{right:.1f},{begin:.1f} C{side:.1f},{begin:.1f} {side:.1f},{stop:.1f} {back:.1f},{stop:.1f}"


def pictures() -> Iterator[tuple[Path, str]]:
    """Where each picture belongs, and what it is now."""
    for path in sorted((ROOT / "statemachine").glob("*.asl.json")):
        name = path.name.removesuffix(".asl.json")
        yield ROOT / "docs" / "statemachines" / f"{name}.svg", svg(json.loads(path.read_text()))


def main() -> int:
    for path, picture in pictures():
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
