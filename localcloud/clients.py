"""boto clients that call the local cloud itself: one session, clients cached by service and role."""

import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.model import OperationModel, StructureShape
from botocore.session import Session, get_session

Credentials = Callable[[str | None, str], Mapping[str, str]]
"""Role ARN (None: the developer) and session name to ``AWS_*`` variables."""

_CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=1000, max_pool_connections=64)


class Clients:
    """Clients for calls that the cloud makes on its own behalf or in a role."""

    def __init__(self, endpoint_url: str, region: str, credentials: Credentials) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        self._credentials = credentials
        self._session = _session()
        self._cache: dict[tuple[str, str | None], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, role_arn: str | None = None, *, session_name: str = "localcloud") -> Any:
        """The client of ``service``, e.g. ``"batch"``, acting in ``role_arn``."""
        with self._lock:  # botocore's session is not safe to build clients with from several threads
            found = self._cache.get((service, role_arn))
            if found is None:
                found = self._cache[service, role_arn] = self._create(service, role_arn, session_name)
            return found

    def _create(self, service: str, role_arn: str | None, session_name: str) -> Any:
        keys = self._credentials(role_arn, session_name)
        return self._session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys.get("AWS_SESSION_TOKEN"),
            config=_CONFIG,
        )


@functools.cache
def _session() -> Session:
    return get_session()


@functools.cache
def operations(service: str) -> dict[str, OperationModel]:
    """Every operation of ``service`` by its name and by its method name: ``SubmitJob`` and ``submit_job``."""
    model = _session().get_service_model(service)
    named = {name: model.operation_model(name) for name in model.operation_names}
    return named | {xform_name(name): operation for name, operation in named.items()}


def input_shape(service: str, operation: str) -> StructureShape:
    """The parameters of an operation, named either way."""
    shape = operations(service)[operation].input_shape
    assert shape is not None, f"{service} {operation} takes no parameters"
    return shape
