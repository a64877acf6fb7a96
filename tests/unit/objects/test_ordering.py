"""Listings read a folder once, unless it may have changed. What they list is in tests/property."""

import os
from collections.abc import Iterator

import pytest

from localcloud.objects.ordering import Ordering
from localcloud.objects.store import Store
from tests.unit.objects.conftest import BUCKET, Put


def count_scans(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by one with every folder that is read."""
    scans: list[int] = []
    scandir = os.scandir

    def counting(fd: int) -> Iterator["os.DirEntry[str]"]:
        scans.append(fd)
        return scandir(fd)

    monkeypatch.setattr(os, "scandir", counting)
    return scans


def test_a_folder_that_has_not_changed_is_read_once_for_all_pages(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store.root / BUCKET / "many"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}").touch()
    monkeypatch.setattr("localcloud.objects.ordering._TICK", 0)  # as if all this was long ago
    scans = count_scans(monkeypatch)
    ordering = Ordering(store.fd)
    for number in range(300):
        expected = f"many/{number:03}"
        assert next(ordering.keys(BUCKET, "many/", expected)) == expected
    assert len(scans) == 2, "the bucket's folder and the one with the keys"
    (folder / "1000").touch()
    assert next(ordering.keys(BUCKET, "many/", "many/1000")) == "many/1000"
    assert len(scans) == 3


def test_a_folder_that_has_just_changed_is_read_again_for_it_may_change_within_the_same_tick(
    store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("x" * 600)  # lies in a folder within a folder: one of them just changed is enough
    monkeypatch.setattr("localcloud.objects.ordering._TICK", 3600 * 10**9)
    scans = count_scans(monkeypatch)
    ordering = Ordering(store.fd)
    for reads in (1, 2):
        assert list(ordering.keys(BUCKET, "", "")) == ["x" * 600]
        assert len(scans) == 3 * reads
