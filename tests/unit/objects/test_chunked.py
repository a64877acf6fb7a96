"""The aws-chunked encoding, by the examples of the S3 API reference and by what breaks it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.objects.chunked import ChunkedBody
from localcloud.objects.errors import S3Error


def encoded(chunks: list[bytes], trailers: bytes = b"", extension: bytes = b"") -> bytes:
    parts = [f"{len(chunk):x}".encode() + extension + b"\r\n" + chunk + b"\r\n" for chunk in chunks if chunk]
    return b"".join(parts) + b"0" + extension + b"\r\n" + trailers + b"\r\n"


def test_signed_chunks_give_their_payload_and_the_signed_trailer() -> None:
    signature = b";chunk-signature=" + b"b" * 64
    trailers = b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" + b"d" * 64 + b"\r\n"
    body = ChunkedBody(io.BytesIO(encoded([b"a" * 65536, b"a" * 1024], trailers, signature)))
    assert body.read(100_000) == b"a" * 66560
    assert body.read(1) == b""
    assert body.trailers["x-amz-checksum-crc32c"] == "sOO8/Q=="


def test_botocore_sends_its_trailer_without_a_line_break_before_it() -> None:
    body = ChunkedBody(io.BytesIO(b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"))
    assert body.read(5) == b"hello"
    assert body.trailers == {}
    assert body.read(1) == b""
    assert body.trailers == {"x-amz-checksum-crc32": "NhCmhg=="}


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 60), st.binary(max_size=20))
def test_however_it_is_cut_and_read_the_payload_comes_out_and_nothing_after_it(
    chunks: list[bytes], size: int, following: bytes
) -> None:
    stream = io.BytesIO(encoded(chunks) + following)
    body = ChunkedBody(stream)
    pieces = []
    while piece := body.read(size):
        pieces.append(piece)
        assert len(piece) == size or body.read(1) == b""
    assert b"".join(pieces) == b"".join(chunks)
    assert stream.read() == following


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"5\r\nhel",
        b"5\r\nhello",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"five\r\nhello\r\n0\r\n\r\n",
        b"-1\r\n\r\n",
        b"5\r\nhello\r\n",
    ],
)
def test_a_broken_encoding_is_an_incomplete_body(data: bytes) -> None:
    body = ChunkedBody(io.BytesIO(data))
    with pytest.raises(S3Error, match="IncompleteBody"):
        list(iter(lambda: body.read(3), b""))
