"""Objects by their ``s3://`` URIs: read whole or by range, written whole, listed to the last page."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from fanout.errors import PlanError, UriError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FORBIDDEN = {"403", "AccessDenied", "Forbidden"}
CHANGED = {"412", "PreconditionFailed"}
ABSENT = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}
LONGEST_KEY = 1_024  # bytes
DELETE_BATCH = 1_000  # keys that one DeleteObjects call takes
ONE_REQUEST = 8 << 20  # bytes of a file that is sent in one request; a larger one in parts, by threads of its own


@dataclass(frozen=True, slots=True)
class S3Uri:
    """``s3://bucket/key``; the key may be empty, then the URI is the bucket's root."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        scheme, _, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise UriError(f"{text!r} is not an object's URI: expected s3://bucket/key")
        return cls(bucket, key)

    @classmethod
    def parse_prefix(cls, text: str) -> Self:
        """A folder's URI: with or without a trailing slash it is the same place."""
        uri = cls.parse(text)
        return cls(uri.bucket, uri.key.strip("/"))

    def __truediv__(self, name: str) -> "S3Uri":
        return S3Uri(self.bucket, f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """One row of a listing."""

    uri: S3Uri
    size: int  # bytes
    etag: str
    notes: Mapping[str, str] = field(default_factory=dict)  # what it was put with; a listing does not tell


class Objects:
    """Object storage as this project uses it: every write is whole, every listing is complete."""

    def __init__(self, client: "S3Client | None" = None) -> None:
        self._given = client

    @cached_property
    def client(self) -> "S3Client":
        return self._given or boto3.client("s3")

    def get(self, uri: S3Uri, **conditions: Any) -> bytes:
        """The whole object. Raises UriError if it is absent."""
        return self.open(uri, **conditions).read()

    def get_range(self, uri: S3Uri, start: int, stop: int, *, etag: str) -> bytes:
        """Bytes ``[start, stop)`` of the version ``etag``; an empty range asks nothing of the service.

        Raises PlanError if the object has another ETag by now.
        """
        if stop <= start:
            return b""
        return self.open(uri, Range=f"bytes={start}-{stop - 1}", IfMatch=f'"{etag}"').read()

    def open(self, uri: S3Uri, **conditions: Any) -> BinaryIO:
        """The object's body as a stream. Raises UriError if it is absent."""
        try:
            body: BinaryIO = self.client.get_object(Bucket=uri.bucket, Key=uri.key, **conditions)["Body"]  # type: ignore[assignment]
        except ClientError as error:
            raise explained(uri, error) from error
        return body

    def find(self, uri: S3Uri) -> ObjectSummary | None:
        """The object's size and ETag, or None if it is absent."""
        if not uri.key:
            raise UriError(f"{uri} is a bucket's root: expected s3://bucket/key")
        try:
            head = self.client.head_object(Bucket=uri.bucket, Key=uri.key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise explained(uri, error) from error
        return ObjectSummary(uri, head["ContentLength"], head["ETag"].strip('"'), head["Metadata"])

    def get_annotated(self, uri: S3Uri) -> tuple[bytes, dict[str, str]]:
        """The whole object and the notes it was put with. Raises UriError if it is absent."""
        try:
            answer = self.client.get_object(Bucket=uri.bucket, Key=uri.key)
        except ClientError as error:
            raise explained(uri, error) from error
        return answer["Body"].read(), answer["Metadata"]

    def put(
        self, uri: S3Uri, body: bytes, content_type: str = "application/json", notes: Mapping[str, str] | None = None
    ) -> None:
        """Writes a whole object; ``notes`` (how long it took, which attempt) lie beside its content, not in it."""
        self.client.put_object(
            Bucket=uri.bucket, Key=uri.key, Body=body, ContentType=content_type, Metadata=dict(notes or {})
        )

    def upload(self, path: Path, uri: S3Uri, content_type: str, notes: Mapping[str, str] | None = None) -> None:
        """A file of any size; the object appears only when it is complete."""
        extra = {"ContentType": content_type, "Metadata": dict(notes or {})}
        try:
            if path.stat().st_size <= ONE_REQUEST:
                self.put(uri, path.read_bytes(), content_type, notes)
            else:
                self.client.upload_file(str(path), uri.bucket, uri.key, ExtraArgs=extra)
        except (S3UploadFailedError, ClientError) as error:
            raise UriError(f"{uri} could not be written: {error}") from error

    def list(self, prefix: S3Uri) -> Iterator[ObjectSummary]:
        """Every object under the folder ``prefix``, in the order of their keys, over as many pages as there are."""
        folder = f"{prefix.key}/" if prefix.key else ""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=folder)
        for page in pages:
            for row in page.get("Contents", []):
                yield ObjectSummary(S3Uri(prefix.bucket, row["Key"]), row["Size"], row["ETag"].strip('"'))

    def delete(self, *uris: S3Uri) -> None:
        """Deletes objects of one bucket; an absent one counts as deleted."""
        for first in range(0, len(uris), DELETE_BATCH):
            batch = uris[first : first + DELETE_BATCH]
            keys = [{"Key": uri.key} for uri in batch]
            try:
                answer = self.client.delete_objects(
                    Bucket=batch[0].bucket,
                    Delete={"Objects": keys, "Quiet": True},  # type: ignore[typeddict-item]
                )
            except ClientError as error:
                raise explained(batch[0], error) from error
            if errors := answer.get("Errors"):
                raise OSError(f"could not delete s3://{batch[0].bucket}/{errors[0]['Key']}: {errors[0]['Message']}")


def explained(uri: S3Uri, error: ClientError) -> Exception:
    """An error that names the object in place of the service's 404 and 412; any other as it is."""
    code = error.response["Error"]["Code"]
    if code in CHANGED:
        return PlanError(f"{uri} was replaced while this run was reading it")
    if code == "NoSuchBucket":
        return UriError(f"{uri}: the bucket {uri.bucket!r} does not exist")
    if code in ABSENT:
        return UriError(f"{uri}: there is no such object")
    if code in FORBIDDEN:
        return UriError(f"{uri}: this run's role may not read it; inputs and outputs lie in the stack's own buckets")
    return error


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
