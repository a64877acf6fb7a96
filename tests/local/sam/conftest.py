"""The unmodified SAM CLI and AWS CLI against an empty local cloud."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.local.cloud_process import Cloud, start_cloud, stop_cloud

REPOSITORY = Path(__file__).parents[3]
SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True)
class CommandLine:
    """Runs commands where `sam build` left its work."""

    cloud: Cloud
    folder: Path

    def run(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(
            [str(SCRIPTS / words[0]), *words[1:]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        own = {"HOME": str(self.folder), "SAM_CLI_TELEMETRY": "0", "PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
        return self.cloud.environment | own


@pytest.fixture(scope="session")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("sam")
    cloud = start_cloud(None, log=folder / "stderr")
    yield CommandLine(cloud, folder)
    stop_cloud(cloud)
