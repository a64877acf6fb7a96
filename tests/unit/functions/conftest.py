"""A bucket in moto's S3, and a book in it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws

from fanout.s3 import Objects, S3Uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXAMPLES = Path(__file__).parents[3] / "examples" / "montecarlo"
BUCKET = "data"


@dataclass
class Desk:
    """What a risk desk has: a bucket, and books in it."""

    client: "S3Client"

    def put(self, key: str, document: Any) -> str:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def get(self, key: str) -> Any:
        return json.loads(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def listing(self, prefix: str = "") -> list[str]:
        return [row.uri.key for row in Objects(self.client).list(S3Uri(BUCKET, prefix))]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield Desk(client)


@pytest.fixture
def context() -> LambdaContext:
    made = LambdaContext()
    made._function_name = "function"
    made._memory_limit_in_mb = 128
    made._invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    made._aws_request_id = "00000000-0000-0000-0000-000000000000"
    return made


@pytest.fixture
def request_of(desk: Desk) -> Any:
    """The workshop's five-field input for a book, and whatever else is given."""

    def make(book: Any, **more: Any) -> dict[str, Any]:
        five = {
            "jobName": "desk",
            "inputUri": desk.put("portfolio.json", book),
            "outputUri": f"s3://{BUCKET}/MCAutocallable",
            "jobDefinitionArn": "arn:aws:batch:us-east-1:123456789012:job-definition/pricer:1",
            "jobQueueArn": "arn:aws:batch:us-east-1:123456789012:job-queue/queue",
        }
        return five | more

    return make
