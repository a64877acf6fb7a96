"""The SAM CLI as a user has it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.containers.engine import ROOT


def sam(*arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 600) -> str:
    """stdout of ``sam ARGUMENTS`` in the repository."""
    program = Path(sys.executable).with_name("sam")
    done = subprocess.run(
        [program, *arguments],
        cwd=ROOT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"sam {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout
