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
    with opened(tmp_path / "mine") as workspace:
        discard(workspace)
    assert list((tmp_path / "mine").iterdir()) == []
    with opened(tmp_path / "kept") as workspace:
        workspace.folder("montecarlo", "aaaaaa")
    with opened(tmp_path / "kept") as workspace:
        discard(workspace)
    assert (tmp_path / "kept/.stepbatch/run.json").exists()


def test_a_directory_with_files_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    for name in ("notes", "positions.csv", "a", "b"):
        (tmp_path / name).write_text("mine")
    problem = r"is not empty and holds no run of stepbatch \(a, b, notes and 1 more\): name a new or empty directory"
    with pytest.raises(UsageError, match=problem), opened(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "notes", "positions.csv"]


def test_a_run_that_never_got_further_than_its_lock_can_be_made_again(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    assert (tmp_path / ".stepbatch/lock").exists()
    with opened(tmp_path) as workspace:
        workspace.folder("montecarlo", "aaaaaa")
    (tmp_path / "notes").write_text("beside the results")
    with opened(tmp_path):
        pass
