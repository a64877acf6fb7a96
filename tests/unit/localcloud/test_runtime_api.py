"""The Lambda Runtime API of a worker: for its worker, and for no web page."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from localcloud.functions.runtimeapi import Invocation, RuntimeApi

NEXT = "/2018-06-01/runtime/invocation/next"


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    running = RuntimeApi(deadline=lambda: 0)
    running.start()
    running.offer(Invocation(request_id="r", payload=b'{"secret": 1}', arn="arn"))
    yield running
    running.stop()


def status_and_body(api: RuntimeApi, **headers: str) -> tuple[int, bytes]:
    host, _, port = api.address.partition(":")
    with closing(HTTPConnection(host, int(port), timeout=10)) as connection:
        connection.request("GET", NEXT, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_worker_gets_its_invocation(api: RuntimeApi) -> None:
    assert status_and_body(api) == (200, b'{"secret": 1}')


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_web_page_gets_nothing(api: RuntimeApi, headers: dict[str, str]) -> None:
    status, body = status_and_body(api, **headers)
    assert status == 403
    assert b"secret" not in body
    assert status_and_body(api)[0] == 200, "and the worker's invocation is still there"
