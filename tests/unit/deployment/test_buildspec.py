"""The commands that CodeBuild is given, run here with stand-ins for Docker and the AWS CLI."""

import os
import re
import subprocess
from pathlib import Path

import build_images
import pytest
import yaml

from tests.unit.conventions.template import TEMPLATES

PROJECT = TEMPLATES["stacks/images.yaml"]["Resources"]["BuildProject"]["Properties"]
SPEC = yaml.safe_load(PROJECT["Source"]["BuildSpec"])
COMMANDS = [command for phase in SPEC["phases"].values() for command in phase["commands"]]
URI = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/stepbatch-6f0c/pricer:00ff"
REQUEST = {"ResponseURL": "u", "StackId": "a/desk/b", "RequestId": "r", "LogicalResourceId": "PricerImage"}
VARIABLES = build_images.variables(REQUEST, URI)
DOCKER = """#!/bin/sh
echo "docker $*" >> "$CALLS"
[ "$1" = push ] && exit "$PUSHED"
[ "$1" = login ] && cat > /dev/null
exit 0
"""
AWS = """#!/bin/sh
echo "aws $*" >> "$CALLS"
[ "$2" = describe-images ] && exit "$FOUND"
exit 0
"""


def run(folder: Path, *, pushed: bool, found: bool) -> tuple[list[int], list[str]]:
    """The commands' exit statuses, and what was called. Each command is a shell of its own that must succeed."""
    for name, text in (("docker", DOCKER), ("aws", AWS)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    calls = folder / "calls"
    given = {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls)}
    given |= {"PUSHED": str(int(not pushed)), "FOUND": str(int(not found))} | VARIABLES
    statuses = [subprocess.run(["sh", "-c", command], env=given, timeout=30).returncode for command in COMMANDS]
    return statuses, calls.read_text().splitlines()


def test_a_build_logs_in_at_the_registry_builds_and_pushes(tmp_path: Path) -> None:
    statuses, calls = run(tmp_path, pushed=True, found=False)
    assert set(statuses) == {0}
    registry = URI.partition("/")[0]
    assert f"docker login --username AWS --password-stdin {registry}" in calls
    assert calls[-2:] == [f"docker build --tag {URI} .", f"docker push {URI}"]


@pytest.mark.parametrize("found", [True, False])
def test_a_refused_push_is_a_failure_unless_another_build_of_the_same_files_was_first(
    tmp_path: Path, found: bool
) -> None:
    statuses, calls = run(tmp_path, pushed=False, found=found)
    assert (statuses[-1] == 0) == found
    assert calls[-1] == "aws ecr describe-images --repository-name stepbatch-6f0c/pricer --image-ids imageTag=00ff"


def test_every_variable_that_the_commands_use_is_given() -> None:
    used = {name for command in COMMANDS for name in re.findall(r"\$\{?([A-Z_]+)", command)}
    assert used <= set(VARIABLES)
