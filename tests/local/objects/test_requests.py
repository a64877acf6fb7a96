"""Requests as other clients than boto3 make them, and as nobody should."""

import base64
import http.client
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.local.objects.asking import refused, send

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_chunks_with_a_trailing_checksum_are_decoded_checked_and_stored_without_their_encoding(
    s3: "S3Client", bucket: str
) -> None:
    crc = base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big"))

    def put(trailer: bytes, length: str = "11") -> tuple[int, dict[str, str], bytes]:
        return send(
            s3,
            "PUT",
            f"/{bucket}/a",
            b"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:" + trailer + b"\r\n\r\n",
            Content_Encoding="gzip,aws-chunked",
            x_amz_content_sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            x_amz_decoded_content_length=length,
            x_amz_trailer="x-amz-checksum-crc32",
        )

    assert b"<Code>BadDigest</Code>" in put(b"AAAAAA==")[2]
    assert b"<Code>IncompleteBody</Code>" in put(crc, length="12")[2]
    assert b"<Code>IncompleteBody</Code>" in put(crc, length="10")[2]
    assert refused(s3.head_object, Bucket=bucket, Key="a") == (404, "404")
    status, headers, _ = put(crc)
    assert (status, headers["x-amz-checksum-crc32"]) == (200, crc.decode())
    found = s3.get_object(Bucket=bucket, Key="a")
    assert (found["ContentEncoding"], found["ContentLength"]) == ("gzip", 11)
    assert found["Body"].read() == b"hello world"


def test_a_body_of_unknown_length_is_stored(s3: "S3Client", bucket: str) -> None:
    address = urlsplit(s3.meta.endpoint_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    connection.request(
        "PUT", f"/{bucket}/a", iter([b"one", b"two"]), {"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    assert connection.getresponse().status == 200
    connection.close()
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"onetwo"


def test_a_connection_that_ends_inside_a_body_leaves_nothing(s3: "S3Client", bucket: str, objects_root: Path) -> None:
    address = urlsplit(s3.meta.endpoint_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    connection.putrequest("PUT", f"/{bucket}/a")
    connection.putheader("Content-Length", "1000000")
    connection.endheaders(b"x" * 1000)
    connection.close()
    assert send(s3, "GET", f"/{bucket}/a")[0] == 404
    assert list((objects_root / bucket).iterdir()) == []


def test_presigned_urls_work_and_carry_their_headers_and_overrides(s3: "S3Client", bucket: str) -> None:
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a b", "Metadata": {"one": "1"}})
    target = urlsplit(put)
    assert send(s3, "PUT", f"{target.path}?{target.query}", b"hello", x_amz_meta_one="1")[0] == 200
    get = urlsplit(
        s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b", "ResponseContentType": "text/plain"})
    )
    status, headers, body = send(s3, "GET", f"{get.path}?{get.query}")
    assert (status, headers["content-type"], headers["x-amz-meta-one"], body) == (200, "text/plain", "1", b"hello")


def test_a_parameter_cannot_smuggle_a_header_into_the_answer(s3: "S3Client", bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"hello")
    status, headers, _ = send(s3, "GET", f"/{bucket}/a?response-content-type=text/plain%0d%0aX-Smuggled:%201")
    assert (status, "x-smuggled" in headers) == (400, False)
    _, headers, _ = send(s3, "GET", f"/{bucket}/a?response-content-disposition=attachment;%20filename=%C3%BC")
    assert headers["content-disposition"].encode("latin-1").decode() == "attachment; filename=ü"


def test_a_bucket_may_be_named_in_the_host(s3: "S3Client", bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"hello")
    assert send(s3, "GET", "/a/b", Host=f"{bucket}.localhost:4566")[2] == b"hello"
    assert send(s3, "GET", "/a/b", Host=f"{bucket}.s3.localhost:4566")[2] == b"hello"


def test_a_key_that_tries_to_leave_the_bucket_is_only_an_odd_key(
    s3: "S3Client", bucket: str, objects_root: Path
) -> None:
    status, _, _ = send(s3, "PUT", f"/{bucket}/..%2F..%2Fescaped", b"x")
    assert status == 200
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"] == "../../escaped"
    assert list(objects_root.parent.rglob("escaped")) == [objects_root / bucket / "%2E%2E/%2E%2E/escaped"]
    assert send(s3, "GET", "/.objects/lock")[0] == 404
    assert send(s3, "GET", "/../../etc/passwd")[0] == 404
    assert send(s3, "PUT", f"/{bucket}/%FF")[0] == 400
