"""What an error of AWS means for the user."""

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def advice(error: Exception) -> str:
    """The error in one sentence, with what to do where that is known."""
    match error:
        case ClientError():
            return _of_answer(error)
        case EndpointConnectionError():
            return f"{error}: is the local cloud still up? AWS_ENDPOINT_URL names it"
        case NoCredentialsError() | PartialCredentialsError():
            return f"{error}: `source .stepbatch/env` for a local cloud, `aws configure` for AWS"
        case NoRegionError():
            return f"{error} Set AWS_REGION, or a region in your AWS configuration."
    return f"AWS: {error}"


def _of_answer(error: ClientError) -> str:
    answer = error.response.get("Error", {})
    code, message = answer.get("Code", "unknown error"), answer.get("Message", "")
    text = f"{error.operation_name} was answered with {code}: {message}"
    if code in EXPIRED:
        return f"{text}; log in again"
    if code in DENIED:
        return f"{text}; these credentials may not do it"
    return text
