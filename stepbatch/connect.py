"""Which cloud a command speaks to."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from stepbatch.cloud import ATTEMPTS, LOCAL_ATTEMPTS, Cloud, clients
from stepbatch.errors import CloudError, UsageError
from stepbatch.localcloud_process import READY_SECONDS, local_cloud

ENDPOINT = "AWS_ENDPOINT_URL"
DEFAULT_STACK = "stepbatch"


def standing_cloud(*, aws: bool, stack: str | None, environ: Mapping[str, str] = os.environ) -> Cloud | None:
    """AWS if asked for, else the cloud of ``AWS_ENDPOINT_URL``, else None. Raises UsageError if both are named."""
    endpoint = environ.get(ENDPOINT)
    name = stack or DEFAULT_STACK
    named = f" --stack {stack}" if stack else ""
    if aws and endpoint:
        raise UsageError(f"--aws contradicts {ENDPOINT}={endpoint}: unset the variable, or leave out --aws")
    if aws:
        return Cloud(clients=clients(), stack=name, private=False, local=False, flags=f" --aws{named}")
    if endpoint:
        local = urlsplit(endpoint).hostname in {"127.0.0.1", "localhost"}
        make = clients(endpoint_url=endpoint, attempts=LOCAL_ATTEMPTS if local else ATTEMPTS)
        return Cloud(clients=make, stack=name, private=False, local=local, flags=named)
    return None


def required_cloud(*, aws: bool, stack: str | None) -> Cloud:
    """A cloud that stands already. Raises UsageError saying how to name one."""
    cloud = standing_cloud(aws=aws, stack=stack)
    if cloud is None:
        raise UsageError(
            f"no cloud is named: run stepbatch up and `source .stepbatch/env` (it sets {ENDPOINT}), or give --aws"
        )
    return cloud


@contextmanager
def private_cloud(*, log: Path, state: Path | None = None, workers: int | None = None) -> Iterator[Cloud]:
    """A local cloud for one command; it ends with the ``with`` block."""
    deadline = time.monotonic() + READY_SECONDS
    with local_cloud(state=state, workers=workers, log=log) as process:
        import boto3  # noqa: F401 - 0.3 s of imports, while the process starts
        from botocore.exceptions import ConnectionError as NoConnectionError
        from botocore.exceptions import HTTPClientError

        ready = process.ready(deadline)
        make = clients(
            endpoint_url=ready.endpoint_url,
            region=ready.region,
            credentials=ready.credentials,
            attempts=LOCAL_ATTEMPTS,
        )
        try:
            yield Cloud(clients=make, stack=ready.stack, private=True, local=True)
        except (NoConnectionError, HTTPClientError) as error:
            raise CloudError(process.ended() or f"the local cloud does not answer: {error}") from error
