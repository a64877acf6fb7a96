"""The files of a function: those that `sam build` would take, however a developer's directory looks."""

from importlib import import_module
from pathlib import Path

import pytest

from localcloud.deploy.resources import functions
from localcloud.functions.sources import NOT_COPIED, code_files, last_edit


def made(root: Path, *names: str, size: int = 1) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(bytes(size))


def test_what_sam_does_not_copy_is_not_copied_here() -> None:
    sam = import_module("aws_lambda_builders.workflows.python_pip.workflow").PythonPipWorkflow
    assert set(NOT_COPIED) == {*sam.EXCLUDED_FILES, ".ruff_cache"}


def test_environments_and_caches_are_no_code_wherever_they_are_and_whatever_they_are(tmp_path: Path) -> None:
    code, elsewhere = tmp_path / "code", tmp_path / "elsewhere"
    made(elsewhere, "lib/large.py", "shared/tables.json")
    made(code, "index.py", "it/__init__.py", "it/__pycache__/x.pyc", "it/.venv/lib/x.py", "venv/x.py", "it/old.pyc")
    (code / "other").mkdir()
    (code / "other" / ".venv").symlink_to(elsewhere)
    (code / "shared").symlink_to(elsewhere / "shared")
    (code / "it" / ".#index.py").symlink_to("somebody@nowhere.1234")  # an editor's lock
    found = {str(path.relative_to(code)) for path in code_files(code)}
    assert found == {"index.py", "it/__init__.py", "shared/tables.json"}
    assert last_edit([code]) >= (code / "index.py").stat().st_mtime_ns


def test_a_function_that_is_too_large_is_told_by_what_makes_it_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "index.py", "it/small.bin", "it/models/one.bin", "it/models/two.bin", size=1 << 19)
    assert len(functions._files(tmp_path)) == 4
    monkeypatch.setattr(functions, "_LIMIT", 1 << 20)
    with pytest.raises(ValueError, match="holds 2 MB, most of it in it/models; a function and its layers may have"):
        functions._files(tmp_path)
