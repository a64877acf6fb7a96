"""What an object is: one clear answer, or a reason why there is none."""

import gzip

import pytest
import zstandard

from worker.objectformat import UnreadableError, first_bytes, format_of

GZIP, ZSTD = gzip.compress(b"a,b\n1,2\n"), zstandard.compress(b"a,b\n1,2\n")
KNOWN = [
    ("in/a.csv", "", "", b"a,b", "csv"),
    ("in/A.CSV", "text/plain", "", b"a,b", "csv"),
    ("in/a.csv.gz", "application/gzip", "", GZIP, "csv+gzip"),
    ("in/a.csv.zst", "binary/octet-stream", "", ZSTD, "csv+zstd"),
    ("in/a.jsonl", "application/json", "", b"{", "jsonl"),
    ("in/a.ndjson.gz", "", "", GZIP, "jsonl+gzip"),
    ("in/noname", "text/csv; charset=utf-8", "", b"a,b", "csv"),
    ("in/noname", "application/x-ndjson", "gzip", GZIP, "jsonl+gzip"),
    ("in.csv/noname", "text/csv", "", b"a,b", "csv"),
    ("in/a.csv", "text/csv", "zstd", ZSTD, "csv+zstd"),
]
UNKNOWN = [
    ("in/a.png", "", "", b"\x89PNG", "neither name nor content type"),
    ("in/a.csv", "image/png", "", b"a,b", "content type 'image/png'"),
    ("in/a.csv", "application/x-ndjson", "", b"{", "its name says csv, its content type"),
    ("in/a.csv.gz", "", "", b"a,b\n", "should be gzip but begins with 61 2c 62 0a"),
    ("in/a.csv.zst", "", "", GZIP, "should be zstd but begins with 1f 8b"),
    ("in/a.csv.gz", "", "", b"", "begins with nothing"),
    ("in.csv/noname", "", "", b"a,b", "neither name nor content type"),
    ("in/.csv/", "application/pdf", "", b"%PDF", "content type 'application/pdf'"),
]


@pytest.mark.parametrize(("key", "content_type", "encoding", "head", "expected"), KNOWN)
def test_name_type_and_first_bytes_say_what_an_object_is(
    key: str, content_type: str, encoding: str, head: bytes, expected: str
) -> None:
    assert str(format_of(key, content_type, encoding, head)) == expected


@pytest.mark.parametrize(("key", "content_type", "encoding", "head", "reason"), UNKNOWN)
def test_what_they_leave_open_or_contradict_is_refused(
    key: str, content_type: str, encoding: str, head: bytes, reason: str
) -> None:
    with pytest.raises(UnreadableError) as refused:
        format_of(key, content_type, encoding, head)
    assert reason in str(refused.value)


@pytest.mark.parametrize("compressed", [GZIP, ZSTD])
def test_a_cut_beginning_is_decompressed_as_far_as_it_goes(compressed: bytes) -> None:
    name = "a.csv.gz" if compressed is GZIP else "a.csv.zst"
    form = format_of(name, "", "", compressed)
    assert b"a,b\n1,2\n".startswith(first_bytes(compressed[:-6], form))


def test_a_beginning_that_is_no_such_stream_is_refused() -> None:
    form = format_of("a.csv.gz", "", "", GZIP)
    with pytest.raises(UnreadableError, match="no gzip stream"):
        first_bytes(b"\x1f\x8b" + b"\xff" * 30, form)
