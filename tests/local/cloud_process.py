"""A local cloud as a process of its own, for tests."""

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import get_session

START_SECONDS = 300  # far beyond what it takes: a hung start must fail, a busy machine must not


@dataclass(slots=True)
class Cloud:
    """A running local cloud."""

    process: subprocess.Popen[str]
    endpoint_url: str
    region: str
    account: str
    stack: str
    outputs: dict[str, str]
    pid: int
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of ``service``, with a developer's credentials."""
        key = f"{service} {config}"
        if key not in self._clients:
            self._clients[key] = get_session().create_client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=self.region,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(**config),
            )
        return self._clients[key]

    @property
    def environment(self) -> dict[str, str]:
        """What the AWS CLI needs to talk to it."""
        return {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.region,
        }


def start_cloud(template: Path | None, *options: str, log: Path) -> Cloud:
    """Start ``python -m localcloud`` on a free port, empty without a template; it ends when this process does."""
    command = [sys.executable, "-m", "localcloud", "--port", "0", "--exit-with-stdin"]
    if template is not None:
        command += ["--template", str(template)]
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    line = first_line(process)
    if not line.endswith(b"\n"):
        process.kill()
        process.wait()
    assert line.endswith(b"\n"), f"the local cloud did not start: {log.read_text()}"
    ready = json.loads(line)
    return Cloud(
        process=process,
        endpoint_url=ready["endpointUrl"],
        region=ready["region"],
        account=ready["account"],
        stack=ready["stack"],
        outputs=ready["outputs"],
        pid=ready["pid"],
    )


def first_line(process: subprocess.Popen[str]) -> bytes:
    """What it says when it is ready, the only thing that it ever says; torn if it ends, or takes too long, before."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return line
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            return line
        line += piece
    return line


def stop_cloud(cloud: Cloud) -> None:
    """End it cleanly, which must take no force."""
    assert cloud.process.stdin is not None
    assert cloud.process.stdout is not None
    cloud.process.stdin.close()
    try:
        assert cloud.process.wait(timeout=START_SECONDS) == 0
    finally:
        cloud.process.kill()
        cloud.process.stdout.close()
    for client in cloud._clients.values():
        client.close()
