"""``.stepbatch/env``."""

import os
import subprocess
from pathlib import Path

import pytest

from stepbatch import envfile
from stepbatch.errors import UsageError
from stepbatch.localcloud_process import Ready

OUTPUTS = {"BucketName": "it's a bucket", "PricerJobDefinitionArn": "arn:def:1", "JobQueueArn": "arn:queue"}
READY = Ready(endpoint_url="http://127.0.0.1:4566", region="eu-west-1", stack="stepbatch", outputs=OUTPUTS)


def test_a_shell_that_sources_the_file_has_every_name(tmp_path: Path) -> None:
    path = envfile.write(tmp_path, envfile.rendered(envfile.variables(READY)))
    names = [
        "AWS_ENDPOINT_URL",
        "AWS_DEFAULT_REGION",
        "BucketName",
        "JOB_DEFINITION_ARN",
        "JOB_QUEUE_ARN",
        "AWS_SESSION_TOKEN",
    ]
    script = f". {path}; env"
    answer = subprocess.run(["/bin/sh", "-c", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    seen = dict(line.split("=", 1) for line in answer.stdout.splitlines())
    assert [seen[name] for name in names] == [
        "http://127.0.0.1:4566", "eu-west-1", "it's a bucket", "arn:def:1", "arn:queue", "",
    ]  # fmt: skip


def test_the_file_goes_with_its_cloud_but_not_with_another(tmp_path: Path) -> None:
    path = envfile.write(tmp_path, "first")
    envfile.withdraw(path, "first")
    assert not path.exists()
    envfile.write(tmp_path, "second")
    envfile.withdraw(path, "first")
    assert path.read_text() == "second"


def test_a_folder_has_one_local_cloud_and_the_second_is_told_of_the_first(tmp_path: Path) -> None:
    with envfile.claimed(tmp_path):
        with pytest.raises(UsageError, match=r"another stepbatch up \(just starting\) has "), envfile.claimed(tmp_path):
            pass
        envfile.write(tmp_path, envfile.rendered(envfile.variables(READY)))
        first = rf"another stepbatch up \(pid {os.getpid()}, http://127\.0\.0\.1:4566\) has "
        with pytest.raises(UsageError, match=first), envfile.claimed(tmp_path):
            pass
    with envfile.claimed(tmp_path):
        pass
