"""AWS Batch's data plane: SubmitJob, DescribeJobs, ListJobs; ways to end jobs, and their tags, are other modules'."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from localcloud.batch import listing, requests
from localcloud.batch.commands import Start
from localcloud.batch.dependencies import Submission
from localcloud.batch.ending import Ending
from localcloud.batch.engine import Engine
from localcloud.batch.jobs import Job, Resources
from localcloud.batch.launch import Host, Launch, image_of, launch, mounts_of, role_of
from localcloud.batch.ports import Catalogue, Credentials, Images, Logs, MayMount
from localcloud.batch.requests import RefusedError
from localcloud.batch.scheduler import STOP_GRACE
from localcloud.batch.tagging import Tagging
from localcloud.batch.views import Views
from localcloud.errors import ApiError, LocalCloudError

MAX_DESCRIBED = 100  # jobs a DescribeJobs
OPERATIONS = (
    "SubmitJob", "DescribeJobs", "ListJobs", "CancelJob", "CancelJobs", "TerminateJob", "TerminateJobs",
    "TagResource", "UntagResource", "ListTagsForResource",
)  # fmt: skip

type Document = Mapping[str, Any]
type Answer = dict[str, Any]


def this_machine(workers: int | None) -> Resources:
    """``workers`` vCPUs, by default as many as this process may use, and the machine's memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return Resources(cpu=1000 * (workers or os.process_cpu_count() or 1), memory=memory)


class BatchService:
    """Answers requests, runs jobs. ``root``: a directory of its own for working directories; ``file_systems``: one for
    shared file systems; ``engine``: the environment of Docker or Podman, for images that run in containers.

    Nothing runs before ``start`` and nothing is left running after ``stop``.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        images: Images,
        credentials: Credentials,
        logs: Logs,
        endpoint_url: str,
        region: str,
        root: Path,
        file_systems: Path | None = None,
        workers: int | None = None,
        account: str = "123456789012",
        engine: Mapping[str, str] | None = None,
        may_mount: MayMount = lambda _, __: None,
        stop_grace: float = STOP_GRACE / 1000,
    ) -> None:
        self._catalogue = catalogue
        self._images = images
        self._credentials = credentials
        self._may_mount = may_mount
        self._views = Views(account=account, region=region)
        self._host = Host(
            path=os.environ.get("PATH", os.defpath),
            endpoint_url=endpoint_url,
            region=region,
            root=root / "attempts",
            file_systems=file_systems or root / "filesystems",
            engine=engine or {},
        )
        self._engine = Engine(
            machine=this_machine(workers),
            prepare=self._prepare,
            logs=logs,
            root=self._host.root,
            stop_grace=round(1000 * stop_grace),
        )
        self.start, self.stop = self._engine.start, self._engine.stop
        self._shapes = _input_shapes()
        self._operations = self._table()

    def _table(self) -> dict[str, Callable[[Document], Answer]]:
        return {
            "submitjob": self._submit,
            "describejobs": self._describe,
            "listjobs": self._list,
            "interruptjobs": self._interrupt,
            **Ending(
                lambda job_id: self._engine.find(_id(job_id)),
                cancel=self._engine.cancel,
                terminate=self._engine.terminate,
            ).operations,
            **Tagging(self._find).operations,
        }

    def handle(self, operation: str, body: Document) -> Answer:
        """``operation`` as in the URL, e.g. ``submitjob``. Raises ApiError."""
        if operation not in self._operations:
            raise ApiError(404, "UnknownOperationException", f"AWS Batch operation {operation} is not emulated here")
        try:
            self._check_shape(operation, body)
            return self._operations[operation](body)
        except RefusedError as error:
            text = f"Error executing request, Exception : {error}, RequestId: {uuid4()}"
            raise ApiError(400, "ClientException", text) from None

    def _check_shape(self, operation: str, body: Document) -> None:
        """Types and required members, as boto3 checks them before it sends; other clients may not."""
        if operation in self._shapes:
            report = ParamValidator().validate(body, self._shapes[operation])
            if report.has_errors():
                raise RefusedError(report.generate_report())

    def owns(self, arn: str) -> bool:
        """Whether tags of this resource are kept here: those of jobs are."""
        return ":job/" in arn

    def interrupt(
        self, chosen: Iterable[str] | int, *, most: int | None = None, notice: float = requests.RECLAIM_NOTICE
    ) -> list[str]:
        """Do to running attempts as a Spot interruption does: after ``notice`` seconds their host is gone.

        ``chosen``: ids of jobs, children or parents, at most ``most``; or how many. Returns the ids of those concerned.
        """
        if isinstance(chosen, int):
            return self._engine.interrupt(None, chosen, notice)
        return self._engine.interrupt([self._find(job_id) for job_id in chosen], most, notice)

    def wait(self, job_id: str, timeout: float | None = None) -> bool:
        """Until the job is SUCCEEDED or FAILED; False if ``timeout`` seconds were not enough."""
        return self._engine.wait(self._find(job_id), timeout)

    # --- operations

    def _submit(self, body: Document) -> Answer:
        requests.check(body)
        definition = self._catalogue.job_definition(body["jobDefinition"])
        if definition is None or definition.get("status", "ACTIVE") != "ACTIVE":
            raise RefusedError(_unknown_definition(body["jobDefinition"]))
        queue = self._catalogue.queue(body["jobQueue"])
        if queue is None:
            raise RefusedError(f"JobQueue {body['jobQueue']} not found.")
        if queue.get("state") == "DISABLED":
            raise RefusedError(f"JobQueue {queue['jobQueueName']} is in DISABLED state, jobs cannot be submitted to it")
        spec = requests.parse(body, definition, queue)
        size = (body.get("arrayProperties") or {}).get("size")
        dependencies = body.get("dependsOn") or []
        submission = Submission(
            job_id=str(uuid4()),
            spec=spec,
            size=size,
            after=[self._find(each["jobId"]) for each in dependencies if not each.get("type")],
            n_to_n=[self._find_array(each["jobId"], size) for each in dependencies if each.get("type") == "N_TO_N"],
            sequential=any(each.get("type") == "SEQUENTIAL" for each in dependencies),
            tags=dict(body.get("tags") or {}),
        )
        job = self._engine.submit(submission)
        return {"jobArn": self._views.job_arn(job), "jobName": spec.name, "jobId": job.id}

    def _describe(self, body: Document) -> Answer:
        if len(body["jobs"]) > MAX_DESCRIBED:
            raise RefusedError(f"Maximum number of jobs supported is {MAX_DESCRIBED}")
        found = (self._engine.find(_id(job_id)) for job_id in dict.fromkeys(body["jobs"]))
        with self._engine.lock:
            return {"jobs": [self._views.detail(job) for job in found if job is not None]}

    def _list(self, body: Document) -> Answer:
        given = [key for key in ("jobQueue", "arrayJobId", "multiNodeJobId") if body.get(key)]
        if len(given) != 1:
            raise RefusedError("Exactly one of jobQueue, arrayJobId and multiNodeJobId must be specified")
        if given == ["multiNodeJobId"]:
            raise RefusedError("Multi-node parallel jobs do not run here")
        with self._engine.lock:
            jobs, token = listing.page(self._candidates(body), body)
            answer: Answer = {"jobSummaryList": [self._views.summary(job) for job in jobs]}
        return {**answer, "nextToken": token} if token else answer

    def _candidates(self, body: Document) -> list[Job]:
        if body.get("arrayJobId"):
            job = self._find(body["arrayJobId"])
            return job.array.children if job.array else []
        queue = self._catalogue.queue(body["jobQueue"])
        if queue is None:
            raise RefusedError(f"JobQueue {body['jobQueue']} not found.")
        return self._engine.by_queue.get(queue["jobQueueArn"], [])[::-1]

    def _interrupt(self, body: Document) -> Answer:
        """Not AWS's: ``jobs`` (ids), ``count`` or both, and ``noticeSeconds``; answers ``{"jobs": [ids]}``."""
        chosen, most, notice = requests.interruption(body)
        return {"jobs": self.interrupt(chosen, most=most, notice=notice)}

    # --- looking up

    def _find(self, job_id: str) -> Job:
        job = self._engine.find(_id(job_id))
        if job is None:
            raise RefusedError(f"Job {job_id} not found")
        return job

    def _find_array(self, job_id: str, size: int | None) -> Job:
        job = self._find(job_id)
        have = len(job.array.children) if job.array else None
        if have != size:
            what = f"has {have} children" if have else "is no array job"
            raise RefusedError(f"N_TO_N dependency {job_id} {what}, but array sizes must be equal: this one is {size}")
        return job

    def _prepare(self, start: Start) -> Launch:
        """What to run for an attempt. Raises LookupError without a program for its image, else LocalCloudError."""
        image = self._images.command(image_of(start))
        try:
            self._may_mount(role_of(start), mounts_of(start))
        except LookupError as error:
            raise LocalCloudError(str(error)) from error  # the image is not what is missing
        for mount in mounts_of(start):
            mount.directory(self._host.file_systems).mkdir(parents=True, exist_ok=True)
        return launch(start, image, self._credentials(role_of(start), start.job.root), self._host)


def _input_shapes() -> dict[str, Shape]:
    model = ServiceModel(Loader().load_service_model("batch", "service-2"))
    shapes = {name.lower(): model.operation_model(name).input_shape for name in OPERATIONS}
    return {name: shape for name, shape in shapes.items() if shape is not None}


def _id(job_id: str) -> str:
    return job_id.rpartition(":job/")[2]


def _unknown_definition(name: str) -> str:
    if name.startswith("arn:"):
        return f"JobDefinition {name} not found."
    return f"JobDefinition name {name} does not exist or is not in ACTIVE status"
