"""A shared file system in a temporary directory, an egress bucket in moto's S3, and a run prepared by hand."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from fanout.records import HOURS, NODE_FILE, OPEN_ABOVE, Node, node_name
from fanout.s3 import Objects, S3Uri
from fanout.seal import sealed
from fanout.shared import SharedFiles
from tests.unit.worker.workflow import Workflow
from worker.services import services

RUN = "20261121T020000Z"
PLAN = "a" * 64
EGRESS = S3Uri("egress", RUN)


@dataclass(frozen=True)
class Share:
    """The file system, as a person sees it."""

    root: Path

    @property
    def files(self) -> SharedFiles:
        return SharedFiles(str(self.root))

    def prepare(self, node: int, ids: tuple[str, ...] = ("R0000000", "R0000001"), plan_hash: str = PLAN) -> Node:
        made = Node(plan_hash=plan_hash, node=node, seed=7, hours=HOURS, open_above=OPEN_ABOVE, ids=ids)
        folder = self.root / RUN / node_name(node) / "prep"
        folder.mkdir(parents=True)
        (folder / NODE_FILE).write_bytes(sealed(made))
        return made

    def tree(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.root)): p.read_bytes() for p in self.root.rglob("*") if p.is_file()}


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Share:
    monkeypatch.setenv("SHARED_DIRECTORY", str(tmp_path))
    return Share(tmp_path)


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=EGRESS.bucket)
        yield Objects(client)


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workflow]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(services, "__dict__", {})
    with mock_aws():
        yield Workflow(monkeypatch)
