"""Starts, watches and ends the processes of an image. A program: ``python -P forkserver.py FD [PACKAGE]``.

It runs outside the engine, in one thread, so that forking is safe and cheap. With a PACKAGE, whose paths PYTHONPATH
gives, children are forks that run it (see ``warm``); else they execute their command. Requests come from the socket FD,
one JSON object a packet::

    -> {"spawn": id, "argv": […], "arguments": […], "env": {…}, "cwd": dir}   with the descriptor for stdout and stderr
    -> {"signal": id, "number": n}
    <- {"ready": true}   {"started": id, "pid": n}   {"failed": id, "reason": text}
    <- {"ended": id, "code": n, "reason": text}

A request may name a command to run "afterwards", when the child is gone, however it went: it removes what is not a
process, such as a container, and prints the reason of the end if it knows one.

Each child leads a process group of its own, dies with this process (PR_SET_PDEATHSIG), and takes along all that it
started when it ends, as the first process of a container does. When the socket closes, however the engine ended, every
child and everything that a child left behind is killed. Only the standard library is imported here.
"""

import ctypes
import errno
import importlib.util
import io
import json
import os
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from select import EPOLLIN, epoll
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MADV_COLLAPSE = 25
HUGE_PAGE = 1 << 21
MAX_PACKET = 1 << 20
NOT_RUN, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127  # exit codes of docker run when the program itself has none
_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """Raises OSError."""
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class ForkServer:
    """Children by process id; requests in, reports out."""

    def __init__(self, requests: socket.socket, package: Any = None) -> None:
        self._requests = requests
        self._package = package  # a warm.Package, prepared
        self._children: dict[int, dict[str, Any]] = {}  # pid -> its spawn request
        self._pids: dict[str, int] = {}
        self._removals: dict[int, tuple[dict[str, Any], int, int]] = {}  # pid -> request, exit code, what it prints
        self._wake, wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_in)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._leave())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._pid = os.getpid()
        self._private = [self._wake, wake_in]  # what a child must not keep

    def serve(self) -> None:
        """Until the engine is gone."""
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        poll = epoll()
        poll.register(self._requests, EPOLLIN)
        poll.register(self._wake, EPOLLIN)
        self._private.append(poll.fileno())
        self._report(ready=True)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._wake in ready:
                with suppress(BlockingIOError):
                    os.read(self._wake, 4096)
                self._reap()
            if self._requests.fileno() in ready:
                self._request()

    def _request(self) -> None:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._requests, MAX_PACKET, 1)
        except ConnectionResetError:  # the engine left before it had read all reports
            packet = b""
        if not packet:
            self._leave()
        request = json.loads(packet)
        if "spawn" in request:
            os.set_inheritable(descriptors[0], False)
            try:
                self._spawn(request, descriptors[0])
            finally:
                os.close(descriptors[0])
        elif request["signal"] in self._pids:  # not reaped yet, so that the number is still the child's
            self._signal(self._pids[request["signal"]], request["number"])

    @staticmethod
    def _signal(pid: int, number: int) -> None:
        """As a container is signalled: its first process, but to kill it is to kill them all."""
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)

    def _spawn(self, request: dict[str, Any], output: int) -> None:
        program = request["argv"][0] if request["argv"] else ""
        if self._package is None and shutil.which(program, path=request["env"].get("PATH")) is None:
            self._report(failed=request["spawn"], reason=f'exec: "{program}": executable file not found in $PATH')
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # a child must not answer it as this process does
        try:
            pid = os.fork()
        except OSError as error:  # no room for another process; those that run go on
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            self._report(failed=request["spawn"], reason=f"fork: {error.strerror}")
            return
        if pid == 0:
            self._become(request, output)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        with suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(pid, pid)
        self._children[pid] = request
        self._pids[request["spawn"]] = pid
        self._report(started=request["spawn"], pid=pid)

    def _become(self, request: dict[str, Any], output: int) -> NoReturn:
        """In the child."""
        code = NOT_RUN
        try:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self._pid:
                os._exit(code)
            prctl(PR_SET_CHILD_SUBREAPER, 1)  # its orphans are its own, and come to the server only when it has ended
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            os.dup2(output, 1)
            os.dup2(output, 2)
            Path(request["cwd"]).mkdir(parents=True)
            os.chdir(request["cwd"])
            if self._package is None:
                _execute(request["argv"], request["env"])
            for descriptor in (*self._private, self._requests.fileno(), output):
                os.close(descriptor)
            code = _run(self._package, request["arguments"], request["env"])
        except OSError as error:
            os.write(2, f"{request['argv'][0]}: {error.strerror}\n".encode())
            code = NOT_EXECUTABLE if error.errno == errno.EACCES else NOT_FOUND
        finally:
            os._exit(code)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                self._bury(found.si_pid)
        if not self._removals:  # they may still ask what is left of an attempt
            for stray in self._strays():
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(stray, signal.SIGKILL)

    def _bury(self, pid: int) -> None:
        request = self._children.pop(pid, None)
        if request is not None:  # its group goes while its number is still taken
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if request is not None:
            self._end(request, os.waitstatus_to_exitcode(status))
        elif pid in self._removals:
            request, code, output = self._removals.pop(pid)
            with open(output, "rb") as printed:  # noqa: PTH123 - a descriptor, not a path
                self._tell_end(request, code, printed.read().decode(errors="replace").strip() or None)

    def _strays(self) -> list[int]:
        """Processes that left the group of an attempt which has ended since: what it orphaned comes to this process."""
        return [pid for pid in self._descended() if pid not in self._children]

    def _descended(self) -> list[int]:
        listing = Path(f"/proc/{self._pid}/task/{self._pid}/children")
        return [int(pid) for pid in listing.read_text().split()] if listing.exists() else []

    def _end(self, request: dict[str, Any], code: int) -> None:
        del self._pids[request["spawn"]]
        if not request.get("afterwards"):
            self._tell_end(request, code, None)
            return
        try:
            pid, output = _remove(request)
        except OSError as error:
            self._tell_end(request, code, f"CannotInspectContainerError: {error}")
        else:
            self._removals[pid] = request, code, output

    def _tell_end(self, request: dict[str, Any], code: int, reason: str | None) -> None:
        try:
            Path(request["cwd"]).rmdir()
        except OSError:
            shutil.rmtree(request["cwd"], ignore_errors=True)
        self._report(ended=request["spawn"], code=code if code >= 0 else 128 - code, reason=reason)

    def _report(self, **report: Any) -> None:
        try:
            self._requests.send(json.dumps(report).encode())
        except OSError:
            self._leave()

    def _leave(self) -> NoReturn:
        """The engine is gone: kill what is ours, then what was left to us, until nothing is."""
        for pid in self._children:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:
                for pid in self._descended():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                os.waitpid(-1, 0)
        for request in [*self._children.values(), *(request for request, _, _ in self._removals.values())]:
            shutil.rmtree(request["cwd"], ignore_errors=True)
            with suppress(OSError):
                if request.get("afterwards"):
                    _remove(request)
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        os._exit(0)


def _remove(request: dict[str, Any]) -> tuple[int, int]:
    """Start what a request wants to be run afterwards: its process id, and a descriptor for what it prints."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 2)]
    command = request["afterwards"]
    try:
        pid = os.posix_spawn(
            command[0],
            command,
            request["env"],
            file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1), *nothing],
            setsigdef=[signal.SIGINT, signal.SIGPIPE],
        )
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return pid, reading


def _execute(argv: list[str], environment: dict[str, str]) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGPIPE):  # Python ignores the latter
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - running it is the purpose


def _run(package: Any, arguments: list[str], environment: dict[str, str]) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    at_once = bool(environment.get("PYTHONUNBUFFERED"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=at_once, write_through=at_once)
    return int(package.run(arguments))


def _prepared(package: str) -> Any:
    """Its ``warm.Package``; None if importing it has started threads, which a fork would lose."""
    spec = importlib.util.spec_from_file_location("_warm", Path(__file__).with_name("warm.py"))
    if spec is None or spec.loader is None:
        raise AssertionError("warm.py lies beside this file")
    warm = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(warm)
    prepared = warm.Package(package, os.environ.get("PYTHONPATH", "").split(":"))
    prepared.prepare()
    _use_huge_pages()
    return prepared if len(list(Path("/proc/self/task").iterdir())) == 1 else None


def _use_huge_pages() -> None:
    """A fork copies one entry for 2 MiB instead of 512: a quarter less CPU a child. Kernels before 6.1 refuse."""
    for mapping in Path("/proc/self/maps").read_text().splitlines():
        addresses, access, _, _, _, *name = mapping.split()
        if not access.startswith("rw") or name not in ([], ["[heap]"]):
            continue
        start, end = (int(address, 16) for address in addresses.split("-"))
        for address in range(-(-start // HUGE_PAGE) * HUGE_PAGE, end - HUGE_PAGE + 1, HUGE_PAGE):
            _libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(HUGE_PAGE), MADV_COLLAPSE)


def main() -> None:
    """``argv``: the descriptor of the socket, and the package if there is one."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    requests = socket.socket(fileno=int(sys.argv[1]))
    requests.set_inheritable(False)  # who holds it keeps the engine from seeing that this process has died
    package = _prepared(sys.argv[2]) if len(sys.argv) > 2 else None
    ForkServer(requests, package).serve()


if __name__ == "__main__":
    main()
