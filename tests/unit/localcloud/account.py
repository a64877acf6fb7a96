"""One account: requests as they arrive, a role with policies in moto, and the guard over it."""

import io
import json
from typing import Any

import boto3
import pytest

from localcloud.access.guard import Guard
from localcloud.access.operations import Where
from localcloud.access.roles import BucketPolicies, Roles
from localcloud.calls import Call
from localcloud.errors import ApiError
from localcloud.iam import Credentials

ACCOUNT, REGION = "123456789012", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
ARN = f"arn:aws:{{}}:{REGION}:{ACCOUNT}:{{}}"


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "states.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
    ],
}


class Catalogue:
    """One queue, one definition in its third revision."""

    def job_definition(self, name_or_arn: str) -> dict[str, str] | None:
        known = "price" in name_or_arn
        return {"jobDefinitionArn": ARN.format("batch", "job-definition/price:3")} if known else None

    def queue(self, name_or_arn: str) -> dict[str, str] | None:
        return {"jobQueueArn": ARN.format("batch", "job-queue/spot")} if "spot" in name_or_arn else None


WHERE = Where(account=ACCOUNT, region=REGION, batch=Catalogue())


def call(
    service: str, method: str, path: str, body: bytes | dict[str, Any] = b"", key: str = "AKIDEVELOPER", **headers: str
) -> Call:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    target, _, query = path.partition("?")
    scope = f"AWS4-HMAC-SHA256 Credential={key}/20260101/{REGION}/{service}/aws4_request, Signature=x"
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": target,
        "RAW_URI": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(data)),
        "HTTP_HOST": "127.0.0.1:4566",
        "HTTP_AUTHORIZATION": scope,
        "wsgi.input": io.BytesIO(data),
    }
    return Call(environ | {f"HTTP_{name.upper()}": value for name, value in headers.items()})


class Account:
    """A role with policies in moto, and the guard over it."""

    def __init__(self) -> None:
        self.credentials = Credentials(ACCOUNT)
        self.key = self.credentials.credentials_for(ROLE, "session")
        self.buckets = BucketPolicies(account=ACCOUNT)
        roles = Roles(account=ACCOUNT, region=REGION)
        self.guard = Guard(credentials=self.credentials, roles=roles, buckets=self.buckets, where=WHERE)
        self.iam = boto3.client("iam", region_name=REGION)
        self.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))

    def allow(self, action: Any, resource: Any = "*", name: str = "inline", **more: Any) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource, "Sid": name.title(), **more}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        self.iam.put_role_policy(RoleName="worker", PolicyName=name, PolicyDocument=json.dumps(document))

    def call(self, service: str, method: str, path: str, body: Any = b"", **headers: str) -> Call:
        key, token = self.key["AWS_ACCESS_KEY_ID"], self.key["AWS_SESSION_TOKEN"]
        return call(service, method, path, body, key=key, x_amz_security_token=token, **headers)

    def refusal(self, *words: Any, **headers: str) -> tuple[int, str, str]:
        with pytest.raises(ApiError) as caught:
            self.guard.admit(self.call(*words, **headers))
        return caught.value.status, caught.value.code, caught.value.message
