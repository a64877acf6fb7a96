"""One Blender process, kept for all frames of a child and spoken to line by line."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from fanout.blendplan import Look
from fanout.errors import BlendError, FanoutError

PROGRAM = Path(__file__).parents[1] / "blender_program" / "frames.py"
WORDS = 8  # last lines of Blender's that an error quotes
NOISE = re.compile(r"\bSaved: |\bRead blend: |list of mounted file-systems|EGL Error \(0x3009\)|^$")
DONE = "\x04"  # a line that stands behind everything that belongs to an answer
COMPLAINTS = (  # what Blender and its libraries say of an image, and go on without it
    (re.compile(r"Image file (.+) (does not exist|failed to load|failed to open)"), "{0} {1}"),
    (re.compile(r"unknown file-format \((.+)\)"), "{0} cannot be read"),
    (re.compile(r"^(/.+): \((EXR_ERR_\w+)\)"), "{0} is damaged ({1})"),
    (re.compile(r"(libpng error: .+)"), "an image is damaged ({0})"),
)
REPORT = re.compile(r"\| ERROR (.+)")  # why an operator was cancelled
STOP_SECONDS = 10.0  # for Blender to end by itself
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH")  # no credentials for what a file may run


class FrameFailed(FanoutError):  # noqa: N818 - an answer of Blender's
    """Blender could not render a frame, and said why."""


class BlenderGone(FanoutError):  # noqa: N818 - it is what happened
    """Blender ended in the middle of its work."""


class Heard(NamedTuple):
    """What came with an answer."""

    complaints: list[str]  # images that were left out
    reports: list[str]  # errors


class Opened(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What Blender found in the file."""

    blender: str  # version
    engine: str
    width: int  # pixels
    height: int
    sound: bool  # whether the scene has sound to mix
    simulates_from: int | None  # the first frame of simulations that were not baked; None where there are none


class Blender:
    """A running Blender with the file open; use it in a ``with`` block.

    Raises BlendError if Blender cannot open or render the file as it is, BlenderGone if it dies.
    """

    def __init__(self, blend: Path, look: Look, *, threads: int, home: Path, log: Callable[[str], None]) -> None:
        self._name, self._folder = look.blend, blend.parent
        self._lenient = look.ignore_missing_assets
        self._last_words: deque[str] = deque(maxlen=WORDS)
        self._last = Heard([], [])  # what came with the last answer
        self._heard: SimpleQueue[Heard] = SimpleQueue()  # what came before every DONE
        self._hears = True  # until the file's scripts take stdout away
        self._log = log
        answers, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, str(PROGRAM), str(theirs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
                env=environment(home),
                text=True,
                errors="replace",
            )
        finally:
            os.close(theirs)
        self._answers = os.fdopen(answers, encoding="utf-8")
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            self.opened = msgspec.convert(self._ask(**opening(blend, look, threads))["ready"], Opened)
        except BaseException:
            self.close()
            raise

    def render(self, frame: int, path: Path) -> float:
        """Renders one frame to ``path``; how many seconds it took.

        Raises FrameFailed with Blender's reason, also where it only complained and left an image out.
        """
        answer = self._ask(render=frame, path=str(path), ignoreMissingAssets=self._lenient)
        if self._last.complaints and not self._lenient:
            raise FrameFailed("; ".join(dict.fromkeys(self._last.complaints)))
        return float(answer["seconds"])

    def mix(self, path: Path, first: int, last: int) -> None:
        """The scene's sound between two frames as a WAV file. Raises FrameFailed with Blender's reason."""
        self._ask(mix=str(path), first=first, last=last)

    def close(self) -> None:
        """Ends Blender, at the latest by force."""
        if self._process.stdin and not self._process.stdin.closed:
            with suppress(BrokenPipeError):  # it has ended already
                self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(STOP_SECONDS)
        if self._process.stdout and not self._listener.is_alive():
            self._process.stdout.close()
        self._answers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, BlenderGone):
            self._process.kill()
        self.close()

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        if not line.endswith("\n"):
            raise BlenderGone(self._end())
        self._last = self._told()
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise BlendError(self._name, answer["refused"])
        if "failed" in answer:
            more = (each for each in dict.fromkeys(self._last.reports) if each not in answer["reason"])
            raise FrameFailed(": ".join([answer["reason"], *more]))
        return answer

    def _told(self) -> Heard:
        """What came with the answer. Where stdout was taken away nothing comes, and that is waited for only once."""
        try:
            return self._heard.get(block=self._hears, timeout=STOP_SECONDS)
        except Empty:
            self._hears = False
            return Heard([], [])

    def _listen(self) -> None:
        assert self._process.stdout
        heard = Heard([], [])
        for line in self._process.stdout:
            text = line.rstrip()
            if text == DONE:
                self._heard.put(heard)
                heard = Heard([], [])
                continue
            if said := complaint(text, self._folder):
                heard.complaints.append(said)
            if found := REPORT.search(text):
                heard.reports.append(found[1])
            if not NOISE.search(text):
                self._last_words.append(text)
                self._log(f"blender: {text}")

    def _end(self) -> str:
        """How and with what words it ended."""
        code = self._process.wait()
        self._listener.join(STOP_SECONDS)
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        words = " | ".join(self._last_words) or "nothing"
        return f"Blender ended with {how}{hint}; its last words: {words}"


def complaint(text: str, folder: Path) -> str | None:
    """What a line of Blender's says of an image, with a path relative to the folder; None if it does not."""
    for pattern, form in COMPLAINTS:
        if found := pattern.search(text):
            return form.format(
                *(os.path.relpath(part, folder) if part.startswith("/") else part for part in found.groups())
            )
    return None


def opening(blend: Path, look: Look, threads: int) -> dict[str, Any]:
    """The request that opens a file."""
    return {
        "open": str(blend),
        "scene": look.scene,
        "percent": look.percent,
        "samples": look.samples,
        "threads": threads,
        "runScripts": look.run_scripts,
        "ignoreMissingAssets": look.ignore_missing_assets,
    }


def environment(home: Path) -> dict[str, str]:
    """Nothing of ours but what any program needs; no user's preferences."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {"BLENDER_USER_RESOURCES": str(home), "PYTHONUNBUFFERED": "1", "RENDERER_PID": str(os.getpid())}
