"""What an error of AWS means for the user."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ReadTimeoutError,
)

LOCAL = {"127.0.0.1", "localhost"}

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def advice(error: Exception, environ: Mapping[str, str] = os.environ) -> str:
    """The error in one sentence, with what to do where that is known."""
    match error:
        case ClientError():
            return _of_answer(error)
        case EndpointConnectionError() | ConnectionClosedError() | ConnectTimeoutError() | ReadTimeoutError():
            return _of_silence(error, environ.get("AWS_ENDPOINT_URL", ""))
        case NoCredentialsError() | PartialCredentialsError():
            return f"{error}: `source .stepbatch/env` for a local cloud, `aws configure` for AWS"
        case NoRegionError():
            return f"{error} Set AWS_REGION, or a region in your AWS configuration."
    return f"AWS: {error}"


def _of_silence(error: Exception, endpoint: str) -> str:
    if urlsplit(endpoint).hostname in LOCAL:
        return (
            f"no local cloud answers at {endpoint}, which AWS_ENDPOINT_URL names: start it again (stepbatch up, then "
            "`source .stepbatch/env`), or `unset AWS_ENDPOINT_URL`; run and invoke then have a cloud of their own"
        )
    if endpoint:
        return f"{error}: AWS_ENDPOINT_URL names {endpoint}"
    return f"{error}: is there a network, and is the region right?"


def _of_answer(error: ClientError) -> str:
    answer = error.response.get("Error", {})
    code, message = answer.get("Code", "unknown error"), answer.get("Message", "")
    text = f"{error.operation_name} was answered with {code}: {message}"
    if code in EXPIRED:
        return f"{text}; log in again"
    if code in DENIED:
        return f"{text}; these credentials may not do it"
    return text
