"""``stepbatch invoke``: one function, one event, on the cloud that is there or a private one."""

import base64
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.text import Text

from stepbatch.cloud import Cloud
from stepbatch.connect import private_cloud, standing_cloud
from stepbatch.errors import UsageError
from stepbatch.outcome import input_errors

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
OBJECT_URI = re.compile(r"s3://([^/\"]+)/([^\"]+)")


def invoke(function: str, event: Path, *, aws: bool, stack: str | None, stdout: Console, stderr: Console) -> int:
    """Prints the payload to stdout and the log to stderr; the exit status is that of the function's error."""
    text = read_event(event)
    with some_cloud(aws=aws, stack=stack) as cloud:
        if cloud.private:
            upload_examples(cloud, text)
        answer = cloud.functions.invoke(FunctionName=resolved(cloud, function), Payload=text, LogType="Tail")
        payload = json.loads(answer["Payload"].read() or b"null")
    if log := base64.b64decode(answer.get("LogResult", "")).decode(errors="replace").rstrip():
        stderr.print(log, soft_wrap=True)
    stdout.print(json.dumps(payload, indent=1), soft_wrap=True)
    if not answer.get("FunctionError"):
        return 0
    error = payload if isinstance(payload, dict) else {}
    name = str(error.get("errorType", "error"))
    stderr.print(Text(f"{name}: {error.get('errorMessage', payload)}", style="red"), soft_wrap=True)
    return 2 if name in input_errors() else 1


def read_event(path: Path) -> bytes:
    """The event as it is. Raises UsageError if it cannot be read or is no JSON."""
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    try:
        json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from None
    return text


@contextmanager
def some_cloud(*, aws: bool, stack: str | None) -> Iterator[Cloud]:
    """The cloud that is there, else a private one that leaves nothing behind."""
    standing = standing_cloud(aws=aws, stack=stack)
    if standing is not None:
        yield standing
        return
    with (
        TemporaryDirectory(prefix="stepbatch-") as directory,
        private_cloud(log=Path(directory) / "localcloud.log") as cloud,
    ):
        yield cloud


def upload_examples(cloud: Cloud, event: bytes) -> None:
    """Puts the examples that the event names where it expects them: a private cloud is empty."""
    for bucket, key in OBJECT_URI.findall(event.decode(errors="replace")):
        for path in sorted(EXAMPLES.glob(f"*/{Path(key).name}")):
            cloud.s3.upload_file(str(path), bucket, key)


def resolved(cloud: Cloud, function: str) -> str:
    """The function's physical name, where ``function`` is a logical id or the name of a stack output."""
    from botocore.exceptions import ClientError

    if function in cloud.outputs:
        return cloud.outputs[function]
    try:
        detail: Any = cloud.cloudformation.describe_stack_resource(StackName=cloud.stack, LogicalResourceId=function)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return function
    return str(detail["StackResourceDetail"]["PhysicalResourceId"])
