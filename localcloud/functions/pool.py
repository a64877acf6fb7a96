"""Workers by function: reused while warm, more of them for concurrent invocations, at most so many at a time."""

import threading
import time
from collections import deque

from localcloud.errors import ApiError
from localcloud.functions.configuration import FunctionConfiguration
from localcloud.functions.runtimeapi import Invocation
from localcloud.functions.worker import Host, Outcome, Worker

IDLE_SECONDS = 300


class Pool:
    """Invocations beyond ``limit`` wait for a worker; beyond a function's reserved concurrency they are throttled."""

    def __init__(self, host: Host, *, limit: int) -> None:
        self._host = host
        self._limit = limit
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
        with self._changed:
            while not self._stopped:
                idle = self._idle.setdefault(_key(function), deque())
                while idle:
                    worker = idle.pop()  # the most recently used: the rest may idle out
                    if not worker.dead:
                        return worker
                    self._workers.discard(worker)
                self._workers = {worker for worker in self._workers if not worker.dead}
                if len(self._workers) < self._limit or self._evict():
                    worker = Worker(function, self._host)
                    self._workers.add(worker)
                    return worker
                self._changed.wait()
        raise ApiError(503, "ServiceUnavailableException", "localcloud is stopping")

    def _release(self, worker: Worker) -> None:
        with self._changed:
            if worker.dead or self._stopped:
                self._workers.discard(worker)
            else:
                self._idle.setdefault(_key(worker.function), deque()).append(worker)
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


def _key(function: FunctionConfiguration) -> str:
    return f"{function.arn}@{function.revision}"
