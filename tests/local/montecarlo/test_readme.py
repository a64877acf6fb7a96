"""The README's commands as they stand there, from top to bottom, in a folder that looks like a fresh clone."""

from pathlib import Path

import pytest

from tests.local import typed as typing
from tests.local.cloud_process import Cloud
from tests.local.typed import ACTIVATE, ROOT, SOURCE, UP, commands, section, typed

README = (ROOT / "README.md").read_text()


@pytest.fixture
def clone(tmp_path: Path, cloud: Cloud) -> Path:
    return typing.clone(tmp_path, cloud)


def test_what_it_says_of_your_own_book_and_of_the_local_cloud_works_as_it_stands(clone: Path) -> None:
    [own] = commands(section(README, "Your own book"))
    [up, by_hand, functions] = commands(section(README, "The local cloud by hand"))
    assert up == UP
    source, rest = by_hand.split("\n", 1)
    assert source == SOURCE
    shown = typed(clone, source, own, rest, functions)
    assert "41 of 41 positions priced" in shown
    assert "all as the manifest lists them" in shown
    assert '"priced": 48' in shown
    assert (clone / "out/desk/report.html").exists()
    assert '"SX5E-3Y-STEPDOWN"' in (clone / "out/prices.json").read_text()


def test_it_says_how_to_come_by_the_commands_before_it_uses_them() -> None:
    before = README[: README.index("\nstepbatch run ")]
    assert "make tools" in before
    assert ACTIVATE in before
    assert ".venv/bin/stepbatch" not in README
