"""What a service on this machine may do to a download."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from fanout.s3 import S3Uri
from stepbatch.nearby import NearObjects


class Broken(BaseHTTPRequestHandler):
    """Dies in the middle of every object."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"abc")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def objects() -> Iterator[NearObjects]:
    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        yield NearObjects(client, connections=1)
        server.shutdown()
        thread.join()


def test_an_object_that_ends_too_early_is_an_error_as_the_clients_own(objects: NearObjects) -> None:
    with pytest.raises(BotoCoreError, match="3 bytes"):
        objects.get(S3Uri("bucket", "key"))
