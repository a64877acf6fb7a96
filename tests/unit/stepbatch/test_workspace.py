"""What a run remembers in its directory."""

from pathlib import Path

import pytest

from stepbatch.errors import UsageError
from stepbatch.workspace import discard, opened


def test_the_same_directory_has_the_same_folder_in_the_bucket_for_ever(tmp_path: Path) -> None:
    with opened(tmp_path / "my book") as workspace:
        first = workspace.folder("montecarlo", "aaaaaa")
    with opened(tmp_path / "my book") as workspace:
        assert workspace.folder("montecarlo", "bbbbbb") == first == "runs/my-book-aaaaaa"


def test_a_directory_belongs_to_one_pipeline(tmp_path: Path) -> None:
    with opened(tmp_path) as workspace:
        workspace.folder("montecarlo", "aaaaaa")
        with pytest.raises(UsageError, match="holds a run of 'montecarlo', not of 'rendering'"):
            workspace.folder("rendering", "bbbbbb")


def test_two_commands_cannot_work_in_one_directory(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(UsageError, match="another stepbatch command"), opened(tmp_path):
        pass


def test_an_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Not a directory"), opened(tmp_path / "file"):
        pass


def test_discarding_removes_only_what_this_command_made(tmp_path: Path) -> None:
    with opened(tmp_path / "new/deeper/run") as workspace:
        discard(workspace)
    assert list(tmp_path.iterdir()) == []
    with opened(tmp_path / "shared/a") as workspace:
        (tmp_path / "shared/b").mkdir()
        discard(workspace)
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["b"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes").write_text("")
    with opened(tmp_path / "mine") as workspace:
        discard(workspace)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes"]
    with opened(tmp_path / "kept") as workspace:
        workspace.folder("montecarlo", "aaaaaa")
    with opened(tmp_path / "kept") as workspace:
        discard(workspace)
    assert (tmp_path / "kept/.stepbatch/run.json").exists()
