"""Single-object calls through boto3, where moto is silent or wrong."""

import base64
import hashlib
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.objects.asking import refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_what_is_put_comes_back_with_everything_that_was_said_of_it(s3: "S3Client", bucket: str) -> None:
    s3.put_object(
        Bucket=bucket,
        Key="a/b.csv",
        Body=b"1,2\n",
        ContentType="text/csv",
        CacheControl="no-store",
        ContentEncoding="identity",
        Metadata={"Owner": "desk", "snake_case": "kept"},
        Tagging="team=risk",
        WebsiteRedirectLocation="/elsewhere",
    )
    found = s3.get_object(Bucket=bucket, Key="a/b.csv")
    assert found["Body"].read() == b"1,2\n"
    assert found["Metadata"] == {"owner": "desk", "snake_case": "kept"}
    assert (found["ContentType"], found["CacheControl"], found["ContentEncoding"]) == (
        "text/csv",
        "no-store",
        "identity",
    )
    assert (found["TagCount"], found["WebsiteRedirectLocation"]) == (1, "/elsewhere")
    assert found["ChecksumCRC32"] == base64.b64encode(zlib.crc32(b"1,2\n").to_bytes(4, "big")).decode()
    assert found["ETag"] == f'"{hashlib.md5(b"1,2\n").hexdigest()}"'
    assert found["ResponseMetadata"]["RequestId"]


def test_an_object_is_a_plain_file_below_the_root(s3: "S3Client", bucket: str, objects_root: Path) -> None:
    s3.put_object(Bucket=bucket, Key="out/report.html", Body=b"<p>")
    assert (objects_root / bucket / "out/report.html").read_bytes() == b"<p>"


def test_errors_are_named_as_s3_names_them(s3: "S3Client", bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"hello")
    assert refused(s3.get_object, Bucket=bucket, Key="none") == (404, "NoSuchKey")
    assert refused(s3.get_object, Bucket="no-such-bucket", Key="none") == (404, "NoSuchBucket")
    assert refused(s3.put_object, Bucket="no-such-bucket", Key="none", Body=b"1") == (404, "NoSuchBucket")
    assert refused(s3.get_object, Bucket=bucket, Key="a", Range="bytes=5-") == (416, "InvalidRange")
    assert refused(s3.get_object, Bucket=bucket, Key="a", IfMatch='"x"') == (412, "PreconditionFailed")
    assert refused(s3.get_object, Bucket=bucket, Key="a", IfNoneMatch='"5d41402abc4b2a76b9719d911017c592"') == (
        304,
        "304",
    )
    assert refused(s3.put_object, Bucket=bucket, Key="a", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refused(s3.put_object, Bucket=bucket, Key="b", IfMatch='"x"') == (404, "NoSuchKey")
    assert refused(s3.delete_object, Bucket=bucket, Key="a", IfMatch='"x"') == (412, "PreconditionFailed")
    assert refused(s3.get_object, Bucket=bucket, Key="a", VersionId="abc") == (404, "NoSuchVersion")
    assert refused(s3.put_object, Bucket=bucket, Key="k" * 1025) == (400, "KeyTooLongError")
    assert refused(s3.put_object, Bucket=bucket, Key="a", Metadata={"m": "x" * 3000}) == (400, "MetadataTooLarge")
    assert refused(s3.put_object, Bucket=bucket, Key="a", ACL="public-read") == (400, "AccessControlListNotSupported")
    assert refused(s3.list_objects_v2, Bucket=bucket, ContinuationToken="?") == (400, "InvalidArgument")
    assert refused(s3.get_object_legal_hold, Bucket=bucket, Key="a") == (501, "NotImplemented")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ContentMD5": base64.b64encode(b"0" * 16).decode()}, "BadDigest"),
        ({"ContentMD5": "short"}, "InvalidDigest"),
        ({"ChecksumSHA256": base64.b64encode(b"0" * 32).decode()}, "BadDigest"),
        ({"ChecksumCRC32C": "AAAAAA=="}, "BadDigest"),
        ({"ChecksumCRC64NVME": "AAAAAAAAAAA="}, "BadDigest"),
        ({"ChecksumCRC32": "AAA="}, "InvalidRequest"),
    ],
)
def test_a_body_that_is_not_what_was_announced_is_refused_and_not_stored(
    s3: "S3Client", bucket: str, wrong: dict[str, str], code: str
) -> None:
    assert refused(s3.put_object, Bucket=bucket, Key="a", Body=b"hello", **wrong) == (400, code)
    assert refused(s3.head_object, Bucket=bucket, Key="a") == (404, "404")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_the_checksum_that_was_sent_is_kept_and_returned_on_request(
    s3: "S3Client", bucket: str, algorithm: str
) -> None:
    put: dict[str, Any] = dict(s3.put_object(Bucket=bucket, Key="a", Body=b"hello", ChecksumAlgorithm=algorithm))  # type: ignore[arg-type]
    head: dict[str, Any] = dict(s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED"))
    assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ChecksumAlgorithm"] == [algorithm]
    attributes = s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
    assert attributes["ObjectSize"] == 5
    assert attributes["Checksum"][f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]  # type: ignore[literal-required]


def test_keys_with_characters_that_xml_cannot_say_are_listed(s3: "S3Client", bucket: str) -> None:
    keys = ["\x01", "a\nb", "a\rb", "a<b>&\"'c", "a+b c%20", "\u2028", "💶"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == sorted(keys)


def test_a_copy_onto_itself_must_change_something(s3: "S3Client", bucket: str) -> None:
    source: Any = {"Bucket": bucket, "Key": "a"}
    s3.put_object(Bucket=bucket, Key="a", Body=b"hello", Metadata={"old": "1"}, Tagging="t=1")
    assert refused(s3.copy_object, Bucket=bucket, Key="a", CopySource=source) == (400, "InvalidRequest")
    s3.copy_object(Bucket=bucket, Key="a", CopySource=source, MetadataDirective="REPLACE", Metadata={"new": "2"})
    found = s3.get_object(Bucket=bucket, Key="a")
    assert (found["Metadata"], found["TagCount"], found["Body"].read()) == ({"new": "2"}, 1, b"hello")


def test_a_copy_keeps_its_conditions(s3: "S3Client", bucket: str) -> None:
    source: Any = {"Bucket": bucket, "Key": "ü &+a"}
    etag = s3.put_object(Bucket=bucket, Key="ü &+a", Body=b"hello")["ETag"]
    copy = s3.copy_object
    assert refused(copy, Bucket=bucket, Key="b", CopySource=source, CopySourceIfMatch='"x"') == (
        412,
        "PreconditionFailed",
    )
    assert refused(copy, Bucket=bucket, Key="b", CopySource=source, CopySourceIfNoneMatch=etag) == (
        412,
        "PreconditionFailed",
    )
    assert copy(Bucket=bucket, Key="b", CopySource=source, CopySourceIfMatch=etag)["CopyObjectResult"]["ETag"] == etag
    assert refused(copy, Bucket=bucket, Key="b", CopySource=source, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refused(copy, Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "none"}) == (404, "NoSuchKey")


def test_deleting_many_reports_each_key_and_stays_quiet_on_request(s3: "S3Client", bucket: str) -> None:
    for key in ("a", "b&<", "c\n"):
        s3.put_object(Bucket=bucket, Key=key)
    keys = ["a", "b&<", "c\n", "never there"]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert [entry["Key"] for entry in deleted["Deleted"]] == keys
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True})
    failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": "other"}]})
    assert failed["Errors"][0]["Code"] == "NoSuchVersion"


def test_an_unseekable_stream_is_uploaded_and_an_object_streamed_back(s3: "S3Client", bucket: str) -> None:
    data = bytes(range(256)) * 4096
    s3.upload_fileobj(io.BytesIO(data), bucket, "a")
    target = io.BytesIO()
    s3.download_fileobj(bucket, "a", target)
    assert target.getvalue() == data


def test_the_owner_may_do_everything_and_nobody_else_can_be_let_in(s3: "S3Client", bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a", ACL="bucket-owner-full-control")
    (grant,) = s3.get_object_acl(Bucket=bucket, Key="a")["Grants"]
    assert (grant["Grantee"]["Type"], grant["Permission"]) == ("CanonicalUser", "FULL_CONTROL")
    assert refused(s3.put_object_acl, Bucket=bucket, Key="a", ACL="public-read") == (
        400,
        "AccessControlListNotSupported",
    )


def test_tags_are_held_to_s3s_limits(s3: "S3Client", bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a")

    def tag(*pairs: tuple[str, str]) -> tuple[int, str]:
        tags: Any = {"TagSet": [{"Key": key, "Value": value} for key, value in pairs]}
        return refused(s3.put_object_tagging, Bucket=bucket, Key="a", Tagging=tags)

    assert tag(*((str(number), "") for number in range(11))) == (400, "InvalidTag")
    assert tag(("k" * 129, "")) == (400, "InvalidTag")
    assert tag(("k", "v" * 257)) == (400, "InvalidTag")
    assert tag(("k", "1"), ("k", "2")) == (400, "InvalidTag")
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == []
