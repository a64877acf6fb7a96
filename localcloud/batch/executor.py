"""Runs attempts: one thread between the scheduler's commands and the fork servers' reports."""

import logging
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from localcloud.batch.commands import Start, Stop
from localcloud.batch.launch import Launch
from localcloud.batch.output import Output
from localcloud.batch.pool import Pool
from localcloud.batch.ports import Logs
from localcloud.batch.servers import Key, Report, Server, key
from localcloud.errors import LocalCloudError

LOG = logging.getLogger(__name__)
POLL = 100  # milliseconds between two looks at what running attempts print
LOST = 128 + signal.SIGKILL  # exit code of an attempt whose fork server died under it


class Engine(Protocol):
    """Decides; is told what happens to attempts."""

    def attempt_started(self, job_id: str, attempt: int) -> None: ...
    def attempt_ended(self, job_id: str, attempt: int, *, exit_code: int | None, reason: str | None = None) -> None: ...
    def tick(self) -> int | None:
        """Let time pass. Returns in how many milliseconds to come again; None: only when something happens."""
        ...


@dataclass(slots=True)
class _Running:
    launch: Launch
    server: Server
    output: Output


class Executor:
    """``prepare`` turns a Start into a Launch, and raises LookupError when the image cannot run here."""

    def __init__(
        self, engine: Engine, prepare: Callable[[Start], Launch], logs: Logs, clock: Callable[[], int], root: Path
    ) -> None:
        if sys.platform != "linux":
            raise LocalCloudError("jobs run on Linux only: the engine needs epoll, eventfd, prctl and /proc")
        self._engine = engine
        self._prepare = prepare
        self._logs = logs
        self._clock = clock
        self._root = root
        self._commands: deque[Start | Stop] = deque()
        self._running: dict[Key, _Running] = {}
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._pool = Pool(
            root,
            clock,
            opened=self._hear,
            closing=self._unhear,
        )
        self._thread = threading.Thread(target=self._run, name="batch-executor", daemon=True)
        self._leaving = False
        self._door = threading.Lock()  # nobody rouses the thread once it is told to leave: its descriptor is given up
        self._pumped = 0  # milliseconds since 1970

    def start(self) -> None:
        """Begin to run what is posted."""
        shutil.rmtree(self._root, ignore_errors=True)  # an engine that was killed may have left directories
        self._root.mkdir(parents=True)
        self._thread.start()

    def stop(self) -> None:
        """Kill what runs; returns when no process of ours is left. Again, or without ``start``, it does nothing."""
        if self._leaving or self._thread.ident is None:
            return
        with self._door:
            self._leaving = True
            self._rouse()
        self._thread.join()
        self._selector.close()
        os.close(self._wake)
        shutil.rmtree(self._root, ignore_errors=True)

    def post(self, commands: Iterable[Start | Stop]) -> None:
        """From any thread: carry these out, in order."""
        self._commands.extend(commands)
        if threading.current_thread() is self._thread:
            return
        with self._door:
            if not self._leaving:
                self._rouse()

    def _rouse(self) -> None:
        os.eventfd_write(self._wake, 1)

    def _run(self) -> None:
        try:
            while not self._leaving:
                try:
                    self._round()
                except Exception:
                    LOG.exception("batch: the executor goes on after an error of its own")
        finally:
            self._pool.close()
            for running in self._running.values():
                running.output.close()

    def _round(self) -> None:
        due = self._engine.tick()
        while self._commands:
            self._obey(self._commands.popleft())
        for server in self._pool.unread():
            self._listen(server)
        for ready, _ in self._selector.select(self._patience(due)):
            if ready.fileobj == self._wake:
                with suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
            else:
                self._listen(ready.data)
        self._pump()

    def _patience(self, due: int | None) -> float | None:
        """Seconds until there is something to do though nothing happens."""
        look = min(POLL, self._pumped + POLL - self._clock()) if self._running else None  # clocks are set back
        waits = [each for each in (due, look) if each is not None]
        return max(0, min(waits)) / 1000 if waits else None

    def _pump(self) -> None:
        """Every POLL milliseconds; what an attempt prints last is read when it ends."""
        now = self._clock()
        if not 0 <= now - self._pumped < POLL:
            self._pumped = now
            self._pool.hurry()
            busy = [running.output.pump(now) for running in self._running.values()]
            if any(busy):
                self._pumped = 0

    def _obey(self, command: Start | Stop) -> None:
        if isinstance(command, Stop):
            attempt = (command.job_id, command.attempt)
            if attempt in self._running:
                number = signal.SIGKILL if command.kill else signal.SIGTERM
                self._running[attempt].server.signal(attempt, number)
            return
        self._begin((command.job.id, command.attempt), command)

    def _begin(self, attempt: Key, what: Start | Launch) -> None:
        try:
            self._spawn(attempt, self._prepare(what) if isinstance(what, Start) else what)
        except LookupError as error:
            self._fail(attempt, f"CannotPullContainerError: {error.args[0]}")
        except LocalCloudError as error:
            self._fail(attempt, f"CannotStartContainerError: {error}")
        except Exception as error:
            LOG.exception("batch: job %s cannot start", attempt[0])
            self._fail(attempt, f"CannotStartContainerError: {error}")

    def _fail(self, attempt: Key, reason: str) -> None:
        self._engine.attempt_ended(*attempt, exit_code=None, reason=reason)

    def _spawn(self, attempt: Key, launch: Launch) -> None:
        server = self._pool.get(launch)
        reading, writing = os.pipe2(os.O_CLOEXEC)
        output = Output(reading, self._logs, launch.log_group, launch.log_stream)
        self._running[attempt] = _Running(launch, server, output)
        try:
            server.spawn(launch, writing)
        except (LocalCloudError, OSError):
            del self._running[attempt]
            server.pids.pop(attempt, None)
            output.close()
            raise

    def _hear(self, server: Server) -> None:
        self._selector.register(server, selectors.EVENT_READ, server)

    def _unhear(self, server: Server) -> None:
        self._selector.unregister(server)

    def _listen(self, server: Server) -> None:
        try:
            for report in server.reports():
                self._take(report)
        except EOFError:
            self._bury(server)

    def _take(self, report: Report) -> None:
        if "started" in report:
            attempt = key(report["started"])
            self._running[attempt].output.begin()
            self._engine.attempt_started(*attempt)
        elif "ended" in report:
            self._end(key(report["ended"]), report["code"], report.get("reason"))
        elif "failed" in report:
            self._end(key(report["failed"]), None, f"CannotStartContainerError: {report['reason']}")

    def _end(self, attempt: Key, code: int | None, reason: str | None) -> None:
        running = self._running.pop(attempt)
        if code is None:
            running.output.close()  # it never ran, and has no log
        else:
            running.output.finish(self._clock())
        self._pool.rest(running.server)
        self._engine.attempt_ended(*attempt, exit_code=code, reason=reason)

    def _bury(self, server: Server) -> None:
        """A fork server has died: its attempts are lost, or begin again if its package let it begin none."""
        again = self._pool.bury(server)
        for attempt, running in [(attempt, each) for attempt, each in self._running.items() if each.server is server]:
            if again:
                running.output.close()
                del self._running[attempt]
                self._begin(attempt, running.launch)
            else:
                _clear(running.launch)
                self._end(attempt, LOST, None)


def _clear(launch: Launch) -> None:
    """What the fork server would have done when the attempt had ended."""
    shutil.rmtree(launch.directory, ignore_errors=True)
    if launch.afterwards:
        with suppress(OSError):
            subprocess.run(launch.afterwards, env=launch.environment, capture_output=True, check=False)  # noqa: S603 - our own program
