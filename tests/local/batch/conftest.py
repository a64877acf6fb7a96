"""A Batch service with plain fakes around it, whose containers are real processes."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from localcloud.batch.api import BatchService
from localcloud.batch.ports import Image

ACCOUNT = "123456789012"
REGION = "us-east-1"
ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}"

type Document = dict[str, Any]


@dataclass
class FakeCatalogue:
    """Definitions and queues in dicts."""

    definitions: dict[str, Document] = field(default_factory=dict)
    queues: dict[str, Document] = field(default_factory=dict)

    def job_definition(self, name_or_arn: str) -> Mapping[str, Any] | None:
        return self.definitions.get(name_or_arn.rpartition("/")[2].partition(":")[0])

    def queue(self, name_or_arn: str) -> Mapping[str, Any] | None:
        return self.queues.get(name_or_arn.rpartition("/")[2])


class FakeLogs:
    """Streams by name."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], list[tuple[int, str]]] = {}

    def append(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        self.streams.setdefault((group, stream), []).extend(events)


@dataclass
class FakeImages:
    """``sh`` is no Python package; ``contained`` runs by the program ``engine``; others are packages in ``root``."""

    root: Path

    def command(self, image: str) -> Image:
        name = image.rpartition("/")[2].partition(":")[0]
        if name == "sh":
            return Image(package=None, argv_prefix=("/bin/sh", "-c"))
        if name == "contained":
            return Image(package=None, argv_prefix=(str(self.root / "engine"),), reference="stepbatch/contained")
        if name == "bare":
            return Image(package=None, argv_prefix=())
        if not (self.root / name).is_dir():
            raise LookupError(f"{image}: there is no package {name} in {self.root}")
        return Image(package=name, argv_prefix=(sys.executable, "-m", name), pythonpath=(self.root,))


def fake_credentials(role_arn: str | None, session_name: str) -> Mapping[str, str]:
    return {"AWS_ACCESS_KEY_ID": f"key-of-{role_arn}", "AWS_SECRET_ACCESS_KEY": "secret"}


class Batch:
    """A service, and short ways to ask it."""

    def __init__(self, root: Path, *, workers: int, stop_grace: float) -> None:
        self.catalogue = FakeCatalogue()
        self.logs = FakeLogs()
        self.packages = root / "packages"
        self.packages.mkdir(parents=True)
        self.root = root
        self.service = BatchService(
            catalogue=self.catalogue,
            images=FakeImages(self.packages),
            credentials=fake_credentials,
            logs=self.logs,
            endpoint_url="http://127.0.0.1:1",
            region=REGION,
            root=root / "state",
            workers=workers,
            stop_grace=stop_grace,
        )
        self.define("shell", "sh:latest")
        self.queue("queue")

    def define(self, name: str, image: str, **properties: Any) -> None:
        """A job definition; ``properties`` beyond the container's go to ``top`` as a dict."""
        top = properties.pop("top", {})
        self.catalogue.definitions[name] = {
            "jobDefinitionName": name,
            "jobDefinitionArn": f"{ARN}:job-definition/{name}:1",
            "revision": 1,
            "status": "ACTIVE",
            "type": "container",
            "containerProperties": {
                "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/stepbatch/{image}",
                "command": [],
                "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
                **properties,
            },
            **top,
        }

    def queue(self, name: str, *, priority: int = 1, state: str = "ENABLED", maxvcpus: int = 16, **more: Any) -> None:
        detail = {"computeResources": {"type": "EC2", "maxvCpus": maxvcpus}}
        self.catalogue.queues[name] = {
            "jobQueueName": name,
            "jobQueueArn": f"{ARN}:job-queue/{name}",
            "state": state,
            "priority": priority,
            "computeEnvironmentOrder": [
                {"order": 1, "computeEnvironment": f"{ARN}:compute-environment/spot", "detail": detail}
            ],
            **more,
        }

    def submit(self, script: str | None = None, **body: Any) -> str:
        """SubmitJob of a shell script; returns the job's id."""
        request = {"jobName": "job", "jobQueue": "queue", "jobDefinition": "shell", **body}
        if script is not None:
            request["containerOverrides"] = {**request.get("containerOverrides", {}), "command": [script]}
        return str(self.service.handle("submitjob", request)["jobId"])

    def describe(self, job_id: str) -> Document:
        jobs = self.service.handle("describejobs", {"jobs": [job_id]})["jobs"]
        assert len(jobs) == 1
        return dict(jobs[0])

    def finish(self, job_id: str, timeout: float = 30) -> Document:
        """DescribeJobs of a job that has ended."""
        assert self.service.wait(job_id, timeout), self.describe(job_id)
        return self.describe(job_id)

    def log(self, job: Document) -> list[str]:
        """What the last attempt printed."""
        stream = job["container"].get("logStreamName", "none yet")
        return [message for _, message in self.logs.streams.get(("/aws/batch/job", stream), [])]


@pytest.fixture
def make_batch(tmp_path: Path) -> Iterator[Callable[..., Batch]]:
    made: list[Batch] = []

    def make(workers: int = 4, stop_grace: float = 1.0) -> Batch:
        batch = Batch(tmp_path / f"batch{len(made)}", workers=workers, stop_grace=stop_grace)
        batch.service.start()
        made.append(batch)
        return batch

    yield make
    for batch in made:
        batch.service.stop()


@pytest.fixture
def batch(make_batch: Callable[..., Batch]) -> Batch:
    return make_batch()
