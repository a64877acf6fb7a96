"""What is told of a local cloud that does not start, with processes in its place."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stepbatch.errors import CloudError
from stepbatch.localcloud_process import LocalCloud


@contextmanager
def cloud(program: str, log: Path) -> Iterator[LocalCloud]:
    """A process that runs ``program``."""
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    made = LocalCloud(process, log)
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize(("written", "told"), [("", r"log is empty$"), ("loading\n", r"the end of .*log:\n  loading$")])
def test_a_local_cloud_that_is_silent_is_told_with_what_may_be_the_cause(
    tmp_path: Path, written: str, told: str
) -> None:
    log = tmp_path / "localcloud.log"
    log.write_text(written)
    with (
        cloud("import sys; sys.stdin.read()", log) as starting,
        pytest.raises(CloudError, match=f"if this machine is very busy.*{told}"),
    ):
        starting.ready(deadline=time.monotonic())


def test_a_local_cloud_that_dies_is_not_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "localcloud.log"
    dying = "import sys; sys.exit('no such template')"
    with cloud(dying, log) as starting, pytest.raises(CloudError, match=r"did not start.*\n  no such template$"):
        starting.ready(deadline=time.monotonic() + 300)
