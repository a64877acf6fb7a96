"""Objects of a local cloud are read without the client's detour, and with it where anything is unusual."""

import gzip
from collections.abc import Iterator

import pytest

from fanout.errors import UriError
from fanout.s3 import S3Uri
from stepbatch.nearby import NearObjects
from tests.local.cloud_process import Cloud

KEYS = ["a b#c%d%20e+f:g?h&i=j", "emoji 😀/ünï", "deep//er/'\"q\\", "dots/./in/../it", "k" * 1_000]


@pytest.fixture
def folder(cloud: Cloud) -> S3Uri:
    return S3Uri(cloud.outputs["EgressBucketName"], "nearby")


@pytest.fixture
def calls(cloud: Cloud) -> Iterator[list[str]]:
    """What the client is asked to get."""
    made: list[str] = []
    events = cloud.client("s3").meta.events

    def note(params: dict[str, str], **_: object) -> None:
        made.append(params["url_path"])

    events.register("before-call.s3.GetObject", note)
    yield made
    events.unregister("before-call.s3.GetObject", note)


@pytest.fixture
def objects(cloud: Cloud) -> NearObjects:
    return NearObjects(cloud.client("s3"), connections=2)


@pytest.mark.parametrize("key", KEYS)
def test_an_object_is_read_whatever_its_key(objects: NearObjects, folder: S3Uri, calls: list[str], key: str) -> None:
    objects.put(folder / key, key.encode())
    assert objects.get(folder / key) == key.encode()
    assert len(calls) == ("/." in key)


def test_it_is_read_as_it_is_stored_and_without_the_clients_get(
    objects: NearObjects, folder: S3Uri, calls: list[str]
) -> None:
    packed = gzip.compress(b"a\n" * 5_000_000)
    uri = folder / "packed.csv"
    objects.client.put_object(Bucket=uri.bucket, Key=uri.key, Body=packed, ContentEncoding="gzip")
    stream = objects.open(uri)
    assert b"".join(iter(lambda: stream.read(1_000), b"")) == packed
    assert calls == []


def test_an_object_that_is_absent_is_told_as_ever(objects: NearObjects, folder: S3Uri, calls: list[str]) -> None:
    with pytest.raises(UriError, match="there is no such object"):
        objects.get(folder / "nothing")
    assert len(calls) == 1


def test_a_range_of_one_version_is_left_to_the_client(objects: NearObjects, folder: S3Uri, calls: list[str]) -> None:
    objects.put(folder / "numbers", b"0123456789")
    found = objects.find(folder / "numbers")
    assert found is not None
    assert objects.get_range(folder / "numbers", 2, 5, etag=found.etag) == b"234"
    assert len(calls) == 1
