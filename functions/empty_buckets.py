"""Empty the stack's buckets when it is deleted: CloudFormation deletes only empty ones. Answers CloudFormation."""

from collections.abc import Callable
from functools import partial
from json import dumps
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from fanout.customresource import Answer, Request, respond

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_KEYS = 1000  # that one DeleteObjects takes
NEEDED_MILLISECONDS = 60_000  # with less than this left the rest is for another invocation

logger = Logger(service="empty-buckets")


class NotEmptiedError(Exception):
    """S3 refused to delete some objects."""


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """A CloudFormation request with ``Buckets``, a list of names. Only a deletion does anything."""
    logger.info("request", extra={"type": event.get("RequestType"), "buckets": event.get("ResourceProperties")})
    respond(event, partial(act, context=context))


def act(request: Request, context: LambdaContext) -> Answer | None:
    """Empties every bucket; None when another invocation goes on with it."""
    if request["RequestType"] != "Delete":
        return Answer(succeeded=True)
    import boto3  # half of a cold start, and only deletions need it

    s3 = boto3.client("s3")
    for bucket in request["ResourceProperties"]["Buckets"]:
        if not empty(s3, bucket, in_time=lambda: context.get_remaining_time_in_millis() > NEEDED_MILLISECONDS):
            boto3.client("lambda").invoke(
                FunctionName=context.invoked_function_arn, InvocationType="Event", Payload=dumps(dict(request)).encode()
            )
            return None
    return Answer(succeeded=True)


def empty(s3: "S3Client", bucket: str, *, in_time: Callable[[], bool]) -> bool:
    """Delete all versions, delete markers and unfinished uploads; False if the time did not last. A bucket that is
    gone is empty. Raises NotEmptiedError, naming an object that cannot be deleted.
    """
    try:
        for uploads in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in uploads.get("Uploads", []):
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        while objects := some_versions(s3, bucket):
            if not in_time():
                return False
            _delete(s3, bucket, objects)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        logger.info("is gone already", extra={"bucket": bucket})
    return True


def some_versions(s3: "S3Client", bucket: str) -> list[Any]:
    """The first of what keeps a bucket from being deleted; without versioning each object has the version "null"."""
    page = s3.list_object_versions(Bucket=bucket, MaxKeys=MOST_KEYS)
    found = (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    return [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]


def _delete(s3: "S3Client", bucket: str, objects: list[Any]) -> None:
    errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors", [])
    if errors:
        first = errors[0]
        where = f"s3://{bucket}/{first.get('Key')} (version {first.get('VersionId')})"
        raise NotEmptiedError(f"{len(errors)} of {len(objects)} cannot be deleted, {where}: {first.get('Message')}")
