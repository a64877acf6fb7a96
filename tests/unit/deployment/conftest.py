"""A place for answers: what CloudFormation's ResponseURL is in these tests."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest


class Mailbox:
    """Takes PUTs on 127.0.0.1; the first ``refusals`` of them are answered with an error."""

    def __init__(self) -> None:
        self.refusals = 0
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused = mailbox.refusals > 0
                mailbox.refusals -= refused
                if not refused:
                    mailbox.received.append(json.loads(body))
                    mailbox.headers.append(dict(self.headers))
                self.send_response(503 if refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/answer?X-Amz-Signature=abc"

    @property
    def only(self) -> dict[str, Any]:
        [answer] = self.received
        return answer


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    thread = Thread(target=box.server.serve_forever, args=(0.02,))
    thread.start()
    yield box
    box.server.shutdown()
    thread.join()
    box.server.server_close()


@pytest.fixture
def request_of(mailbox: Mailbox) -> Any:
    """Makes CloudFormation's request of a kind, with properties."""

    def make(kind: str, **properties: Any) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": mailbox.url,
            "StackId": "arn:aws:cloudformation:eu-west-1:111111111111:stack/desk/6f0c",
            "RequestId": "r-1",
            "LogicalResourceId": "It",
            "ResourceType": "Custom::It",
            "ResourceProperties": {"ServiceToken": "arn:f", **properties},
            **({} if kind == "Create" else {"PhysicalResourceId": "desk-It"}),
        }

    return make
