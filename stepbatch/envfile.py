"""``.stepbatch/env``: what another terminal sources to speak to the local cloud with any AWS tool."""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stepbatch.errors import UsageError
from stepbatch.localcloud_process import Ready
from stepbatch.workspace import FOLDER, write_whole

DERIVED = {"JOB_DEFINITION_ARN": "PricerJobDefinitionArn", "JOB_QUEUE_ARN": "JobQueueArn"}  # the workshop's names


def variables(ready: Ready) -> dict[str, str]:
    """Endpoint, region, credentials, every output of the stack, and the workshop's names for two of them."""
    derived = {name: ready.outputs[output] for name, output in DERIVED.items() if output in ready.outputs}
    return {
        "AWS_ENDPOINT_URL": ready.endpoint_url,
        "AWS_REGION": ready.region,
        "AWS_DEFAULT_REGION": ready.region,
        "AWS_ACCESS_KEY_ID": ready.credentials["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": ready.credentials["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": "",  # one of the user's own would not fit these keys
        **dict(sorted(ready.outputs.items())),
        **derived,
    }


def rendered(values: Mapping[str, str]) -> str:
    """Lines that any POSIX shell sources."""
    lines = [f"# written by stepbatch up (pid {os.getpid()}), removed when it ends"]
    lines += [f"export {name}={quoted(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    return "'" + value.replace("'", "'\"'\"'") + "'"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The folder's env file is ours for the length of a ``with`` block; the lock is the folder's own.

    Raises UsageError naming the local cloud that has it: two would overwrite each other's.
    """
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            f"another stepbatch up ({holder(folder)}) has {folder / FOLDER / 'env'}: "
            "source that and use it, end it, or run this one in another directory"
        ) from None
    else:
        yield
    finally:
        os.close(directory)


def holder(folder: Path) -> str:
    """``pid 123, http://127.0.0.1:4566``, as the folder's env file tells."""
    try:
        text = (folder / FOLDER / "env").read_text()
    except OSError:
        return "just starting"
    told = re.findall(r"(pid \d+)|AWS_ENDPOINT_URL='(.*)'", text)
    return ", ".join(pid or endpoint for pid, endpoint in told)


def write(folder: Path, text: str) -> Path:
    """Writes ``folder/.stepbatch/env``; its path."""
    path = folder / FOLDER / "env"
    write_whole(path, text.encode())
    return path


def withdraw(path: Path, text: str) -> None:
    """Removes the file, unless another local cloud has written its own since."""
    if path.exists() and path.read_text() == text:
        path.unlink()
