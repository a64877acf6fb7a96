"""Listings against a model: a sorted list of keys, rolled up by hand."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.objects.listing import after_all, page_of
from localcloud.objects.ordering import Ordering
from localcloud.objects.records import Record
from localcloud.objects.store import Store

BUCKET = "bucket"
_SEGMENTS = st.sampled_from(
    ["", "a", "b", "a!", "a-b", "a0", "ab", "é", "😀", "\uffff", "%", "..", "\x01", "x" * 250, "x" * 251]
)
KEYS = st.lists(_SEGMENTS, min_size=1, max_size=4).map("/".join).filter(lambda key: 0 < len(key.encode()) <= 1000)


def model(keys: set[str], prefix: str, delimiter: str, after: str) -> list[str]:
    """Keys and common prefixes greater than ``after``, in the order of their UTF-8 bytes."""
    entries = set()
    for key in keys:
        if key.startswith(prefix) and key > after:
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            entries.add(key if cut < 0 else key[: cut + len(delimiter)])
    return sorted((entry for entry in entries if entry > after), key=str.encode)


@settings(deadline=None)  # it writes files
@given(
    keys=st.sets(KEYS, max_size=12),
    prefix=st.one_of(st.just(""), KEYS, KEYS.map(lambda key: key[: len(key) // 2])),
    delimiter=st.sampled_from(["", "/", "a", "//", "-b", "😀"]),
    after=st.one_of(st.just(""), KEYS),
    limit=st.integers(1, 4),
)
def test_pages_put_together_are_the_whole_listing_in_s3s_order(
    keys: set[str], prefix: str, delimiter: str, after: str, limit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), durable=False, clock=lambda: 0)
        (Path(folder) / BUCKET).mkdir()
        for key in keys:
            with store.draft() as draft:
                store.commit(draft, BUCKET, key, Record(etag="", size=0, mtime=0))
        ordering = Ordering(store.fd)

        def iterate(start: str) -> Iterator[str]:
            return ordering.keys(BUCKET, prefix, start)

        found: list[str] = []
        start: str | None = after + "\0" if after else ""
        while start is not None:
            page = page_of(iterate, prefix, delimiter, start, limit)
            entries = sorted(page.keys + page.prefixes)
            assert len(entries) == limit or page.resume is None
            found += entries
            start = page.resume
        store.close()
    assert found == model(keys, prefix, delimiter, after)


@given(st.text(min_size=1, max_size=4), st.text(max_size=4), st.text(max_size=4))
def test_after_all_separates_what_begins_with_a_prefix_from_what_is_greater(prefix: str, rest: str, other: str) -> None:
    bound = after_all(prefix)
    assert prefix + rest < bound
    if other > prefix and not other.startswith(prefix):
        assert other >= bound
