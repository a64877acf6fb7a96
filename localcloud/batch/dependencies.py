"""What waits for what: builds a submission's jobs, and says who is concerned when one of them ends. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from localcloud.batch.jobs import Array, Job, Spec, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One SubmitJob, its dependencies looked up."""

    job_id: str
    spec: Spec
    size: int | None = None  # of an array
    after: Sequence[Job] = ()  # these must succeed first
    n_to_n: Sequence[Job] = ()  # arrays of the same size
    sequential: bool = False
    tags: dict[str, str] = field(default_factory=dict)


def build(submission: Submission, now: int) -> tuple[Job, list[Job]]:
    """The job, its children on it, all SUBMITTED; and those of them that a dependency which has failed dooms.

    Each job's ``unmet`` counts the dependencies it waits for. An array that itself waits counts once for each child.
    """
    job = Job(root=submission.job_id, spec=submission.spec, created_at=now, tags=submission.tags)
    doomed = _wait_for(job, submission.after)
    if submission.size is not None:
        job.array = _array(job, submission, now)
        doomed += _wait_side_by_side(job.array, submission.n_to_n, job)
    return job, doomed


def members(job: Job) -> Sequence[Job]:
    """The jobs that run: an array's children, or the job itself."""
    return job.array.children if job.array else (job,)


def dependents(job: Job) -> Iterator[Job]:
    """The jobs that wait for this one, each as often as it counts it."""
    yield from job.waiters or ()
    if job.parent is None or job.parent.array is None or job.index is None:
        return
    array = job.parent.array
    for follower in array.followers:
        yield members(follower)[job.index]
    if array.sequential and job.index + 1 < len(array.children):
        yield array.children[job.index + 1]


def _array(job: Job, submission: Submission, now: int) -> Array:
    size = submission.size or 0
    children = [
        Job(root=job.root, spec=job.spec, created_at=now, index=index, parent=job, unmet=min(job.unmet, 1))
        for index in range(size)
    ]
    if submission.sequential:
        for child in children[1:]:
            child.unmet += 1
    summary = dict.fromkeys(Status, 0)
    summary[Status.SUBMITTED] = size
    return Array(children=children, summary=summary, sequential=submission.sequential)


def _wait_for(job: Job, others: Sequence[Job]) -> list[Job]:
    for other in others:
        if not other.ended:
            job.unmet += 1
            if other.waiters is None:
                other.waiters = []
            other.waiters.append(job)
    return [job] if any(other.status is Status.FAILED for other in others) else []


def _wait_side_by_side(array: Array, others: Sequence[Job], job: Job) -> list[Job]:
    doomed = []
    for other in others:
        for child, model in zip(array.children, members(other), strict=True):
            if model.status is Status.FAILED:
                doomed.append(child)
            elif not model.ended:
                child.unmet += 1
        if other.array and not other.ended:
            other.array.followers.append(job)
    return doomed
