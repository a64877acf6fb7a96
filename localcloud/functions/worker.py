"""One execution environment: a process of the official runtime client, used for one invocation at a time."""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from localcloud.functions.configuration import FunctionConfiguration, worker_environment
from localcloud.functions.logs import LogPipe, Sink
from localcloud.functions.runtimeapi import Event, Invocation, RuntimeApi
from localcloud.processes import Spawner

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
INIT_SECONDS = 10  # a function that takes longer to load is loaded again within its own timeout, as AWS does


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What workers need from the cloud."""

    spawner: Spawner
    credentials: Callable[[str | None, str], Mapping[str, str]]
    logs: Callable[[str, str, str], Sink]  # role, group and stream to a sink
    endpoint_url: str
    region: str
    root: Path  # scratch directories of workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer to an invocation; ``error`` is the X-Amz-Function-Error header, if any."""

    payload: bytes
    error: str | None = None
    tail: bytes = b""


class Worker:
    """Starts its process at once; :meth:`invoke` waits for it. After :attr:`dead` it takes no more invocations."""

    def __init__(self, function: FunctionConfiguration, host: Host) -> None:
        self.function = function
        self.dead = False
        self.idle_since = time.monotonic()
        self._begun = time.monotonic()
        self._init_reported = False
        self._scratch = Path(tempfile.mkdtemp(prefix=f"{function.name}-", dir=host.root))
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{os.urandom(16).hex()}"
        self._log = LogPipe(host.logs(function.role, function.log_group, stream))
        self._api = RuntimeApi(deadline=lambda: int((time.time() + function.timeout) * 1000))
        environment = worker_environment(
            function,
            inherited=os.environ,
            credentials=host.credentials(function.role, function.name),
            endpoint_url=host.endpoint_url,
            region=host.region,
            runtime_api=self._api.address,
            log_stream=stream,
            scratch=self._scratch,
        )
        self._spawner = host.spawner
        self._process = self._start(environment)
        self._log.start()
        self._api.start()
        threading.Thread(target=self._watch, name="function-exit", daemon=True).start()

    def _start(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        return self._spawner.popen(
            [sys.executable, "-P", str(BOOTSTRAP), self.function.handler],
            environment=environment | {"LOCALCLOUD_PID": str(os.getpid())},
            directory=self.function.code,
            output=self._log.write_end,
        )

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation to its end, however it ends."""
        self._log.begin()
        self._log.say(f"START RequestId: {invocation.request_id} Version: {self.function.version}")
        self._api.offer(invocation)
        init = self._await_taken()
        begun = time.monotonic()
        event = init if init.kind != "taken" else self._await_end(invocation.request_id)
        milliseconds = (time.monotonic() - begun) * 1000
        payload, error = self._judge(event, invocation.request_id)
        self._log.drain()
        self._report(invocation.request_id, milliseconds)
        self.idle_since = time.monotonic()
        return Outcome(payload=payload, error=error, tail=self._log.tail())

    def stop(self) -> None:
        """End the process and everything it started."""
        self.dead = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _await_taken(self) -> Event:
        return self._next_event(max(INIT_SECONDS, self.function.timeout))

    def _await_end(self, request_id: str) -> Event:
        deadline = time.monotonic() + self.function.timeout
        while True:
            event = self._next_event(deadline - time.monotonic())
            if event.kind not in ("response", "error") or event.request_id == request_id:
                return event

    def _next_event(self, seconds: float) -> Event:
        try:
            return self._api.events.get(timeout=max(seconds, 0))
        except queue.Empty:
            return Event(kind="timeout")

    def _judge(self, event: Event, request_id: str) -> tuple[bytes, str | None]:
        """The payload and error header that AWS gives for ``event``."""
        if event.kind == "response":
            return event.body, None
        if event.kind == "error":
            return event.body, "Unhandled"
        self.stop()
        if event.kind == "init-error":
            return event.body, "Unhandled"
        if event.kind == "timeout":
            problem, kind = f"Task timed out after {self.function.timeout:.2f} seconds", "Sandbox.Timedout"
            self._log.drain()
            self._log.say(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z} {request_id} {problem}")
        else:
            how = f"signal: {_signal(-event.code)}" if event.code < 0 else f"exit status {event.code}"
            problem, kind = f"Runtime exited with error: {how}", "Runtime.ExitError"
            if event.code == 0:
                problem = "Runtime exited without providing a reason"
            self._log.drain()
            self._log.say(f"RequestId: {request_id} Error: {problem}\n{kind}")
        document = {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {problem}"}
        return json.dumps(document).encode(), "Unhandled"

    def _report(self, request_id: str, milliseconds: float) -> None:
        self._log.say(f"END RequestId: {request_id}")
        parts = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {milliseconds:.2f} ms",
            f"Billed Duration: {int(-(-milliseconds // 1))} ms",
            f"Memory Size: {self.function.memory} MB",
            f"Max Memory Used: {_peak_memory(self._process.pid)} MB",
        ]
        if not self._init_reported:
            self._init_reported = True
            parts.append(f"Init Duration: {(time.monotonic() - self._begun) * 1000 - milliseconds:.2f} ms")
        self._log.say("\t".join(parts) + "\t")

    def _watch(self) -> None:
        code = self._spawner.reap(self._process)
        self.dead = True
        self._api.events.put(Event(kind="exit", code=code))
        self._api.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _signal(number: int) -> str:
    return "killed" if number == signal.SIGKILL else signal.strsignal(number) or str(number)


def _peak_memory(pid: int) -> int:
    """The most memory that the process has held, in MB; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)
