"""Workers by function: reused while warm, more of them for concurrent invocations.

Up to ``limit`` workers start as they are needed. Beyond it an invocation first waits a little for one to come free,
since on a machine of few cores that is sooner; only if none does is another started, up to ``most``: functions that
invoke functions must not wait for each other for ever.
"""

import threading
import time
from collections import deque

from localcloud.errors import ApiError
from localcloud.functions.configuration import FunctionConfiguration
from localcloud.functions.runtimeapi import Invocation
from localcloud.functions.worker import Host, Outcome, Worker

IDLE_SECONDS = 300
PATIENCE_SECONDS = 1.0  # how long an invocation waits for a worker before one beyond the limit is started


class Pool:
    """Runs invocations; those beyond a function's reserved concurrency are throttled."""

    def __init__(self, host: Host, *, limit: int, most: int) -> None:
        self._host = host
        self._limit = limit
        self._most = most
        self._idle: dict[str, deque[Worker]] = {}
        self._busy: dict[str, int] = {}
        self._workers: set[Worker] = set()
        self._changed = threading.Condition()
        self._stopped = False

    def invoke(self, function: FunctionConfiguration, invocation: Invocation) -> Outcome:
        self._reserve(function)
        try:
            worker = self._acquire(function)
            try:
                return worker.invoke(invocation)
            finally:
                self._release(worker)
        finally:
            with self._changed:
                self._busy[function.name] -= 1

    def start(self) -> None:
        threading.Thread(target=self._reap, name="function-reaper", daemon=True).start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            workers, self._workers = self._workers, set()
            self._idle.clear()
            self._changed.notify_all()
        for worker in workers:
            worker.stop()

    def _reserve(self, function: FunctionConfiguration) -> None:
        with self._changed:
            busy = self._busy.get(function.name, 0)
            if function.reserved_concurrency is not None and busy >= function.reserved_concurrency:
                raise ApiError(429, "TooManyRequestsException", "Rate Exceeded.")
            self._busy[function.name] = busy + 1

    def _acquire(self, function: FunctionConfiguration) -> Worker:
        patience = time.monotonic() + PATIENCE_SECONDS
        with self._changed:
            while not self._stopped:
                warm = self._warm(function)
                if warm is not None:
                    return warm
                self._workers = {worker for worker in self._workers if not worker.dead}
                remaining = patience - time.monotonic()
                limit = self._limit if remaining > 0 else self._most
                if len(self._workers) < limit or self._evict():
                    worker = Worker(function, self._host)
                    self._workers.add(worker)
                    return worker
                self._changed.wait(remaining if remaining > 0 else None)
        raise ApiError(503, "ServiceUnavailableException", "localcloud is stopping")

    def _warm(self, function: FunctionConfiguration) -> Worker | None:
        """A worker that waits, of this very revision; those of an older one are stopped."""
        idle = self._idle.get(function.arn, deque())
        while idle:
            worker = idle.pop()  # the most recently used: the rest may idle out
            if not worker.dead and worker.function.revision == function.revision:
                return worker
            self._workers.discard(worker)
            worker.stop()
        return None

    def _release(self, worker: Worker) -> None:
        with self._changed:
            if worker.dead or self._stopped:
                self._workers.discard(worker)
            else:
                self._idle.setdefault(worker.function.arn, deque()).append(worker)
            self._changed.notify_all()

    def _evict(self) -> bool:
        """Stop the worker that has idled longest, to make room."""
        waiting = [idle for idle in self._idle.values() if idle]
        if not waiting:
            return False
        worker = min(waiting, key=lambda idle: idle[0].idle_since).popleft()
        self._workers.discard(worker)
        worker.stop()
        return True

    def _reap(self) -> None:
        while not self._stopped:
            time.sleep(IDLE_SECONDS / 10)
            with self._changed:
                for idle in self._idle.values():
                    while idle and (idle[0].dead or time.monotonic() - idle[0].idle_since > IDLE_SECONDS):
                        worker = idle.popleft()
                        self._workers.discard(worker)
                        worker.stop()
