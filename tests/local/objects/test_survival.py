"""What is left after kill -9, and what a second process on the same root sees. Real processes."""

import hashlib
import os
import re
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.local.objects.asking import refused
from tests.local.objects.serving import client, serving

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITERS, KEYS_EACH, SIZE = 10, 100, 64 << 10
MIB = 1 << 20


def body_of(writer: int, number: int, version: int) -> bytes:
    """A body that says which it is, and whose last bytes say the same as its first."""
    return f"{writer:03}-{number:03}-{version:03}|".encode() * (SIZE // 12)


def write(s3: "S3Client", writer: int, acknowledged: dict[str, int], started: threading.Event) -> None:
    """Put every key again and again, until the server is gone."""
    version = 0
    while True:
        for number in range(KEYS_EACH):
            key = f"run/{writer:03}/{number:03}"
            try:
                s3.put_object(Bucket="bucket", Key=key, Body=body_of(writer, number, version))
            except (BotoCoreError, ClientError, OSError):
                return
            acknowledged[key] = version
            if version > 0:
                started.set()
        version += 1


def test_kill_9_amid_a_thousand_concurrent_puts_leaves_no_partial_object_and_loses_none(tmp_path: Path) -> None:
    acknowledged: list[dict[str, int]] = [{} for _ in range(WRITERS)]
    with serving("files", tmp_path) as (process, port):
        s3 = client(port)
        s3.create_bucket(Bucket="bucket")
        started = threading.Event()
        writers = [
            threading.Thread(target=write, args=(s3, number, acknowledged[number], started))
            for number in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        assert started.wait(timeout=120)
        os.kill(process.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
    with serving("files", tmp_path) as (_, port):
        s3 = client(port)
        seen = 0
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="bucket"):
            for entry in page["Contents"]:
                check_whole(s3, entry["Key"], entry["ETag"], acknowledged)
                seen += 1
        assert seen >= sum(len(keys) for keys in acknowledged) >= KEYS_EACH
        drafts = [path for path in (tmp_path / ".objects/drafts").rglob("*") if path.is_file()]
        assert drafts == [], "what was being written is swept away"


def check_whole(s3: "S3Client", key: str, etag: str, acknowledged: list[dict[str, int]]) -> None:
    found = s3.get_object(Bucket="bucket", Key=key)
    body = found["Body"].read()
    match = re.fullmatch(rb"(\d{3})-(\d{3})-(\d{3})\|", body[:12])
    assert match is not None
    writer, number, version = map(int, match.groups())
    assert key == f"run/{writer:03}/{number:03}"
    assert body == body_of(writer, number, version)
    assert etag == found["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert version >= acknowledged[writer].get(key, 0), "an acknowledged object went back to an older one"


def test_another_process_on_the_same_root_sees_everything(tmp_path: Path) -> None:
    with serving("files", tmp_path) as (process, port):
        s3 = client(port)
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="a", Body=b"1", ContentType="text/csv", Metadata={"m": "1"}, Tagging="t=1")
        s3.put_object(Bucket="bucket", Key="a/b//", Body=b"2")
        before = s3.list_objects_v2(Bucket="bucket")["Contents"]
        upload = s3.create_multipart_upload(Bucket="bucket", Key="big", Metadata={"m": "2"})["UploadId"]
        part = s3.upload_part(Bucket="bucket", Key="big", UploadId=upload, PartNumber=1, Body=b"x" * MIB)
        os.kill(process.pid, signal.SIGKILL)
    with serving("files", tmp_path) as (_, port):
        s3 = client(port)
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["bucket"]
        assert s3.list_objects_v2(Bucket="bucket")["Contents"] == before
        found = s3.get_object(Bucket="bucket", Key="a")
        assert (found["ContentType"], found["Metadata"], found["TagCount"]) == ("text/csv", {"m": "1"}, 1)
        s3.complete_multipart_upload(
            Bucket="bucket",
            Key="big",
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )
        assert s3.head_object(Bucket="bucket", Key="big")["Metadata"] == {"m": "2"}
        s3.create_bucket(Bucket="bucket")  # as a deployment does that begins anew: its own bucket is no obstacle
        assert s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="bucket", Key="c", Body=b"3")
        assert (tmp_path / "bucket" / "c").read_bytes() == b"3"


def test_a_stack_deployed_anew_in_any_region_takes_its_bucket_over_once(tmp_path: Path) -> None:
    region = "eu-central-1"
    configuration: Any = {"LocationConstraint": region}
    for begun in (1, 2):
        with serving("files", tmp_path, region) as (_, port):
            s3 = client(port, region)
            s3.create_bucket(Bucket="bucket", CreateBucketConfiguration=configuration)
            s3.put_object(Bucket="bucket", Key=f"run {begun}")
            assert s3.get_bucket_location(Bucket="bucket")["LocationConstraint"] == region
            assert len(s3.list_objects_v2(Bucket="bucket")["Contents"]) == begun
            again = refused(s3.create_bucket, Bucket="bucket", CreateBucketConfiguration=configuration)
            assert again == (409, "BucketAlreadyOwnedByYou")


class _Zeros:
    """A body of ``size`` bytes that takes no memory; boto3 asks for its length, rewinds it and reads it twice."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0

    def __len__(self) -> int:
        return self._size

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._at
        count = left if size < 0 else min(size, left)
        self._at += count
        return bytes(count)


def peak_memory(pid: int) -> int:
    """Bytes of resident memory at most so far."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return int(match[1]) * 1024


def test_an_object_larger_than_memory_should_be_is_streamed_both_ways(tmp_path: Path) -> None:
    size = 300 * MIB
    with serving("files", tmp_path) as (process, port):
        s3 = client(port)
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="warm", Body=b"1")
        before = peak_memory(process.pid)
        s3.put_object(Bucket="bucket", Key="big", Body=_Zeros(size))  # type: ignore[arg-type]
        received = sum(len(piece) for piece in s3.get_object(Bucket="bucket", Key="big")["Body"].iter_chunks(MIB))
        s3.copy_object(Bucket="bucket", Key="copy", CopySource={"Bucket": "bucket", "Key": "big"})
        tail = s3.get_object(Bucket="bucket", Key="big", Range=f"bytes={size - 5}-")["Body"].read()
        grown = peak_memory(process.pid) - before
    assert (received, tail) == (size, bytes(5))
    assert grown < 32 * MIB, f"the server grew by {grown >> 20} MiB"
