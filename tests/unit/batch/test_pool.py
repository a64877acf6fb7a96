"""Which fork servers are kept, with servers that start nothing."""

from pathlib import Path
from typing import Any

import pytest

from localcloud.batch import pool
from localcloud.batch.launch import Launch
from localcloud.batch.pool import MOST, PATIENCE, Pool
from localcloud.batch.ports import Image


class FakeServer:
    """What the pool asks of a server."""

    def __init__(self, environment: object, *, interpreter: str, package: str | None) -> None:
        self.ready = True
        self.unread = False
        self.pids: dict[object, int] = {}
        self.closed = self.killed = False

    def close(self) -> None:
        self.closed = True

    def kill(self) -> None:
        self.killed = True


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def servers(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    monkeypatch.setattr(pool, "Server", FakeServer)
    return Pool(tmp_path, clock, opened=lambda _: None, closing=lambda _: None)


def launch(mode: int) -> Launch:
    """An attempt of a package; each mode needs a server of its own."""
    return Launch(
        job_id="job",
        attempt=1,
        image=Image(package="package", argv_prefix=("python", "-m", "package")),
        role=None,
        argv=(),
        arguments=(),
        shared={"MODE": str(mode)},
        credentials={},
        own={},
        directory=Path("nowhere"),
        log_group="group",
        log_stream="stream",
    )


def occupied(servers: Pool, mode: int) -> Any:
    server: Any = servers.get(launch(mode))
    server.pids["attempt", mode] = mode
    return server


def test_a_server_is_used_again(servers: Pool) -> None:
    assert servers.get(launch(1)) is servers.get(launch(1))
    assert servers.get(launch(1)) is not servers.get(launch(2))


def test_idle_servers_beyond_the_limit_are_closed_the_longest_unused_first(servers: Pool) -> None:
    begun: list[Any] = [servers.get(launch(mode)) for mode in range(MOST + 2)]
    assert [server.closed for server in begun] == [True, True] + [False] * MOST


def test_any_number_of_servers_may_be_busy_at_once(servers: Pool) -> None:
    begun = [occupied(servers, mode) for mode in range(3 * MOST)]
    assert not any(server.closed for server in begun)


def test_a_package_that_waits_for_ever_while_it_is_imported_runs_without_a_server(servers: Pool, clock: Clock) -> None:
    server = occupied(servers, 1)
    server.ready = False
    clock.now = PATIENCE - 1
    servers.hurry()
    assert not server.killed
    clock.now = PATIENCE
    servers.hurry()
    assert server.killed
    assert servers.bury(server)
    cold, other = servers.get(launch(1)), servers.get(launch(2))
    assert servers.get(launch(1)) is cold is not other


def test_a_server_that_became_ready_in_time_is_left_alone(servers: Pool, clock: Clock) -> None:
    server = occupied(servers, 1)
    servers.hurry()
    clock.now = 2 * PATIENCE
    servers.hurry()
    assert not server.killed
