"""Who may enter, over real sockets."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest

from localcloud.calls import Call, Reply
from localcloud.gateway import Gateway
from localcloud.server import Server, listen

SIGNED = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=x"


@pytest.fixture
def entered() -> list[str]:
    """The services that were reached."""
    return []


@pytest.fixture
def port(entered: list[str]) -> Iterator[int]:
    def service(call: Call) -> Reply:
        entered.append(call.service)
        return Reply()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        entered.append(f"s3 {environ['HTTP_HOST'].partition(':')[0]}")
        start_response("200 OK", [])
        return []

    running = Server(listen(0), Gateway({"lambda": service}, objects=application, fallback=application))
    running.start()
    yield running.port
    running.stop()


def ask(port: int, service: str, **headers: str) -> int:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        sent = {"Host": f"127.0.0.1:{port}", "Authorization": SIGNED.format(service), **headers}
        connection.request("POST", "/2015-03-31/functions/f/invocations", b"{}", sent)
        return connection.getresponse().status


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4566", "LocalHost", "[::1]:80", "127.0.0.1:1"])
def test_programs_of_this_machine_enter(port: int, entered: list[str], host: str) -> None:
    assert ask(port, "lambda", Host=host) == 200
    assert entered == ["lambda"]


@pytest.mark.parametrize("host", ["bucket.localhost", "a.bucket_1.s3.localhost:4566"])
def test_a_bucket_s_own_host_enters(port: int, entered: list[str], host: str) -> None:
    assert ask(port, "s3", Host=host) == 200
    assert entered == [f"s3 {host.partition(':')[0]}"]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4566", "127.0.0.1.evil.example", "localhost.evil.example", "evillocalhost", ""],
)
def test_a_name_that_leads_here_by_dns_rebinding_does_not_enter(port: int, entered: list[str], host: str) -> None:
    assert ask(port, "lambda", Host=host) == 403
    assert entered == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:4566"])
def test_no_web_page_enters(port: int, entered: list[str], origin: str) -> None:
    assert ask(port, "lambda", Origin=origin) == 403
    assert ask(port, "s3", Origin=origin) == 403
    assert entered == []
