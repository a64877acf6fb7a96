"""Runs the renderer's processes as Batch would, and looks at what they leave."""

import os
import signal
import subprocess
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from count_frames import CountRequest, count
from fanout.blendplan import RenderParameters, frame_uri, parameters_of, standing_frames
from fanout.plan import Plan, read_plan
from fanout.request import parse_request
from fanout.s3 import Objects, S3Uri
from tests.local.cloud_process import Cloud

ROOT = Path(__file__).parents[2]
RENDERER = ROOT / "containers" / "renderer"
PATIENCE = 300  # seconds for what takes a few on an idle machine


def python() -> Path:
    """The interpreter that has Blender."""
    return RENDERER / ".venv" / "bin" / "python"


@dataclass
class Crew:
    """One run, driven by hand."""

    cloud: Cloud
    objects: Objects
    folder: Path
    name: str
    _running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def bucket(self) -> str:
        return self.cloud.outputs["BucketName"]

    @property
    def output(self) -> S3Uri:
        return S3Uri(self.bucket, f"renders/{self.name}")

    def count(self, blend: Path, **more: Any) -> dict[str, Any]:
        """What the state machine's first step does with the file."""
        source = S3Uri(self.bucket, f"{self.name}/{blend.name}")
        self.objects.upload(blend, source, "application/octet-stream")
        request = {
            "jobName": "film",
            "inputUri": str(source),
            "outputUri": str(self.output),
            "jobDefinitionArn": "renderer",
            "jobQueueArn": "queue",
        }
        return count(parse_request(request | more, CountRequest), self.objects)

    @property
    def plan(self) -> Plan:
        return read_plan(self.objects, self.output)

    @property
    def parameters(self) -> RenderParameters:
        return parameters_of(self.plan)

    def start(self, action: str, child: int | None = None, attempt: int = 1) -> subprocess.Popen[str]:
        """A child's process, the leader of its group."""
        variables = {
            **self.cloud.environment,
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "PYTHONPATH": f"{RENDERER}:{ROOT / 'layers' / 'fanout'}",
            "PYTHONUNBUFFERED": "1",
            "PLAN_HASH": self.plan.hash,
            "AWS_BATCH_JOB_ATTEMPT": str(attempt),
        }
        if child is not None:
            variables["AWS_BATCH_JOB_ARRAY_INDEX"] = str(child)
        process = subprocess.Popen(
            [python(), "-m", "renderer", action, "-i", "s3://ignored/x", "-o", str(self.output), "-f", ""],
            env=variables,
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Exit code and log."""
        _, log = process.communicate(timeout=PATIENCE)
        self._running.remove(process)
        return process.returncode, log

    def run(self, action: str, child: int | None = None, attempt: int = 1) -> str:
        """An action that must succeed; its log."""
        code, log = self.finish(self.start(action, child, attempt))
        assert code == 0, log
        return log

    def render(self) -> None:
        """Every child, two at a time."""
        children = list(range(self.plan.array_size))
        while children:
            pair = [self.start("render", child) for child in children[:2]]
            children = children[2:]
            for process in pair:
                code, log = self.finish(process)
                assert code == 0, log

    def rendered(self) -> int:
        """How many frames stand."""
        return len(standing_frames(self.objects, self.output, self.parameters.look))

    def standing(self) -> dict[int, str]:
        """Frame -> when and with what it was written."""
        found: dict[int, str] = {}
        look = self.parameters.look
        for frame in sorted(standing_frames(self.objects, self.output, look)):
            uri = frame_uri(self.output, look, frame)
            head = self.objects.client.head_object(Bucket=uri.bucket, Key=uri.key)
            found[frame] = f"{head['ETag']} {head['LastModified'].isoformat()} {head['Metadata'].get('attempt')}"
        return found

    def wait_for(self, process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
        """Returns when it holds, or the process has ended."""
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and not condition():
            assert time.monotonic() < deadline, "nothing happened"
            time.sleep(0.02)

    def wait(self, process: subprocess.Popen[str], seconds: float) -> None:
        """For so long, or until the process has ended."""
        deadline = time.monotonic() + seconds
        self.wait_for(process, lambda: time.monotonic() > deadline)

    def terminate(self, process: subprocess.Popen[str]) -> None:
        process.terminate()

    def kill(self, process: subprocess.Popen[str]) -> None:
        """As when the machine goes: the whole group at once."""
        os.killpg(process.pid, signal.SIGKILL)

    def fetch(self, name: str) -> bytes:
        return self.objects.get(self.output / name)

    def pixels(self) -> dict[int, bytes]:
        """Frame -> decoded pixels, of what was published."""
        return {frame: decoded(self.fetch(f"frames/{frame:06d}.png")) for frame in self.parameters.frames}

    def disband(self) -> None:
        """Nothing is left running."""
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=PATIENCE)


@cache
def ffmpeg() -> str:
    """The FFmpeg of the renderer's environment."""
    code = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())"
    return subprocess.run([python(), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def decoded(picture: bytes) -> bytes:
    """A picture's pixels in its own format, to the last bit."""
    command = [ffmpeg(), "-v", "error", "-f", "png_pipe", "-i", "-", "-f", "rawvideo", "-"]
    return subprocess.run(command, input=picture, capture_output=True, check=True).stdout


def film_pixels(film: Path) -> bytes:
    """Every frame of a film, one after the other."""
    command = [ffmpeg(), "-v", "error", "-i", str(film), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def sound_of(film: Path) -> array[int]:
    """A film's sound: 48,000 samples a second."""
    form = ("-f", "s16le", "-ac", "1", "-ar", "48000")
    command = [ffmpeg(), "-v", "error", "-i", str(film), "-map", "0:a:0", *form, "-"]
    return array("h", subprocess.run(command, capture_output=True, check=True).stdout)
