"""What the documents say must be so."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.unit.conventions.template import ROOT, TEMPLATE

MADE = ("out", ".venv", ".venv-checkov", ".aws-sam")  # by the Makefile's targets: not ours to hold
DOCUMENTS = sorted(path for path in ROOT.glob("**/*.md") if not set(MADE) & set(path.relative_to(ROOT).parts))
README = (ROOT / "README.md").read_text()
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
PATHS = re.compile(r"`((?:examples|events|docs|statemachine|functions|containers|layers|localcloud|tests)/[\w./-]*)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = LINK.findall(document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_path_that_the_readme_names_exists() -> None:
    assert [path for path in PATHS.findall(README) if not (ROOT / path).exists()] == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = re.findall(r"^([a-z-]+%?):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"\bmake ([a-z-]+)", README)) - {"sure"}
    assert [name for name in named if not any(fnmatch(name, target.replace("%", "*")) for target in targets)] == []


def test_every_command_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?:`|bin/)stepbatch ([a-z]+)", README))
    command = [str(Path(sys.executable).parent / "stepbatch"), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert named
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", shown)] == []


def test_the_deployment_s_document_names_every_parameter_and_no_other() -> None:
    rows = re.findall(r"^\| `.*", DEPLOY.partition("## What it costs")[0], re.MULTILINE)
    named = set(re.findall(r"`([A-Z]\w+)`", "\n".join(rows)))
    assert named == set(TEMPLATE["Parameters"])


def test_the_deployment_s_document_tells_of_twenty_things_that_go_wrong() -> None:
    numbers = [int(number) for number in re.findall(r"^(\d+)\. \*\*", DEPLOY, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 20
    assert "RUNNABLE" in DEPLOY.partition("\n1. ")[2].partition("\n2. ")[0]
