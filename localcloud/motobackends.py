"""moto in this process: how it is set up, and the parts of its state that our services read and write."""

import contextlib
import functools
import io
import json
import logging
import shutil
import threading
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moto.awslambda import models as lambda_models
from moto.core import utils as moto_utils
from moto.core.config import default_user_config
from moto.core.exceptions import JsonRESTError
from moto.iam import models as iam_models
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localcloud.calls import Call
from localcloud.errors import ApiError
from localcloud.functions.configuration import FunctionConfiguration
from localcloud.functions.sources import last_edit
from localcloud.mounts import Mount, relocated
from localcloud.repairs import expect
from localcloud.server import WSGIApp


def moto_application() -> WSGIApp:
    """moto's server as a WSGI application, its Step Functions interpreter switched on."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    logging.getLogger("moto").setLevel(logging.CRITICAL)  # it reports every failed state as its own
    _share_loader()
    _keep_logging_configuration()
    application: WSGIApp = DomainDispatcherApplication(create_backend_app)
    return application


def _share_loader() -> None:
    """moto makes a botocore loader for every service it meets, each of which scans all four hundred again."""
    expect(moto_utils._load_service_model, "loader = create_loader()")  # noqa: SLF001 the function to speed up
    moto_utils.create_loader = functools.cache(moto_utils.create_loader)


class ManagedPolicies:
    """AWS's managed policies as they are asked for: moto would load 1,500 of them for each of six partitions."""

    def __init__(self, *, account: str) -> None:
        self._account = account

    def __call__(self, call: Call) -> None:
        """Have moto know the policy that a call names."""
        arn = call.form().get("PolicyArn", "")
        if not arn.startswith("arn:aws:iam::aws:policy/"):
            return
        backend = iam_models.iam_backends[self._account]["aws"]
        name = arn.rpartition("/")[2]
        if arn in backend.managed_policies or name not in _policies():
            return
        policy = iam_models.AWSManagedPolicy.from_data(name, self._account, "aws", _policies()[name])
        if policy.arn == arn:
            backend.managed_policies[arn] = policy


@functools.cache
def _policies() -> dict[str, Any]:
    policies: dict[str, Any] = json.loads(iam_models.aws_managed_policies_data)
    return policies


def _keep_logging_configuration() -> None:
    """moto forgets a function's LoggingConfig."""
    function = lambda_models.LambdaFunction
    expect(function.__init__, 'self.logs_group_name = f"/aws/lambda/{self.function_name}"')
    expect(function.get_configuration, '"SnapStart": {"ApplyOn": "None"')
    create, describe, update = function.__init__, function.get_configuration, function.update_configuration

    def create_with_logging(self: Any, account_id: str, spec: dict[str, Any], *rest: Any, **named: Any) -> None:
        create(self, account_id, spec, *rest, **named)
        declared = spec.get("LoggingConfig") or {}
        self.logging_config = {"LogFormat": "Text", "LogGroup": self.logs_group_name} | declared

    def describe_with_logging(self: Any, *rest: Any, **named: Any) -> dict[str, Any]:
        described: dict[str, Any] = describe(self, *rest, **named)
        return described | {"LoggingConfig": self.logging_config}

    def update_with_logging(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        self.logging_config = self.logging_config | (config_updates.get("LoggingConfig") or {})
        result: dict[str, Any] = update(self, config_updates)
        return result

    function.__init__ = create_with_logging
    function.get_configuration = describe_with_logging
    function.update_configuration = update_with_logging


class MotoLogs:
    """CloudWatch Logs: appends to moto's streams, making groups and streams as they are first used."""

    def __init__(self, *, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._lock = threading.Lock()  # moto's streams are not safe to write from several threads

    def append(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """``events``: (milliseconds since 1970, message), oldest first; none only creates the stream."""
        with self._lock:
            backend = logs_backends[self._account][self._region]
            backend.ensure_log_group(group)
            backend.ensure_log_stream(group, stream)
            if events:
                entries = [{"timestamp": moment, "message": message} for moment, message in events]
                backend.groups[group].streams[stream].put_log_events(entries)


class MotoFunctions:
    """Function configurations out of moto's Lambda, and the directories that their code runs from."""

    def __init__(self, *, account: str, region: str, root: Path, file_systems: Path) -> None:
        self._account = account
        self._region = region
        self._root = root
        self._file_systems = file_systems
        self._directories: dict[str, Path] = {}
        self._mounts: dict[str, tuple[Mount, ...]] = {}
        self._lock = threading.Lock()

    def use_code(self, sha256: str, directory: Path) -> None:
        """Code with this CodeSha256 runs straight from ``directory``."""
        with self._lock:
            self._directories[sha256] = directory

    def use_mounts(self, name: str, mounts: tuple[Mount, ...]) -> None:
        """The function of this name finds these file systems, below the root of file systems."""
        for mount in mounts:
            mount.directory(self._file_systems).mkdir(parents=True, exist_ok=True)
        with self._lock:
            self._mounts[name] = mounts

    def find(self, name_or_arn: str, qualifier: str | None) -> FunctionConfiguration:
        """The configuration of a version; ResourceNotFoundException when there is none."""
        backend = lambda_models.lambda_backends[self._account][self._region]
        name = name_or_arn.split(":function:")[-1] if ":function:" in name_or_arn else name_or_arn
        try:
            found = backend.get_function(name, qualifier)
        except JsonRESTError as error:
            raise ApiError(404, "ResourceNotFoundException", str(error.message)) from error
        layers = [backend.layers_versions_by_arn(layer["Arn"]) for layer in found.layers]
        code = self._directory(found.code_sha_256, found.code_bytes)
        shared = tuple(self._directory(layer.code_sha_256, layer.code_bytes) for layer in layers)
        mounts = self._mounts.get(found.function_name, ())
        return FunctionConfiguration(
            name=found.function_name,
            version=str(found.version),
            arn=found.function_arn,
            handler=found.handler,
            role=found.role,
            code=code,
            layers=shared,
            environment=relocated(_strings(found.environment_vars), mounts, self._file_systems),
            timeout=int(found.timeout),
            memory=int(found.memory_size),
            reserved_concurrency=_reserved(backend.get_function(found.function_name).reserved_concurrency),
            mounts=mounts,
            log_group=found.logging_config["LogGroup"],
            log_format=found.logging_config["LogFormat"],
            revision=f"{hash(str(found.get_configuration()))}/{last_edit([code, *shared])}",
        )

    def _directory(self, sha256: str, content: bytes) -> Path:
        with self._lock:
            known = self._directories.get(sha256)
            if known is not None:
                return known
            directory = self._root / "code" / sha256.replace("/", "_").rstrip("=")
            if not directory.is_dir():
                partial = directory.with_suffix(".partial")
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(partial)
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    archive.extractall(partial)
                partial.rename(directory)
            self._directories[sha256] = directory
            return directory


def _strings(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _reserved(value: Any) -> int | None:
    return None if value is None else int(value)
