"""What a container image is on this machine."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.local.cloud.conftest import PATIENCE, PROJECT
from tests.local.cloud_process import Cloud, start_cloud, stop_cloud

PROGRAM = """
import os, sys
import large  # in the image's own environment only
print(sys.prefix, large.__file__, os.environ["AWS_BATCH_JOB_ARRAY_INDEX"])
"""


def test_an_image_with_an_environment_of_its_own_runs_in_it(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    image = project / "containers" / "tiny"
    (image / "tiny" / "__main__.py").write_text(PROGRAM)
    own = image / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", own], check=True)
    [packages] = own.glob("lib/python*/site-packages")
    (packages / "large.py").touch()
    cloud = start_cloud(project / "template.yaml", log=tmp_path / "stderr")
    try:
        said = [printed(cloud, index) for index in submitted(cloud)]
    finally:
        stop_cloud(cloud)
    assert said == [f"{own} {packages / 'large.py'} {index}" for index in range(2)]


def submitted(cloud: Cloud) -> list[str]:
    """The children of an array of two that has succeeded."""
    batch = cloud.client("batch")
    definition, queue = cloud.outputs["DefinitionArn"], cloud.outputs["QueueArn"]
    job = batch.submit_job(jobName="j", jobDefinition=definition, jobQueue=queue, arrayProperties={"size": 2})["jobId"]
    deadline = time.monotonic() + PATIENCE
    while (status := batch.describe_jobs(jobs=[job])["jobs"][0]["status"]) not in ("SUCCEEDED", "FAILED"):
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    return [f"{job}:{index}" for index in range(2)]


def printed(cloud: Cloud, job: str) -> str:
    """All that an attempt printed."""
    [described] = cloud.client("batch").describe_jobs(jobs=[job])["jobs"]
    stream = described["container"]["logStreamName"]
    events = cloud.client("logs").get_log_events(logGroupName="/aws/batch/job", logStreamName=stream)["events"]
    return "\n".join(event["message"] for event in events)
