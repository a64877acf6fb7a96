"""The README's commands as they stand there, from top to bottom, in a folder that looks like a fresh clone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stepbatch import envfile
from stepbatch.localcloud_process import Ready
from tests.local.cloud_process import Cloud

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
TYPED = "source .venv/bin/activate"


def commands(heading: str) -> list[str]:
    """The blocks of a section's shell commands."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def clone(tmp_path: Path, cloud: Cloud) -> Path:
    """As ``make tools`` leaves it, with ``stepbatch up`` in another terminal."""
    for name in ("examples", "events"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    ready = Ready(
        endpoint_url=cloud.environment["AWS_ENDPOINT_URL"],
        region=cloud.environment["AWS_DEFAULT_REGION"],
        stack="stepbatch",
        outputs=dict(cloud.outputs),
    )
    envfile.write(tmp_path, envfile.rendered(envfile.variables(ready)))
    return tmp_path


def typed(clone: Path, *blocks: str) -> str:
    script = "\n".join(["set -euo pipefail", TYPED, *blocks])
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(clone), "VIRTUAL_ENV_DISABLE_PROMPT": "1"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=clone, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_it_says_of_your_own_book_and_of_the_local_cloud_works_as_it_stands(clone: Path) -> None:
    [own] = commands("Your own book")
    [up, by_hand, functions] = commands("The local cloud by hand")
    assert up == "stepbatch up\n"
    source, rest = by_hand.split("\n", 1)
    assert source == "source .stepbatch/env"
    shown = typed(clone, source, own, rest, functions)
    assert "41 of 41 positions priced" in shown
    assert "all as the manifest lists them" in shown
    assert '"priced": 48' in shown
    assert (clone / "out/desk/report.html").exists()
    assert '"SX5E-3Y-STEPDOWN"' in (clone / "out/prices.json").read_text()


def test_it_says_how_to_come_by_the_commands_before_it_uses_them() -> None:
    before = README[: README.index("\nstepbatch run ")]
    assert "make tools" in before
    assert TYPED in before
    assert ".venv/bin/stepbatch" not in README
