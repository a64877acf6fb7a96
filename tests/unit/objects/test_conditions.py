"""Ranges and conditional headers, by the rules of RFC 9110 and what S3 makes of them."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.objects.conditions import check_copy_source, check_expiry, not_modified, parse_range, write_check
from localcloud.objects.errors import S3Error
from localcloud.objects.records import Record

NOW = 1_800_000_000
RECORD = Record(etag="abc", size=10, mtime=NOW * 1_000_000_000 + 999_999_999)
THEN, AT_ONCE, LATER = (
    "Fri, 15 Jan 2027 07:59:59 GMT",
    "Fri, 15 Jan 2027 08:00:00 GMT",
    "Fri, 15 Jan 2027 08:00:01 GMT",
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=2-", (2, 10)),
        ("bytes=2-99", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("Bytes = 2 - 5", (2, 6)),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=--3", None),
    ],
)
def test_a_range_of_ten_bytes(header: str, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 10) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_a_range_without_a_byte_cannot_be_satisfied(header: str, size: int) -> None:
    with pytest.raises(S3Error, match="InvalidRange") as error:
        parse_range(header, size)
    assert error.value.elements["ActualObjectSize"] == str(size)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20))
def test_a_range_is_the_slice_that_python_would_take(first: int, last: int, size: int) -> None:
    data = bytes(range(size))
    expected = data[first : last + 1]
    if first > last:
        assert parse_range(f"bytes={first}-{last}", size) is None or first >= size
    elif expected:
        extent = parse_range(f"bytes={first}-{last}", size)
        assert extent is not None
        assert data[slice(*extent)] == expected


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, 200),
        ({"if-match": '"abc"'}, 200),
        ({"if-match": "abc"}, 200),
        ({"if-match": '"x", "abc"'}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": '"x"'}, 412),
        ({"if-none-match": '"abc"'}, 304),
        ({"if-none-match": 'W/"abc"'}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"if-modified-since": THEN}, 200),
        ({"if-modified-since": AT_ONCE}, 304),
        ({"if-modified-since": LATER}, 304),
        ({"if-unmodified-since": THEN}, 412),
        ({"if-unmodified-since": AT_ONCE}, 200),
        ({"if-modified-since": "yesterday"}, 200),
        ({"if-match": '"abc"', "if-unmodified-since": THEN}, 200),
        ({"if-match": '"x"', "if-unmodified-since": LATER}, 412),
        ({"if-none-match": '"x"', "if-modified-since": LATER}, 200),
        ({"if-none-match": '"abc"', "if-modified-since": THEN}, 304),
        ({"if-match": '"x"', "if-none-match": '"abc"'}, 412),
    ],
)
def test_a_conditional_read(headers: Mapping[str, str], answer: int) -> None:
    try:
        status = 304 if not_modified(RECORD, headers) else 200
    except S3Error as error:
        status = error.status
    assert status == answer
    copy_headers = {f"x-amz-copy-source-{name}": value for name, value in headers.items()}
    if answer == 200:
        check_copy_source(RECORD, copy_headers)
    else:
        with pytest.raises(S3Error, match="PreconditionFailed"):
            check_copy_source(RECORD, copy_headers)


@pytest.mark.parametrize(
    ("headers", "current", "code"),
    [
        ({"if-none-match": "*"}, None, ""),
        ({"if-none-match": "*"}, RECORD, "PreconditionFailed"),
        ({"if-match": '"abc"'}, RECORD, ""),
        ({"if-match": '"x"'}, RECORD, "PreconditionFailed"),
        ({"if-match": '"abc"'}, None, "NoSuchKey"),
    ],
)
def test_a_conditional_write(headers: Mapping[str, str], current: Record | None, code: str) -> None:
    check = write_check(headers, "key")
    assert check is not None
    try:
        check(current)
    except S3Error as error:
        assert error.code == code  # noqa: PT017 the table has rows without an error
    else:
        assert code == ""


def test_a_write_on_condition_of_another_objects_absence_is_not_implemented_as_in_s3() -> None:
    with pytest.raises(S3Error, match="NotImplemented"):
        write_check({"if-none-match": '"abc"'}, "key")
    assert write_check({}, "key") is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, ""),
        ({"X-Amz-Date": "20270115T075000Z", "X-Amz-Expires": "600"}, ""),
        ({"X-Amz-Date": "20270115T075000Z", "X-Amz-Expires": "599"}, "AccessDenied"),
        ({"X-Amz-Date": "yesterday", "X-Amz-Expires": "600"}, "AccessDenied"),
        ({"X-Amz-Date": "20270115T075000Z", "X-Amz-Expires": "for ever"}, "AccessDenied"),
    ],
)
def test_a_presigned_url_is_good_until_it_expires(query: Mapping[str, str], code: str) -> None:
    try:
        check_expiry(query, NOW * 1_000_000_000)
    except S3Error as error:
        assert error.code == code  # noqa: PT017 the table has rows without an error
    else:
        assert code == ""
