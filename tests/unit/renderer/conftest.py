"""A bucket in moto's S3 with a planned run in it, and a Blender that paints by numbers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws

from fanout.blendplan import Look, RenderParameters, frame_uri
from fanout.plan import Plan, Source, Work, write_plan
from fanout.s3 import Objects, S3Uri
from fanout.slicing import even
from renderer.blender import BlenderGone, FrameFailed
from renderer.slices import Stop
from tests.unit.renderer.pictures import numbered

BUCKET = "data"
OUTPUT = S3Uri(BUCKET, "Rendering")


@dataclass
class Studio:
    """The bucket, and what lies in it."""

    objects: Objects

    def plan(self, frames: tuple[int, ...], per_job: int = 2, **more: Any) -> Plan:
        """Writes the plan of a run of these frames."""
        look = more.get("look") or Look(version="etag", kind="file", blend="scene.blend", scene="Scene")
        fps, sound = more.get("fps", "24"), more.get("sound", False)
        parameters = RenderParameters(look=look, frames=frames, fps=fps, sound=sound)
        work = Work(
            pipeline="rendering",
            inputs={"blend": look.version},
            slices=even(len(frames), per_job),
            parameters=msgspec.json.decode(msgspec.json.encode(parameters)),
        )
        plan = Plan.of(work, sources={"blend": Source(uri=f"s3://{BUCKET}/scene.blend", etag=look.version)}, files={})
        write_plan(self.objects, OUTPUT, plan)
        return plan

    def put(self, key: str, body: bytes) -> str:
        uri = S3Uri(BUCKET, key)
        self.objects.put(uri, body, "application/octet-stream")
        return str(uri)

    def frame(self, look: Look, frame: int, body: bytes | None = None, **notes: str) -> None:
        self.objects.put(frame_uri(OUTPUT, look, frame), numbered(frame) if body is None else body, "image/png", notes)

    def keys(self, prefix: str = "") -> list[str]:
        return [row.uri.key for row in self.objects.list(S3Uri(BUCKET, prefix))]


@dataclass
class Painter:
    """Stands in for Blender: paints frames by their numbers, and fails where it is told to."""

    fails: dict[int, list[Exception]] = field(default_factory=dict)  # frame -> what its next tries raise
    during: Callable[[int], None] = lambda _: None
    painted: list[int] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    body: Callable[[int], bytes] = numbered

    def render(self, frame: int, path: Path) -> float:
        self.during(frame)
        if self.fails.get(frame):
            raise self.fails[frame].pop(0)
        path.write_bytes(self.body(frame))
        self.painted.append(frame)
        return 0.25

    def start(self) -> AbstractContextManager["Painter"]:
        return self._running()

    @contextmanager
    def _running(self) -> Iterator["Painter"]:
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield Studio(Objects(client))


@pytest.fixture
def stop() -> Stop:
    return Stop()


REFUSAL = FrameFailed("Cannot render, no camera")
DEATH = BlenderGone("Blender ended with signal SIGSEGV; its last words: nothing")
