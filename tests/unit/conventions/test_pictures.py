"""The pictures of the state machines show them as they are."""

import json
import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conventions.template import ROOT

DRAW = runpy.run_path(str(ROOT / "docs" / "draw_state_machines.py"))
PICTURES: list[tuple[Path, str]] = list(DRAW["pictures"]())
MACHINES = sorted((ROOT / "statemachine").glob("*.asl.json"))


@pytest.mark.parametrize(("path", "picture"), PICTURES, ids=[path.stem for path, _ in PICTURES])
def test_a_picture_is_current(path: Path, picture: str) -> None:
    assert path.read_text() == picture, "the state machine has changed: make pictures"


def test_every_machine_has_its_picture_and_no_other_is_there() -> None:
    assert {path.stem for path, _ in PICTURES} == {path.name.removesuffix(".asl.json") for path in MACHINES}
    assert {path for path, _ in PICTURES} == set((ROOT / "docs" / "statemachines").glob("*.svg"))


@pytest.mark.parametrize("path", MACHINES, ids=[path.name for path in MACHINES])
def test_every_state_is_drawn_once_and_none_lies_on_another(path: Path) -> None:
    machine = json.loads(path.read_text())
    drawing = DRAW["draw"](machine)
    assert sorted(node.name for node in drawing.nodes) == sorted(machine["States"])
    for layer in range(len(drawing.nodes)):
        row = sorted((node for node in drawing.nodes if node.layer == layer), key=lambda node: node.x)
        assert all(one.x + one.width / 2 < other.x - other.width / 2 for one, other in pairwise(row))


def test_what_is_inside_a_map_is_drawn_inside_it_and_a_loop_goes_up() -> None:
    inner = {"StartAt": "Do", "States": {"Do": {"Type": "Task", "End": True}}}
    states: dict[str, Any] = {
        "Each": {"Type": "Map", "ItemProcessor": inner, "Next": "Again"},
        "Again": {"Type": "Choice", "Choices": [{"Next": "Each"}], "Default": "End"},
        "End": {"Type": "Succeed"},
    }
    drawing = DRAW["draw"]({"StartAt": "Each", "States": states})
    each = next(node for node in drawing.nodes if node.name == "Each")
    [inside] = each.inside
    assert inside.height < each.height
    assert inside.width < each.width
    assert [(passed[0].name, passed[-1].name) for passed, _, up in drawing.edges if up] == [("Again", "Each")]
