"""What the template keeps to, and what its own tools say of it."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from build_images import context_files, digest

from tests.unit.conventions.template import NAMES, ROOT, TEMPLATE, of_type

BIN = Path(sys.executable).parent
DEFINITIONS = of_type("AWS::Batch::JobDefinition")
FUNCTIONS = of_type("AWS::Serverless::Function")


def snake_case(name: str) -> str:
    """``PricePosition`` -> ``price_position``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def sam(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}
    command = [str(BIN / "sam"), *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def events() -> dict[str, dict[str, object]]:
    return {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_job_has_a_timeout_a_role_and_logs(name: str) -> None:
    container = DEFINITIONS[name]["ContainerProperties"]
    assert DEFINITIONS[name]["Timeout"]["AttemptDurationSeconds"] >= 60
    assert {"JobRoleArn", "LogConfiguration"} <= set(container)
    assert {"Name": "AWS_ENDPOINT_URL", "Value": ""} in container["Environment"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_handler_and_an_event(name: str) -> None:
    module, _, function = FUNCTIONS[name]["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    assert snake_case(name.removesuffix("Function")) in events()


def test_every_function_may_be_pointed_at_another_cloud() -> None:
    assert TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] == ""


@pytest.mark.parametrize("template", NAMES)
def test_every_policy_names_its_resources_or_says_why_it_cannot(template: str) -> None:
    lines = (ROOT / template).read_text().splitlines()
    for number, line in enumerate(lines):
        if line.strip() == 'Resource: "*"':
            sid = next(text for text in reversed(lines[:number]) if "Sid:" in text)
            assert "#" in sid, f"{template}:{number + 1} allows every resource and gives no reason"


VALIDATE_ALL = """
import sys
from samcli.cli.main import cli
for template in sys.argv[1:]:
    cli(["validate", "--lint", "--region", "us-east-1", "--template", template], standalone_mode=False)
"""


def test_sam_finds_nothing_wrong() -> None:
    """In one process: importing the SAM CLI takes longer than validating a template."""
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0"}
    command = [sys.executable, "-c", VALIDATE_ALL, *NAMES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("is a valid SAM Template") == len(NAMES)


def test_cfn_lint_finds_nothing_wrong_in_regions_of_three_continents() -> None:
    command = [str(BIN / "cfn-lint"), *NAMES, "--regions", "us-east-1", "eu-central-1", "ap-southeast-2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_sam_builds_is_complete(tmp_path: Path) -> None:
    done = sam("build", "--no-cached", "--build-dir", tmp_path / "built", "--cache-dir", tmp_path / "cache")
    assert done.returncode == 0, done.stdout + done.stderr
    provided = runtime(tmp_path / "runtime")
    for name, properties in FUNCTIONS.items():
        module, _, function = properties["Handler"].rpartition(".")
        path = f"{tmp_path}/built/{name}:{tmp_path}/built/FanoutLayer/python:{provided}"
        loaded = subprocess.run(
            [sys.executable, "-S", "-c", f"import {module}, fanout; print({module}.{function}, fanout.__file__)"],
            env={"PYTHONPATH": path, "AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
        )
        assert loaded.returncode == 0, loaded.stderr
        assert f"{tmp_path}/built/FanoutLayer" in loaded.stdout
    for image in ("pricer", "renderer", "worker"):  # the builder's zip has every file of every build context
        built = context_files(
            tmp_path / "built/BuildImagesFunction" / image, tmp_path / "built/FanoutLayer/python/fanout"
        )
        assert digest(built) == digest(context_files(ROOT / "containers" / image, ROOT / "layers/fanout/fanout"))


def runtime(directory: Path) -> Path:
    """What Lambda's Python runtime brings: boto3 and what it needs. All else must be in the function or its layer."""
    directory.mkdir()
    installed = Path(boto3.__file__).parents[1]
    for name in ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3"):
        (directory / name).symlink_to(installed / name)
    return directory


def test_the_outputs_carry_the_names_that_users_source() -> None:
    wanted = {"BucketName", "JobQueueArn", "MonteCarloStateMachineArn", "PricerJobDefinitionArn", "StateMachineArn"}
    assert wanted <= set(TEMPLATE["Outputs"])
    assert all(output["Description"] for output in TEMPLATE["Outputs"].values())
