"""The cloud that a command speaks to: AWS, a local cloud that is up, or a private one started for the command."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from stepbatch.errors import CloudError

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

ATTEMPTS = 8  # of one request to AWS, which throttles
LOCAL_ATTEMPTS = 3  # a local cloud that does not answer is gone
CONNECTIONS = 16  # of one client: more than threads that download
FUNCTION_SECONDS = 910  # a little longer than a function may take


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Clients, made when first used, and the outputs of one stack."""

    clients: Callable[[str], Any]  # service -> boto3 client
    stack: str
    private: bool  # ends with the command that started it
    local: bool  # answers in milliseconds and costs nothing
    flags: str = ""  # what a command needs to speak to this cloud again: " --aws --stack blue"

    @cached_property
    def s3(self) -> "S3Client":
        return cast("S3Client", self.clients("s3"))

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        return cast("SFNClient", self.clients("stepfunctions"))

    @cached_property
    def batch(self) -> "BatchClient":
        return cast("BatchClient", self.clients("batch"))

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return cast("CloudWatchLogsClient", self.clients("logs"))

    @cached_property
    def functions(self) -> "LambdaClient":
        return cast("LambdaClient", self.clients("lambda"))

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        return cast("CloudFormationClient", self.clients("cloudformation"))

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs. Raises CloudError if there is no such stack."""
        from botocore.exceptions import ClientError

        try:
            stacks = self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise CloudError(
                f"there is no stack {self.stack!r} here ({error.response['Error']['Message']}): "
                "deploy it with sam build && sam deploy, or name another with --stack"
            ) from None
        return {row["OutputKey"]: row["OutputValue"] for row in stacks[0].get("Outputs", [])}

    def output(self, name: str) -> str:
        """One output. Raises CloudError naming those that are there."""
        if name not in self.outputs:
            known = ", ".join(sorted(self.outputs)) or "none"
            raise CloudError(f"the stack {self.stack!r} has no output {name!r}; it has: {known}")
        return self.outputs[name]


def clients(
    *,
    endpoint_url: str | None = None,
    region: str | None = None,
    credentials: Mapping[str, str] | None = None,
    attempts: int = ATTEMPTS,
) -> Callable[[str], Any]:
    """A maker of boto3 clients; what is not given comes from the user's own AWS configuration.

    ``AWS_REGION`` counts too: boto3 by itself reads ``AWS_DEFAULT_REGION`` only.
    """
    import boto3
    from botocore.config import Config

    session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"), **(credentials or {}))  # type: ignore[arg-type]
    patient = Config(max_pool_connections=CONNECTIONS, retries={"mode": "standard", "total_max_attempts": attempts})
    once = Config(read_timeout=FUNCTION_SECONDS, retries={"total_max_attempts": 1})  # never invoke twice
    return lambda service: session.client(  # type: ignore[call-overload]
        service, endpoint_url=endpoint_url, config=once if service == "lambda" else patient
    )
