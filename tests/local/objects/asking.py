"""Ways to ask the object store for something, and to look at a refusal."""

import http.client
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def refused(call: Callable[..., Any], **parameters: Any) -> tuple[int, str]:
    """Status and code of the error that the call must end with."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    response = raised.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def send(
    s3: "S3Client", method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """A request as no SDK would make it; underscores in header names become dashes."""
    address = urlsplit(s3.meta.endpoint_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()
