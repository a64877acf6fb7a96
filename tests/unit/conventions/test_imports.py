"""Who may import whom: the rooms of the house and the doors between them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FUNCTIONS = {path.stem for path in (ROOT / "functions").glob("*.py")}
IMAGES = {path.name for path in (ROOT / "containers").iterdir() if path.is_dir()}
OURS = {"fanout", "localcloud", "stepbatch", *FUNCTIONS, *IMAGES}
MAY_IMPORT = {
    "functions": {"fanout", *FUNCTIONS},
    "layers/fanout/fanout": {"fanout"},
    "localcloud": {"localcloud"},
    "stepbatch": {"stepbatch", "fanout"},
    **{f"containers/{image}/{image}": {"fanout", image} for image in IMAGES},
}
SOURCES = [(room, path) for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize(("room", "path"), SOURCES, ids=[str(path.relative_to(ROOT)) for _, path in SOURCES])
def test_a_module_imports_only_what_its_room_may(room: str, path: Path) -> None:
    assert set(imported(path)) & OURS <= MAY_IMPORT[room]


def test_the_command_line_starts_the_local_cloud_from_one_module_only() -> None:
    starters = [path.name for path in (ROOT / "stepbatch").rglob("*.py") if '"localcloud"' in path.read_text()]
    assert starters == ["localcloud_process.py"]
