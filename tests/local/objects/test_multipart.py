"""Multipart uploads through boto3."""

import base64
import hashlib
import io
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from boto3.s3.transfer import TransferConfig

from tests.local.objects.asking import refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1 << 20
PARTS = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c"]


def begin(s3: "S3Client", bucket: str, key: str = "big", **parameters: Any) -> str:
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **parameters)["UploadId"]


def send_parts(s3: "S3Client", bucket: str, upload: str, parts: list[bytes]) -> list[dict[str, Any]]:
    return [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=part)["ETag"],
        }
        for number, part in enumerate(parts, 1)
    ]


def complete(
    s3: "S3Client", bucket: str, upload: str, parts: list[dict[str, Any]], **parameters: Any
) -> dict[str, Any]:
    claimed: Any = {"Parts": parts}
    return dict(
        s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload=claimed, **parameters)
    )


def test_the_parts_become_one_object_with_the_etag_that_s3_computes(s3: "S3Client", bucket: str) -> None:
    upload = begin(s3, bucket, ContentType="text/plain", Metadata={"one": "1"}, Tagging="a=b")
    parts = send_parts(s3, bucket, upload, PARTS)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket), "an unfinished upload is no object"
    digests = b"".join(hashlib.md5(part).digest() for part in PARTS)
    assert complete(s3, bucket, upload, parts)["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    found = s3.get_object(Bucket=bucket, Key="big")
    assert (found["ContentType"], found["Metadata"], found["TagCount"]) == ("text/plain", {"one": "1"}, 1)
    assert found["Body"].read() == b"".join(PARTS)
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert (second["PartsCount"], second["ContentLength"], second["Body"].read()) == (3, 5 * MIB, PARTS[1])
    assert refused(s3.get_object, Bucket=bucket, Key="big", PartNumber=4) == (416, "InvalidPartNumber")
    assert refused(s3.abort_multipart_upload, Bucket=bucket, Key="big", UploadId=upload) == (404, "NoSuchUpload")


def test_parts_may_be_replaced_skipped_and_numbered_with_gaps(s3: "S3Client", bucket: str) -> None:
    upload = begin(s3, bucket)
    for number, body in ((7, b"x" * 5 * MIB), (7, b"y" * 5 * MIB), (8, b"left out"), (9000, b"z")):
        s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=body)
    listed = s3.list_parts(Bucket=bucket, Key="big", UploadId=upload, MaxParts=2)
    assert ([part["PartNumber"] for part in listed["Parts"]], listed["IsTruncated"]) == ([7, 8], True)
    rest = s3.list_parts(Bucket=bucket, Key="big", UploadId=upload, PartNumberMarker=listed["NextPartNumberMarker"])[
        "Parts"
    ]
    chosen = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in [listed["Parts"][0], *rest]]
    complete(s3, bucket, upload, chosen)
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"y" * 5 * MIB + b"z"


def test_a_wrong_claim_is_refused_and_the_upload_goes_on(s3: "S3Client", bucket: str) -> None:
    upload = begin(s3, bucket)
    one, two, three = send_parts(s3, bucket, upload, PARTS)
    claim: dict[str, Any] = {"Bucket": bucket, "Key": "big", "UploadId": upload}

    def refused_parts(*parts: dict[str, Any], **more: Any) -> tuple[int, str]:
        return refused(s3.complete_multipart_upload, **claim, MultipartUpload={"Parts": list(parts)}, **more)

    assert refused_parts(two, one) == (400, "InvalidPartOrder")
    assert refused_parts(one, one) == (400, "InvalidPartOrder")
    assert refused_parts(one, {"PartNumber": 2, "ETag": '"0"'}) == (400, "InvalidPart")
    assert refused_parts(one, {"PartNumber": 4, "ETag": one["ETag"]}) == (400, "InvalidPart")
    assert refused_parts(one, two, three, MpuObjectSize=1) == (400, "InvalidRequest")
    small = s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=2, Body=b"small")
    assert refused_parts(one, {"PartNumber": 2, "ETag": small["ETag"]}, three) == (400, "EntityTooSmall")
    s3.put_object(Bucket=bucket, Key="big", Body=b"here first")
    assert refused_parts(one, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refused(s3.list_parts, Bucket=bucket, Key="other", UploadId=upload) == (404, "NoSuchUpload")
    assert refused(s3.upload_part, **claim, PartNumber=0, Body=b"") == (400, "InvalidArgument")
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"here first"
    complete(s3, bucket, upload, [one])
    assert s3.head_object(Bucket=bucket, Key="big")["ContentLength"] == 5 * MIB


def test_an_aborted_upload_is_gone(s3: "S3Client", bucket: str) -> None:
    upload = begin(s3, bucket)
    send_parts(s3, bucket, upload, [b"1"])
    s3.abort_multipart_upload(Bucket=bucket, Key="big", UploadId=upload)
    assert refused(s3.list_parts, Bucket=bucket, Key="big", UploadId=upload) == (404, "NoSuchUpload")
    late = refused(s3.upload_part, Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, Body=b"")
    assert late == (404, "NoSuchUpload")
    assert refused(s3.upload_part, Bucket=bucket, Key="big", UploadId="../../x", PartNumber=1, Body=b"") == (
        404,
        "NoSuchUpload",
    )


def test_unfinished_uploads_are_listed_by_key_and_age(s3: "S3Client", bucket: str) -> None:
    ids = {key: [begin(s3, bucket, key) for _ in range(count)] for key, count in (("b/x", 2), ("a é", 1), ("b/y", 1))}
    expected = [(key, upload) for key in sorted(ids) for upload in ids[key]]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [(upload["Key"], upload["UploadId"]) for page in pages for upload in page["Uploads"]] == expected
    listed = s3.list_multipart_uploads(Bucket=bucket, Prefix="b/y")["Uploads"]
    assert [upload["Key"] for upload in listed] == ["b/y"]


def test_a_part_may_be_a_range_of_another_object(s3: "S3Client", bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    upload = begin(s3, bucket)
    source: Any = {"Bucket": bucket, "Key": "source"}
    copied = s3.upload_part_copy(
        Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, CopySource=source, CopySourceRange="bytes=2-5"
    )["CopyPartResult"]
    outside = refused(
        s3.upload_part_copy,
        Bucket=bucket,
        Key="big",
        UploadId=upload,
        PartNumber=1,
        CopySource=source,
        CopySourceRange="bytes=2-10",
    )
    assert outside == (400, "InvalidArgument")
    complete(s3, bucket, upload, [{"PartNumber": 1, "ETag": copied["ETag"]}])
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"2345"


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_the_checksum_of_the_whole_is_made_of_those_of_the_parts(s3: "S3Client", bucket: str, kind: Any) -> None:
    upload = begin(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType=kind)
    parts = send_parts(s3, bucket, upload, PARTS)
    whole = zlib.crc32(b"".join(PARTS)).to_bytes(4, "big")
    joined = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in PARTS)
    composite = base64.b64encode(zlib.crc32(joined).to_bytes(4, "big")).decode() + "-3"
    expected = composite if kind == "COMPOSITE" else base64.b64encode(whole).decode()
    done = complete(s3, bucket, upload, parts, ChecksumType=kind)
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (expected, kind)
    head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")
    assert (head["ChecksumCRC32"], head["ChecksumType"]) == (expected, kind)


def test_the_transfer_manager_uploads_and_downloads_in_parallel_parts(s3: "S3Client", bucket: str) -> None:
    data = bytes(range(256)) * (18 * 4096) + b"tail"
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big", Config=config)
    target = io.BytesIO()
    s3.download_fileobj(bucket, "big", target, Config=config)
    assert target.getvalue() == data
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copy", Range="bytes=-4")["Body"].read() == b"tail"


def test_a_multipart_object_copied_whole_has_a_plain_etag(s3: "S3Client", bucket: str) -> None:
    upload = begin(s3, bucket)
    complete(s3, bucket, upload, send_parts(s3, bucket, upload, [b"hello"]))
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "big"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
