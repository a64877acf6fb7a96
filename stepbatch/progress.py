"""How a running execution is shown: bars on a terminal, lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from stepbatch.history import StateVisit
from stepbatch.jobs import JobProgress
from stepbatch.watch import View

LINE_SECONDS = 5.0  # between two lines about the same job
BAR_WIDTH = 40

Show = Callable[[View], None]


@contextmanager
def shown(console: Console) -> Iterator[Show]:
    """A function that shows a view, for the length of a ``with`` block."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines(lambda line: console.print(line, soft_wrap=True)).show
        return
    with Live(console=console, transient=False, refresh_per_second=8, redirect_stdout=False) as live:
        spinner = Spinner("dots")
        yield lambda view: live.update(picture(view, spinner))


class Lines:
    """A line for each state that begins, each job that begins, and for a job's progress now and then."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._states: set[str] = set()
        self._jobs: dict[str, tuple[str, float]] = {}  # job id -> what its last line said, and when
        self._note = ("", float("-inf"))

    def show(self, view: View) -> None:
        for visit in view.states:
            if visit.name not in self._states:
                self._states.add(visit.name)
                self._write(f"{clock(view.seconds)} {visit.name}")
            for job in view.jobs:
                if job.label == visit.name:
                    self._show_job(job, view.seconds)
        self._show_note(view)
        if view.ended:
            self._write(f"{clock(view.seconds)} {view.status.lower()}")

    def _show_note(self, view: View) -> None:
        text, when = self._note
        if view.note and view.note != text and (view.ended or view.seconds - when >= LINE_SECONDS):
            self._note = (view.note, view.seconds)
            self._write(f"{clock(view.seconds)} {view.note}")

    def _show_job(self, job: JobProgress, seconds: float) -> None:
        if job.job_id not in self._jobs:
            self._write(f"{clock(seconds)} {job.label}: job {job.job_id}")
        text, when = self._jobs.get(job.job_id, ("", float("-inf")))
        now = counted(job)
        if now != text and (job.ended or seconds - when >= LINE_SECONDS):
            self._jobs[job.job_id] = (now, seconds)
            self._write(f"{clock(seconds)} {job.label}: {now}")


def picture(view: View, spinner: Spinner) -> Group:
    """The states in the order they began, with a bar under each for every job that it submitted."""
    table = Table.grid(padding=(0, 1))
    for visit in view.states:
        at_work = visit.name in view.current and not view.ended
        table.add_row(
            mark(visit, at_work, view, spinner), Text(visit.name, style="bold" if at_work else ""), took(visit)
        )
        for job in view.jobs:
            if job.label == visit.name:
                table.add_row("", bar(job), Text(counted(job)))
                table.add_row("", Text(f"job {job.job_id}", style="dim"))
    if view.note:
        table.add_row("", Text(view.note))
    if view.ended:
        return Group(table)
    table.add_row("", Text(clock(view.seconds), style="dim"), "")
    return Group(table)


def mark(visit: StateVisit, at_work: bool, view: View, spinner: Spinner) -> Text | Spinner:
    if at_work:
        return spinner
    broken = view.failure is not None and visit is view.states[-1]
    return Text("✗", style="red") if broken else Text("✓", style="green")


def took(visit: StateVisit) -> Text:
    if visit.exited is None:
        return Text("")
    return Text(f"{(visit.exited - visit.entered).total_seconds():.1f} s", style="dim")


def bar(job: JobProgress) -> ProgressBar:
    style = "red" if job.failed else "cyan"
    return ProgressBar(
        total=job.size,
        completed=job.succeeded + job.failed,
        width=BAR_WIDTH,
        complete_style=style,
        finished_style="red" if job.failed else "green",
    )


def counted(job: JobProgress) -> str:
    """``12/48 done, 2 running, 1 failed``; why it waits where nothing runs."""
    parts = [f"{job.succeeded + job.failed}/{job.size} done"]
    parts += [f"{job.running} running"] if job.running else []
    parts += [f"{job.failed} failed"] if job.failed else []
    if job.reason and not job.ended and not job.running:
        parts.append(job.reason)
    return ", ".join(parts)


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
