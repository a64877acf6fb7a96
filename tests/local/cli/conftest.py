"""The installed command as a user types it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.local.cloud_process import Cloud

COMMAND = Path(sys.executable).parent / "stepbatch"
DEADLINE = 120.0  # seconds; far beyond what anything here takes
REPOSITORY = Path(__file__).parents[3]
EXAMPLES = REPOSITORY / "examples" / "montecarlo"
BOOK = EXAMPLES / "workshop_portfolio.json"


@dataclass(slots=True)
class Stepbatch:
    """The command, in a folder and an environment."""

    folder: Path
    environment: dict[str, str]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )

    def begin(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Starts the command in the background; what it writes to stderr goes to the file ``stderr``."""
        with (self.folder / "stderr").open("w") as stderr:
            process = subprocess.Popen(
                [COMMAND, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()


@pytest.fixture(scope="session", autouse=True)
def heard() -> Iterator[None]:
    """Ctrl-C reaches the commands even where these tests run in a script's background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Stepbatch]:
    """The command with no cloud in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_"))}
    stepbatch = Stepbatch(tmp_path, environment | {"HOME": str(tmp_path)})
    yield stepbatch
    for process in stepbatch.running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def beside(alone: Stepbatch, cloud: Cloud) -> Stepbatch:
    """The command with the session's local cloud in its environment."""
    alone.environment |= cloud.environment
    return alone


def until(true: Callable[[], bool], what: str) -> None:
    """Waits until something is true. Fails, saying what was waited for, if it never is."""
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def processes(naming: Path) -> list[str]:
    """The command lines of processes that mention a path."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended while we looked
            continue
        if str(naming) in words:
            found.append(words)
    return found
