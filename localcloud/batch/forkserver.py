"""The process that starts, watches and ends the processes of one image. A program: ``python -P forkserver.py FD``.

It runs outside the engine, in one thread, so that forking is safe and cheap, and reads requests from the socket FD, one
JSON object a packet::

    -> {"spawn": id, "argv": […], "env": {…}, "cwd": dir}   with the file descriptor for stdout and stderr
    -> {"signal": id, "number": n}
    <- {"ready": true}   {"started": id, "pid": n}   {"failed": id, "reason": text}   {"ended": id, "code": n}

Each child leads a process group of its own, dies with this process (PR_SET_PDEATHSIG), and takes its whole
group along when it ends, as a container does. When the socket closes, however the engine ended, every child and
everything that a child left behind is killed. Only the standard library is imported here.
"""

import ctypes
import errno
import json
import os
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from select import EPOLLIN, epoll
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MAX_PACKET = 1 << 20
_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """Raises OSError."""
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class ForkServer:
    """Children by process id; requests in, reports out."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._children: dict[int, dict[str, Any]] = {}  # pid -> its spawn request
        self._pids: dict[str, int] = {}
        self._wake, wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_in)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._leave())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._pid = os.getpid()

    def serve(self) -> None:
        """Until the engine is gone."""
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        poll = epoll()
        poll.register(self._requests, EPOLLIN)
        poll.register(self._wake, EPOLLIN)
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
            try:
                self._spawn(request, descriptors[0])
            finally:
                os.close(descriptors[0])
        elif request["signal"] in self._pids:  # not reaped yet, so that the number is still the child's
            with suppress(ProcessLookupError):
                os.killpg(self._pids[request["signal"]], request["number"])

    def _spawn(self, request: dict[str, Any], output: int) -> None:
        program = request["argv"][0] if request["argv"] else ""
        if shutil.which(program, path=request["env"].get("PATH")) is None:
            self._report(failed=request["spawn"], reason=f'exec: "{program}": executable file not found in $PATH')
            return
        pid = os.fork()
        if pid == 0:
            self._become(request, output)
        with suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(pid, pid)
        self._children[pid] = request
        self._pids[request["spawn"]] = pid
        self._report(started=request["spawn"], pid=pid)

    def _become(self, request: dict[str, Any], output: int) -> None:
        """In the child: never returns."""
        code = 125  # what docker answers when it fails before the program runs
        try:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self._pid:
                os._exit(code)
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(output, 1)
            os.dup2(output, 2)
            Path(request["cwd"]).mkdir(parents=True)
            os.chdir(request["cwd"])
            os.execvpe(request["argv"][0], request["argv"], request["env"])  # noqa: S606 - running it is the purpose
        except OSError as error:
            os.write(2, f"{request['argv'][0]}: {error.strerror}\n".encode())
            code = 126 if error.errno == errno.EACCES else 127
        finally:
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            request = self._children.pop(found.si_pid, None)
            if request is not None:  # its group goes while its number is still taken
                with suppress(ProcessLookupError):
                    os.killpg(found.si_pid, signal.SIGKILL)
            _, status = os.waitpid(found.si_pid, 0)
            if request is not None:
                self._end(request, os.waitstatus_to_exitcode(status))

    def _end(self, request: dict[str, Any], code: int) -> None:
        del self._pids[request["spawn"]]
        try:
            Path(request["cwd"]).rmdir()
        except OSError:
            shutil.rmtree(request["cwd"], ignore_errors=True)
        self._report(ended=request["spawn"], code=code if code >= 0 else 128 - code)

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
        listing = Path(f"/proc/{self._pid}/task/{self._pid}/children")
        with suppress(ChildProcessError):
            while True:
                for stray in listing.read_text().split() if listing.exists() else ():
                    with suppress(ProcessLookupError):
                        os.kill(int(stray), signal.SIGKILL)
                os.waitpid(-1, 0)
        for request in self._children.values():
            shutil.rmtree(request["cwd"], ignore_errors=True)
        os._exit(0)


def main() -> None:
    """``argv[1]``: the descriptor of the socket."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
