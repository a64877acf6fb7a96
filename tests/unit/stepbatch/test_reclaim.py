"""Children that are taken away from a run."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console

from stepbatch.jobs import progress
from stepbatch.reclaim import Reclaim
from stepbatch.watch import View
from tests.unit.stepbatch.fakes import FakeBatch, array_job, child, cloud


@dataclass
class Host:
    """Runs children for a moment each: ``moments`` says which ones when it is asked."""

    moments: list[set[str]]
    asked: list[tuple[tuple[str, ...], int]] = field(default_factory=list)
    text: io.StringIO = field(default_factory=io.StringIO)

    def interrupt(self, job_ids: Sequence[str], count: int) -> Sequence[str]:
        self.asked.append((tuple(job_ids), count))
        running = self.moments.pop(0) if self.moments else set()
        return [job_id for job_id in job_ids if job_id in running][:count]

    def reclaim(self, count: int, *views: View, ripe: Callable[[], bool] | None = None) -> str:
        jobs = {f"j:{index}": child("j", index, "SUCCEEDED", 137, 0) for index in range(3)}
        console = Console(file=self.text, width=200)
        reclaim = Reclaim(
            cloud(batch=FakeBatch(jobs=jobs)), count, self.interrupt, console, ripe=ripe, wait=lambda _: None
        )
        for view in views:
            reclaim.look(view)
        return self.text.getvalue()


def view(status: str) -> View:
    job = progress(array_job("j", 3, "PENDING" if status == "RUNNING" else status), "Price")
    return View(arn="a", status=status, seconds=1.0, states=(), current=(), jobs=(job,))


NOTHING_YET = View(arn="a", status="RUNNING", seconds=0.0, states=(), current=(), jobs=())
RUNNING, ENDED = view("RUNNING"), view("SUCCEEDED")


def test_as_many_children_as_wanted_are_reclaimed_as_soon_as_they_run_and_each_once() -> None:
    host = Host([set(), {"j:1"}, {"j:0", "j:1", "j:2"}])
    text = host.reclaim(2, NOTHING_YET, RUNNING, RUNNING, ENDED)
    assert host.asked == [(("j:0", "j:1", "j:2"), 2), (("j:0", "j:1", "j:2"), 2), (("j:0", "j:2"), 1)]
    assert text.startswith("reclaimed the host of j:1\nreclaimed the host of j:0\nattempts of j:1")
    assert text.count("137") == 2


def test_where_work_must_be_there_to_lose_it_is_waited_for_and_one_child_is_taken_at_a_time() -> None:
    host, answers = Host([{"j:0", "j:1"}, {"j:1"}]), iter([False, True, False, True])
    text = host.reclaim(2, *[RUNNING] * 4, ENDED, ripe=lambda: next(answers))
    assert host.asked == [(("j:0", "j:1", "j:2"), 1), (("j:1", "j:2"), 1)]
    assert text.startswith("reclaimed the host of j:0\nreclaimed the host of j:1")


def test_a_run_too_short_to_take_anything_from_says_so() -> None:
    assert "--interrupt 2: 1 reclaimed, then nothing" in Host([{"j:0"}]).reclaim(2, RUNNING, ENDED)


def test_without_the_option_nothing_is_asked_or_said() -> None:
    host = Host([{"j:0"}])
    assert host.reclaim(0, RUNNING, ENDED) == ""
    assert host.asked == []
