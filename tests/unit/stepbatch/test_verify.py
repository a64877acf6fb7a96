"""A directory is what its manifest lists, or it is told what differs."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from fanout.manifest import Manifest, OutputFile
from stepbatch.verify import problems

FILES = {"summary.json": b"{}", "00000/results/records.jsonl": b"a\n", "00001/results/records.jsonl": b"b\n"}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Of the files that lie in the directory."""
    for name, body in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (tmp_path / "manifest.json").write_bytes(b"{}")
    listed = (OutputFile(path=n, size=len(b), sha256=hashlib.sha256(b).hexdigest()) for n, b in FILES.items())
    return Manifest(plan_hash="p", files=tuple(listed))


def test_a_directory_as_listed_has_no_problem(tmp_path: Path, manifest: Manifest) -> None:
    assert problems(tmp_path, manifest) == []


def test_what_is_missing_cut_changed_or_stray_is_told(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "summary.json").unlink()
    (tmp_path / "00000/results/records.jsonl").write_bytes(b"aa\n")
    (tmp_path / "00001/results/records.jsonl").write_bytes(b"x\n")
    (tmp_path / "00001/manifest.json").write_bytes(b"not the run's")
    (tmp_path / "00001/.hidden").write_bytes(b"")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert problems(tmp_path, manifest) == [
        "summary.json: missing",
        "00000/results/records.jsonl: 3 bytes, the manifest says 2",
        f"00001/results/records.jsonl: sha256 {hashlib.sha256(b'x\n').hexdigest()}, "
        f"the manifest says {hashlib.sha256(b'b\n').hexdigest()}",
        "00001/.hidden: stray, the manifest does not list it",
        "00001/manifest.json: stray, the manifest does not list it",
        "dangling: stray, the manifest does not list it",
    ]


def test_a_directory_in_a_files_place_is_no_file(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "summary.json").unlink()
    (tmp_path / "summary.json").mkdir()
    assert problems(tmp_path, manifest) == ["summary.json: missing"]


def test_the_local_clouds_own_files_are_not_looked_at(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are as many as the run's, and looking at them took longer than checking the run."""
    (tmp_path / ".stepbatch/objects/data").mkdir(parents=True)
    (tmp_path / ".stepbatch/objects/data/one").touch()
    looked, scandir = [], os.scandir

    def noted(path: Any) -> Any:
        looked.append(Path(path).relative_to(tmp_path).as_posix())
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    assert problems(tmp_path, manifest) == []
    assert sorted(looked) == [".", "00000", "00000/results", "00001", "00001/results"]
