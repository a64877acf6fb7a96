"""When a package counts as edited."""

from pathlib import Path

from localcloud.batch.sources import fingerprint


def test_a_package_is_edited_when_a_source_changes_and_not_when_its_environment_does(tmp_path: Path) -> None:
    source, foreign = tmp_path / "pricer" / "main.py", tmp_path / ".venv" / "lib" / "large.py"
    for path in (source, foreign):
        path.parent.mkdir(parents=True)
        path.write_text("a = 1")
    before = fingerprint([tmp_path])
    foreign.write_text("a = 10")
    (tmp_path / "pricer" / "notes.txt").touch()
    assert fingerprint([tmp_path]) == before
    source.write_text("a = 10")
    assert fingerprint([tmp_path]) != before
