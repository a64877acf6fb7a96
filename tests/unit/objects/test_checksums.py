"""Checksums against published check values, and against each other."""

import base64
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.objects.checksums import claim_of, composite, encode, full_object, new_digest, type_of
from localcloud.objects.errors import S3Error

CHECK = b"123456789"  # the input that catalogues of CRCs give values for


def checksum(algorithm: str, *pieces: bytes) -> str:
    digest = new_digest(algorithm)
    for piece in pieces:
        digest.update(piece)
    return encode(digest.digest())


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("MD5", "25f9e794323b453885f5181f1b624d0b"),
        ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_the_published_check_value(algorithm: str, value: str) -> None:
    assert base64.b64decode(checksum(algorithm, CHECK)).hex() == value


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 100_000, (1 << 20) + 12_345])
@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
def test_side_by_side_lanes_give_what_byte_after_byte_gives(algorithm: str, size: int) -> None:
    data = bytes((7 * index + index // 251) % 256 for index in range(size))
    assert checksum(algorithm, data) == checksum(algorithm, *(data[at : at + 1000] for at in range(0, size, 1000)))


@settings(deadline=None)  # the first call makes tables
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.sampled_from(["CRC32", "CRC32C", "CRC64NVME"]))
def test_the_crc_of_the_whole_follows_from_the_crcs_of_its_parts(parts: list[bytes], algorithm: str) -> None:
    combined = full_object(algorithm, [(checksum(algorithm, part), len(part)) for part in parts])
    assert combined == checksum(algorithm, b"".join(parts))
    assert type_of(combined) == "FULL_OBJECT"


def test_a_composite_checksum_is_that_of_the_parts_checksums_and_their_number() -> None:
    parts = [zlib.crc32(part).to_bytes(4, "big") for part in (b"one", b"two")]
    value = composite("CRC32", [encode(part) for part in parts])
    assert value == encode(zlib.crc32(b"".join(parts)).to_bytes(4, "big")) + "-2"
    assert type_of(value) == "COMPOSITE"


def test_only_a_crc_can_cover_the_whole_of_a_multipart_object() -> None:
    with pytest.raises(S3Error, match="sha256"):
        full_object("SHA256", [])


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "x"}, "single"),
        ({"x-amz-checksum-crc32": "AAAA"}, "invalid"),
        ({"x-amz-checksum-crc32": "not base64"}, "invalid"),
        ({"x-amz-checksum-crc99": "AAAA"}, "CRC99"),
        ({"x-amz-checksum-xxhash3": "AAAA"}, "XXHASH3"),
    ],
)
def test_a_checksum_header_that_cannot_be_checked_is_refused(headers: dict[str, str], message: str) -> None:
    with pytest.raises(S3Error, match=message):
        claim_of(headers)


def test_headers_that_only_speak_of_checksums_claim_none() -> None:
    assert claim_of({"x-amz-checksum-mode": "ENABLED", "x-amz-checksum-type": "COMPOSITE"}) is None
    trailer = claim_of({"x-amz-trailer": "x-amz-checksum-crc64nvme"})
    assert trailer is not None
    assert (trailer.algorithm, trailer.value) == ("CRC64NVME", "")
