"""Files that can be read only once are copied; what is wrong with a file is told with its name."""

import os
from pathlib import Path

import pytest

from fanout.errors import PortfolioError
from stepbatch import inputs
from stepbatch.errors import UsageError
from stepbatch.inputs import copies, reading


def test_a_file_is_read_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "book.json").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "book.json")
    with copies(tmp_path / "book.json", tmp_path / "link", None, tmp_path, tmp_path / "absent") as copied:
        assert copied == {}


def test_a_pipe_is_copied_and_the_copy_goes_with_the_command(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"the book")
    os.close(writer)
    path = Path(f"/dev/fd/{reader}")
    with copies(path, None) as copied:
        copy = copied[path]
        assert copy.read_bytes() == copy.read_bytes() == b"the book"
    os.close(reader)
    assert not copy.exists()


def test_a_device_without_an_end_is_refused_before_it_fills_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "LONGEST", 3 << 20)
    with pytest.raises(UsageError, match="/dev/zero gives more than"), copies(Path("/dev/zero")):
        pass


def test_what_goes_wrong_with_a_file_is_told_with_its_name() -> None:
    with pytest.raises(PortfolioError, match=r"^book\.json: positions\[3\]: is odd$"), reading(Path("book.json")):
        raise PortfolioError("positions[3]", "is odd")
    with pytest.raises(UsageError, match="/proc/self/mem: Input/output error"), reading(Path("/proc/self/mem")):
        Path("/proc/self/mem").read_bytes()
