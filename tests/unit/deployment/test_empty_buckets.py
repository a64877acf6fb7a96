"""The janitor: a bucket is empty when nothing is left that would keep it from being deleted."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

import empty_buckets
from tests.unit.deployment.conftest import Mailbox


class Context:
    """A Lambda context whose time runs out after so many looks."""

    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:desk-EmptyBuckets:live"

    def __init__(self, looks: int = 1000) -> None:
        self.looks = looks

    def get_remaining_time_in_millis(self) -> int:
        self.looks -= 1
        return 900_000 if self.looks >= 0 else 100


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(empty_buckets, "MOST_KEYS", 10)  # several pages of few objects
    with mock_aws():
        yield boto3.client("s3")


def fill(s3: Any, bucket: str, *, objects: int = 3, versioned: bool = True) -> None:
    s3.create_bucket(Bucket=bucket)
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(objects):
        s3.put_object(Bucket=bucket, Key=f"a/{number}", Body=b"1")
    s3.put_object(Bucket=bucket, Key="a/0", Body=b"2")
    s3.delete_object(Bucket=bucket, Key="a/1")
    s3.create_multipart_upload(Bucket=bucket, Key="half")


@pytest.mark.parametrize("versioned", [True, False])
def test_versions_markers_and_uploads_go_and_the_bucket_can_be_deleted(
    s3: Any, mailbox: Mailbox, request_of: Any, versioned: bool
) -> None:
    fill(s3, "one", versioned=versioned)
    fill(s3, "two", objects=25, versioned=versioned)
    empty_buckets.handler(request_of("Delete", Buckets=["one", "two"]), Context())  # type: ignore[arg-type] # enough of it
    assert mailbox.only["Status"] == "SUCCESS"
    for bucket in ("one", "two"):
        assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
        s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_nothing_is_deleted_while_the_stack_lives(s3: Any, mailbox: Mailbox, request_of: Any, kind: str) -> None:
    fill(s3, "one")
    empty_buckets.handler(request_of(kind, Buckets=["one"]), Context())  # type: ignore[arg-type] # enough of it
    assert mailbox.only["Status"] == "SUCCESS"
    assert s3.list_objects_v2(Bucket="one")["KeyCount"] == 2


def test_a_bucket_that_is_gone_is_empty(s3: Any, mailbox: Mailbox, request_of: Any) -> None:
    fill(s3, "there")
    empty_buckets.handler(request_of("Delete", Buckets=["gone", "there"]), Context())  # type: ignore[arg-type] # enough
    assert mailbox.only["Status"] == "SUCCESS"
    s3.delete_bucket(Bucket="there")


def test_a_refusal_is_told_by_bucket_key_and_version(mailbox: Mailbox, request_of: Any) -> None:
    class Refusing:
        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "a", "VersionId": "7", "Code": "AccessDenied", "Message": "Access Denied"}]}

    with pytest.raises(empty_buckets.NotEmptiedError, match=r"1 of 1 .*, s3://b/a \(version 7\): Access Denied"):
        empty_buckets._delete(Refusing(), "b", [{"Key": "a", "VersionId": "7"}])  # type: ignore[arg-type] # a fake


def test_what_one_invocation_cannot_finish_another_goes_on_with(
    s3: Any, mailbox: Mailbox, request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(s3, "big", objects=25)
    started: list[dict[str, Any]] = []

    class Lambda:
        def invoke(self, **parameters: Any) -> None:
            started.append(parameters)

    monkeypatch.setattr(boto3, "client", lambda service: s3 if service == "s3" else Lambda())
    event = request_of("Delete", Buckets=["big"])
    empty_buckets.handler(event, Context(looks=1))  # type: ignore[arg-type] # enough of it
    assert mailbox.received == []
    assert started[0]["InvocationType"] == "Event"
    assert started[0]["FunctionName"] == Context.invoked_function_arn
    empty_buckets.handler(event, Context())  # type: ignore[arg-type] # enough of it
    assert mailbox.only["Status"] == "SUCCESS"
    s3.delete_bucket(Bucket="big")
