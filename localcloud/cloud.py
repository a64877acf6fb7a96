"""The local cloud, put together: one process, one gateway, every service behind it."""

import contextlib
import logging
import os
import socket
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from localcloud import interpreter, objects, tables
from localcloud.access.duties import Duties
from localcloud.access.guard import Guard
from localcloud.access.operations import Where
from localcloud.access.roles import BucketPolicies, Roles
from localcloud.batch.api import BatchService
from localcloud.batchapi import BatchApi
from localcloud.catalogue import BatchCatalogue
from localcloud.clients import Clients
from localcloud.cloudcontrol import cloud_control
from localcloud.cloudformation import CloudFormation
from localcloud.deploy.registry import Place
from localcloud.deploy.stack import Stack
from localcloud.deploy.template import Template
from localcloud.ecr import ImageRepositories
from localcloud.errors import ApiError
from localcloud.functions.api import Invoker
from localcloud.functions.configuration import FunctionConfiguration
from localcloud.functions.logs import Sink
from localcloud.functions.pool import Pool
from localcloud.functions.worker import Host
from localcloud.gateway import Gateway
from localcloud.iam import Credentials
from localcloud.images import ContainerImages, LocalImages, container_engine, engine_environment
from localcloud.motobackends import ManagedPolicies, MotoFunctions, MotoLogs, moto_application
from localcloud.processes import Spawner
from localcloud.schedule import Schedules
from localcloud.server import Server
from localcloud.stackengine import StackEngine
from localcloud.statemachines import StateMachines
from localcloud.storedschedules import stored

LOG = logging.getLogger(__name__)
ACCOUNT = "123456789012"
_UNASSUMED_BY_ECS = (
    "ECS was unable to assume the role '{role}' that was provided for this task. "
    "Please verify that the role being passed has the proper trust relationship and permissions"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a local cloud is started."""

    region: str
    state: Path | None = None  # where objects and shared files are kept; None: a temporary directory
    workers: int | None = None  # vCPUs for jobs; None: those of this machine
    containers: bool = False  # whether jobs run in containers, by Docker or Podman
    account: str = field(default=ACCOUNT)


class LocalCloud:
    """Answers on ``listener`` from :meth:`start` on; :meth:`stop` leaves nothing behind.

    ``root`` is the template's directory, where containers and layers are found.
    """

    def __init__(self, settings: Settings, *, listener: socket.socket, root: Path) -> None:
        self.settings = settings
        self._exits = contextlib.ExitStack()
        self._listener = self._exits.enter_context(contextlib.closing(listener))
        self.endpoint_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._scratch = Path(self._exits.enter_context(tempfile.TemporaryDirectory(prefix="localcloud-")))
        self._state = settings.state or self._scratch
        self._file_systems = _directory(self._state.absolute() / "filesystems")
        self._credentials = Credentials(settings.account)
        self._logs = MotoLogs(account=settings.account, region=settings.region)
        self.clients = Clients(self.endpoint_url, settings.region, self._credentials.credentials_for)
        self._engine = StackEngine(self._place, self.clients, root, _now)
        self.stacks = CloudFormation(self._engine, self._engine, _now)
        self._assemble(root)

    def _assemble(self, root: Path) -> None:
        """Every service, and the gateway in front of them."""
        settings, credentials = self.settings, self._credentials
        where = {"account": settings.account, "region": settings.region}
        fallback = moto_application()
        catalogue = BatchCatalogue(**where)
        buckets = BucketPolicies(account=settings.account)
        guard = self._guarded(catalogue, buckets)
        self.functions = MotoFunctions(**where, root=self._scratch, file_systems=self._file_systems)
        self.jobs = self._batch(catalogue, root)
        interpreter.repair(clients=self.clients, jobs=self.jobs, append_log=self._logs.append)
        tables.repair()
        self._nested_templates: dict[str, str] = {}
        self._spawner = Spawner(self._scratch)
        self._pool = self._workers()
        read = partial(stored, settings.account, settings.region)
        self._schedules = Schedules(read, self._schedule_clients(), _now)
        gateway = Gateway(
            {
                "batch": BatchApi(catalogue, self.jobs),
                "lambda": Invoker(self._function, self._pool),
                "cloudformation": self.stacks,
                "cloudcontrolapi": cloud_control,
                "ecr": ImageRepositories(LocalImages(root).command),
                "s3": buckets,
                "states": StateMachines(**where, check_role=self._duties.state_machine),
                "sts": credentials.sts,
                "iam": ManagedPolicies(account=settings.account),
            },
            objects=objects.application(
                _directory(self._state / "objects"),
                fallback,
                durable=settings.state is not None,  # a temporary directory need not survive a power cut
                region=settings.region,
            ),
            fallback=fallback,
            guard=guard,
        )
        self._server = Server(self._listener, gateway)

    def _guarded(self, catalogue: BatchCatalogue, buckets: BucketPolicies) -> Guard:
        settings = self.settings
        where = Where(account=settings.account, region=settings.region, batch=catalogue)
        roles = Roles(account=settings.account, region=settings.region)
        guard = Guard(credentials=self._credentials, roles=roles, buckets=buckets, where=where)
        self._duties = Duties(guard, where, self._credentials.credentials_for)
        return guard

    def _schedule_clients(self) -> Clients:
        services = ("scheduler.amazonaws.com", "events.amazonaws.com")
        problem = "The execution role must allow AWS EventBridge Scheduler to assume it: {role}"
        return Clients(self.endpoint_url, self.settings.region, self._duties.assuming(*services, problem=problem))

    def _function(self, name: str, qualifier: str | None) -> FunctionConfiguration:
        """A function that is about to be invoked: its role must do."""
        found = self.functions.find(name, qualifier)
        if not self._duties.trusted(found.role, "lambda.amazonaws.com"):
            problem = f"The role defined for the function cannot be assumed by Lambda: {found.role}"
            raise ApiError(403, "AccessDeniedException", problem)
        try:
            self._duties.mount(found.role, found.mounts, self.stacks.access_points() if found.mounts else {})
        except LookupError as error:
            raise ApiError(403, "EFSMountFailureException", str(error)) from error
        return found

    def _batch(self, catalogue: BatchCatalogue, root: Path) -> BatchService:
        settings = self.settings
        return BatchService(
            catalogue=catalogue,
            images=ContainerImages(container_engine()) if settings.containers else LocalImages(root),
            engine=engine_environment() if settings.containers else None,
            credentials=self._duties.assuming("ecs-tasks.amazonaws.com", problem=_UNASSUMED_BY_ECS),
            may_mount=lambda role, mounts: self._duties.mount(role, mounts, self.stacks.access_points()),
            logs=self._logs,
            endpoint_url=self.endpoint_url,
            region=settings.region,
            root=_directory(self._scratch / "batch"),
            file_systems=self._file_systems,
            workers=settings.workers,
            account=settings.account,
        )

    def _workers(self) -> Pool:
        host = Host(
            spawner=self._spawner,
            credentials=self._credentials.credentials_for,
            logs=self._function_log,
            endpoint_url=self.endpoint_url,
            region=self.settings.region,
            root=_directory(self._scratch / "functions"),
        )
        return Pool(host, limit=max(4, 2 * (os.process_cpu_count() or 1)), most=64)

    def _function_log(self, role: str, group: str, stream: str) -> Sink:
        """Where a function's output goes: nowhere, if its role may not write logs."""
        allowed = self._duties.logs(role, group, stream)
        return partial(self._logs.append, group, stream) if allowed else lambda _: None

    def start(self) -> None:
        for service in (self._spawner, self._server, self.jobs, self._pool, self._schedules):
            service.start()
            self._exits.callback(service.stop)

    def stop(self) -> None:
        self._exits.close()

    def deploy(self, template: Template, name: str) -> Stack:
        """Create the template's resources as the stack ``name``."""
        stack = self._engine.build(template, name)
        self.stacks.add(stack)
        return stack

    def _place(self, stack: str) -> Place:
        return Place(
            stack=stack,
            account=self.settings.account,
            region=self.settings.region,
            clients=self.clients,
            use_code=self.functions.use_code,
            use_mounts=self.functions.use_mounts,
            templates=self._nested_templates,
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _directory(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
