"""The HTTP server, over real sockets."""

import errno
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest

from localcloud.server import Server, listen

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers what was asked; the path chooses how."""
    path = environ["PATH_INFO"]
    if path == "/unread":
        start_response("200 OK", [("Content-Length", "0")])
        return []
    if path == "/fails":
        raise RuntimeError("a bug")
    body = environ["wsgi.input"].read()
    if path == "/empty":
        start_response("204 No Content", [])
        return []
    if path == "/pieces":
        start_response("200 OK", [("Content-Length", str(3 * 100_000))])
        return (bytes([letter]) * 100_000 for letter in b"abc")
    if path == "/late":
        start_response("200 OK", [("X-A", environ.get("HTTP_X_A", ""))])
        return iter([b"one", b"two"])
    start_response(
        "200 OK", [("Content-Length", str(len(body))), ("X-Names", str(environ["moto.preserved_header_names"]))]
    )
    return [body]


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(listen(0), echo)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(server: Server) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        yield connection


def ask(client: HTTPConnection, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    client.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = client.getresponse()
    return response.status, response.read()


def test_one_connection_carries_many_requests(client: HTTPConnection) -> None:
    for size in (0, 1, 70_000, 2_000_000):
        assert ask(client, "PUT", "/x", b"a" * size) == (200, b"a" * size)
        first = client.sock
    assert client.sock is first is not None


def test_a_chunked_body_arrives_whole(client: HTTPConnection) -> None:
    pieces = [b"a" * 10, b"", b"b" * 100_000]
    client.request("PUT", "/x", iter(pieces), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert client.getresponse().read() == b"".join(pieces)
    assert ask(client, "GET", "/late") == (200, b"onetwo")


def test_a_body_that_nobody_reads_does_not_disturb_the_next_request(client: HTTPConnection) -> None:
    assert ask(client, "PUT", "/unread", b"x" * 1000) == (200, b"")
    assert ask(client, "PUT", "/x", b"y") == (200, b"y")


def test_an_answer_in_pieces_arrives_whole(client: HTTPConnection) -> None:
    assert ask(client, "GET", "/pieces") == (200, b"a" * 100_000 + b"b" * 100_000 + b"c" * 100_000)


def test_head_and_204_have_no_body(client: HTTPConnection) -> None:
    assert ask(client, "HEAD", "/pieces") == (200, b"")
    assert ask(client, "GET", "/empty") == (204, b"")
    assert ask(client, "GET", "/late") == (200, b"onetwo")


def test_a_bug_is_answered_with_500(client: HTTPConnection, caplog: pytest.LogCaptureFixture) -> None:
    status, body = ask(client, "GET", "/fails")
    assert (status, body) == (500, b"RuntimeError: a bug\n")
    assert "GET /fails failed: a bug" in caplog.text


def test_continue_is_sent_when_the_body_is_wanted(server: Server) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as raw, raw.makefile("rb") as stream:
        raw.sendall(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert stream.readline() == b"\r\n"
        raw.sendall(b"abc")
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"


def test_continue_is_sent_for_an_empty_body_too_because_the_aws_cli_waits_for_it(server: Server) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as raw, raw.makefile("rb") as stream:
        raw.sendall(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n")
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"


def test_continue_is_not_sent_when_the_answer_is_known_without_the_body(server: Server) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as raw:
        raw.sendall(b"PUT /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "request_bytes", [b"nonsense\r\n\r\n", b"GET / HTTP/2\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"]
)
def test_what_is_not_http_closes_the_connection(server: Server, request_bytes: bytes) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as raw:
        raw.sendall(request_bytes)
        assert raw.recv(1) == b""


def test_underscores_pass_only_in_metadata_names(client: HTTPConnection) -> None:
    client.putrequest("GET", "/x")
    client.putheader("x-amz-meta-my_key", "1")
    client.putheader("X_A", "spoof")
    client.endheaders()
    response = client.getresponse()
    assert response.getheader("X-Names") == "{'HTTP_X_AMZ_META_MY_KEY': 'x-amz-meta-my_key'}"


def test_a_stopped_server_closes_its_connections(server: Server, client: HTTPConnection) -> None:
    ask(client, "GET", "/late")
    server.stop()
    with pytest.raises(OSError, match="Connection refused"):
        HTTPConnection("127.0.0.1", server.port, timeout=10).connect()


def test_a_server_out_of_file_descriptors_waits_and_then_answers(
    server: Server, client: HTTPConnection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []
    real, refusals = server._listener, 3

    class Refusing:
        def accept(self) -> Any:
            if len(pauses) < refusals:
                raise OSError(errno.EMFILE, "Too many open files")
            return real.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    monkeypatch.setattr("localcloud.server.time.sleep", pauses.append)
    monkeypatch.setattr(server, "_listener", Refusing())
    assert ask(client, "PUT", "/x", b"first") == (200, b"first")  # its accept() was under way
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as second:
        assert ask(second, "PUT", "/x", b"second") == (200, b"second")
    assert len(pauses) == refusals
    assert caplog.text.count("cannot accept a connection") == 1
