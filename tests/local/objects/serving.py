"""A real process that serves S3 on 127.0.0.1: the object store, or moto's own S3.

    python serving.py files|moto ROOT REGION

Prints its port, and ends when its standard input does.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"


def client(port: int, region: str = REGION) -> "S3Client":
    """A boto3 client that neither retries nor waits long: a test wants to see the first answer."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30, max_pool_connections=32),
    )


@contextlib.contextmanager
def serving(kind: str, root: Path, region: str = REGION) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """The running process and its port; it is ended on the way out, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, __file__, kind, str(root), region], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def main(kind: str, root: Path, region: str) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from localcloud.objects import application
    from localcloud.server import Server, listen

    moto = DomainDispatcherApplication(create_backend_app)
    server = Server(listen(0), moto if kind == "moto" else application(root, moto, region=region))
    server.start()
    print(server.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
