"""Taking running children away from a run, as Spot takes instances: to see that it completes all the same."""

import json
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console

from stepbatch.cloud import Cloud
from stepbatch.errors import CloudError
from stepbatch.look import show_attempts
from stepbatch.watch import View

TRIES = 25  # at each view: children may run for less time than lies between two views
PAUSE = 0.02  # seconds between two tries
FEW = 1_000  # children that one asks about so often

Interrupt = Callable[[Sequence[str], int], Sequence[str]]
"""Takes away the hosts of so many of these jobs' attempts; the ids of those that were running."""


class Reclaim:
    """Reclaims ``count`` jobs or children of an execution, each of them once: all as soon as they run or, given
    ``ripe``, one whenever that says that there is work to lose.
    """

    def __init__(
        self,
        cloud: Cloud,
        count: int,
        interrupt: Interrupt,
        to: Console,
        *,
        ripe: Callable[[], bool] | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cloud = cloud
        self._count = count
        self._interrupt = interrupt
        self._to = to
        self._ripe = ripe
        self._wait = wait
        self._done: list[str] = []

    def look(self, view: View) -> None:
        """To be called with every view of the execution; after the last one, tells of the attempts."""
        if view.ended:
            self._tell()
            return
        if len(self._done) == self._count or (self._ripe and not self._ripe()):
            return
        wanted = len(self._done) + 1 if self._ripe else self._count
        candidates = [*self._candidates(view)]
        for _ in range(TRIES if len(candidates) <= FEW else 1):
            missing = wanted - len(self._done)
            if not missing or not candidates:
                return
            for job_id in self._interrupt(candidates, missing):
                self._done.append(job_id)
                candidates.remove(job_id)
                self._to.print(f"reclaimed the host of {job_id}", soft_wrap=True)
            self._wait(PAUSE)

    def _tell(self) -> None:
        for job_id in self._done:
            show_attempts(self._cloud, job_id, every=True, to=self._to)
        if len(self._done) < self._count:
            text = f"--interrupt {self._count}: {len(self._done)} reclaimed, then nothing was left that ran long enough"
            self._to.print(text, soft_wrap=True)

    def _candidates(self, view: View) -> Iterator[str]:
        for job in view.jobs:
            if not job.ended:
                members = [f"{job.job_id}:{index}" for index in range(job.size)] if job.size > 1 else [job.job_id]
                yield from (member for member in members if member not in self._done)


def interrupt(cloud: Cloud, job_ids: Sequence[str], count: int) -> Sequence[str]:
    """InterruptJobs, an operation of the local cloud's Batch that AWS has not, without notice: the ids concerned.

    Raises CloudError if the cloud refuses.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from botocore.httpsession import URLLib3Session

    where = cloud.batch.meta
    body = json.dumps({"jobs": job_ids, "count": count, "noticeSeconds": 0})
    request = AWSRequest("POST", f"{where.endpoint_url}/v1/interruptjobs", data=body)
    SigV4Auth(Credentials("local", "local"), "batch", where.region_name).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    if answer.status_code != 200:
        raise CloudError(
            f"{where.endpoint_url} does not interrupt jobs, as localcloud does ({answer.status_code}): {answer.text}"
        )
    return [str(job_id) for job_id in json.loads(answer.text)["jobs"]]
