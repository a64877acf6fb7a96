"""Children killed with -9 at random: no result is lost, none is doubled, and the records agree with what happened.

Runs a few times here; ``benchmarks/batch_chaos.py`` runs it a hundred times.
"""

import collections
import os
import random
import signal
import textwrap
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.local.batch.conftest import Batch

RUNS = int(os.environ.get("BATCH_CHAOS_RUNS", "2"))
SIZE = 200
PROGRAM = """
    import os, time
    from pathlib import Path

    index, attempt = os.environ["AWS_BATCH_JOB_ARRAY_INDEX"], os.environ["AWS_BATCH_JOB_ATTEMPT"]
    home = Path(os.environ["RESULTS"])
    with (home / "begun").open("a") as begun:
        begun.write(f"{index} {attempt}\\n")
    time.sleep(0.01)
    partial = home / f"{index}.{attempt}.partial"
    partial.write_text(str(int(index) ** 2))
    partial.rename(home / index)
    with (home / "done").open("a") as done:
        done.write(f"{index} {attempt}\\n")
"""


class Killer(threading.Thread):
    """Kills a random child of this process's fork servers every now and then."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.stopped = threading.Event()
        self.kills = 0

    def run(self) -> None:
        while not self.stopped.wait(self.random.expovariate(1 / 0.06)):
            victims = sorted(pid for server in _children(os.getpid()) for pid in _children(server))
            if victims:
                with suppress(ProcessLookupError):
                    os.kill(self.random.choice(victims), signal.SIGKILL)
                    self.kills += 1


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


@pytest.mark.parametrize("seed", range(RUNS))
def test_every_child_delivers_its_result_once_however_many_are_killed(batch: "Batch", seed: int) -> None:
    package = batch.packages / "square"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(textwrap.dedent(PROGRAM))
    home = batch.root / "results"
    home.mkdir()
    batch.define("square", "square:1", environment=[{"name": "RESULTS", "value": str(home)}])
    killer = Killer(seed)
    killer.start()
    try:
        rules = [{"onExitCode": "137", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
        job_id = batch.submit(
            jobDefinition="square",
            arrayProperties={"size": SIZE},
            retryStrategy={"attempts": 10, "evaluateOnExit": rules},
        )
        job = batch.finish(job_id, timeout=120)
    finally:
        killer.stopped.set()
        killer.join()
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == SIZE, job
    assert {int(path.name): int(path.read_text()) for path in home.iterdir() if path.name.isdecimal()} == {
        index: index**2 for index in range(SIZE)
    }
    check_records(batch, job_id, home, killer.kills)


def check_records(batch: "Batch", job_id: str, home: Path, kills: int) -> None:
    """What DescribeJobs says against what the children wrote themselves."""
    begun = collections.Counter((home / "begun").read_text().splitlines())
    done = collections.Counter((home / "done").read_text().splitlines())
    assert max(begun.values()) == 1, "an attempt ran twice"
    killed = 0
    for index in range(SIZE):
        attempts = batch.describe(f"{job_id}:{index}")["attempts"]
        codes = [attempt["container"]["exitCode"] for attempt in attempts]
        assert codes == [137] * (len(codes) - 1) + [0]
        assert f"{index} {len(codes)}" in done
        assert all(f"{index} {number}" not in begun for number in range(len(codes) + 1, 12)), "an attempt nobody knows"
        killed += len(codes) - 1
    assert 0 < killed <= kills
