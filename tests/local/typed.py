"""What a document says to type, typed as it stands in a folder that looks like a fresh clone."""

import re
import subprocess
import sys
from pathlib import Path

from stepbatch import envfile
from stepbatch.localcloud_process import Ready
from tests.local.cloud_process import Cloud

ROOT = Path(__file__).parents[2]
ACTIVATE = "source .venv/bin/activate"
UP = "stepbatch up\n"
SOURCE = "source .stepbatch/env"
TYPING_SECONDS = 600  # far beyond what it takes


def commands(document: str) -> list[str]:
    """The blocks of shell commands, from top to bottom."""
    return re.findall(r"```sh\n(.*?)```", document, re.DOTALL)


def section(document: str, heading: str) -> str:
    return document.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def clone(folder: Path, cloud: Cloud) -> Path:
    """As ``make tools`` leaves it, with ``stepbatch up`` in another terminal."""
    for name in ("examples", "events"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    ready = Ready(
        endpoint_url=cloud.environment["AWS_ENDPOINT_URL"],
        region=cloud.environment["AWS_DEFAULT_REGION"],
        stack="stepbatch",
        outputs=dict(cloud.outputs),
    )
    envfile.write(folder, envfile.rendered(envfile.variables(ready)))
    return folder


def typed(folder: Path, *blocks: str) -> str:
    """What the blocks print, typed one after another in one shell; none may fail."""
    script = "\n".join(["set -euo pipefail", ACTIVATE, *blocks])
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "VIRTUAL_ENV_DISABLE_PROMPT": "1"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=TYPING_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
