"""Objects as files: what lies where, what a person may do to it, what a crash may leave."""

import contextlib
import os
import stat
import threading
from pathlib import Path

import msgspec
import pytest

from localcloud.objects import uploads
from localcloud.objects.errors import S3Error
from localcloud.objects.ordering import Ordering
from localcloud.objects.records import Record
from localcloud.objects.store import Store
from tests.unit.objects.conftest import BUCKET, Put


def body_of(store: Store, key: str) -> bytes | None:
    stored = store.open(BUCKET, key)
    if stored is None:
        return None
    with stored:
        return os.pread(stored.fd, 1 << 20, 0)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root / BUCKET)) for path in (root / BUCKET).rglob("*") if path.is_file())


def keys(store: Store) -> list[str]:
    return list(Ordering(store.fd).keys(BUCKET, "", ""))


def test_an_ordinary_key_is_a_plain_file_that_a_person_can_open(store: Store, put: Put) -> None:
    put("runs/2026/results.json", b"{}")
    assert (store.root / BUCKET / "runs/2026/results.json").read_bytes() == b"{}"


def test_an_object_and_a_folder_of_the_same_name_live_side_by_side_in_either_order(store: Store, put: Put) -> None:
    put("a", b"1", content_type="text/plain")
    put("a/b", b"2")
    put("c/d/e", b"3")
    put("c/d", b"4")
    put("c", b"5")
    assert [body_of(store, key) for key in ("a", "a/b", "c/d/e", "c/d", "c")] == [b"1", b"2", b"3", b"4", b"5"]
    assert files(store.root) == ["a%object", "a/b", "c%object", "c/d%object", "c/d/e"]
    assert keys(store) == ["a", "a/b", "c", "c/d", "c/d/e"]
    record = store.head(BUCKET, "a")
    assert record is not None
    assert record.content_type == "text/plain"


def test_an_object_that_was_moved_aside_is_replaced_and_deleted_where_it_is(store: Store, put: Put) -> None:
    put("a", b"1")
    put("a/b", b"2")
    put("a", b"3")
    store.delete(BUCKET, "a/b")
    put("a", b"4")
    assert body_of(store, "a") == b"4"
    assert files(store.root) == ["a%object"]
    store.delete(BUCKET, "a")
    assert files(store.root) == []
    assert body_of(store, "a") is None


def test_a_folder_marker_is_an_object_in_the_folder(store: Store, put: Put) -> None:
    put("a/", b"")
    put("a/b", b"2")
    put("a//", b"3")
    assert keys(store) == ["a/", "a//", "a/b"]
    assert files(store.root) == ["a/%empty%object", "a/%empty/%empty", "a/b"]


def test_deleting_the_last_object_of_a_folder_removes_the_folder_but_never_the_bucket(store: Store, put: Put) -> None:
    put("a/b/c", b"")
    put("a/d", b"")
    store.delete(BUCKET, "a/b/c")
    assert sorted(entry.name for entry in (store.root / BUCKET / "a").iterdir()) == ["d"]
    store.delete(BUCKET, "a/d")
    assert list((store.root / BUCKET).iterdir()) == []


def test_a_file_that_a_person_drops_into_the_folder_is_an_object(store: Store) -> None:
    (store.root / BUCKET / "notes").mkdir()
    (store.root / BUCKET / "notes" / "100% sure.txt").write_bytes(b"hello")
    record = store.head(BUCKET, "notes/100% sure.txt")
    assert record is not None
    assert (record.etag, record.size, record.content_type) == ("5d41402abc4b2a76b9719d911017c592", 5, "text/plain")
    assert keys(store) == ["notes/100% sure.txt"]


def test_a_file_that_a_person_edits_has_a_new_etag_and_keeps_its_content_type(store: Store, put: Put) -> None:
    put("a", b"old", etag="old", content_type="text/csv", algorithm="CRC32", checksum="AAAAAA==", parts=[1, 2])
    path = store.root / BUCKET / "a"
    with path.open("r+b") as file:
        file.write(b"hello")
    record = store.head(BUCKET, "a")
    assert record is not None
    assert record.etag == "5d41402abc4b2a76b9719d911017c592"
    assert (record.checksum, record.parts) == ("", [])
    if os.listxattr(path):  # else nothing ties the edited file to what was known of the old one
        assert record.content_type == "text/csv"


def test_the_etag_of_a_dropped_file_is_computed_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (store.root / BUCKET / "a").write_bytes(b"hello")
    assert store.head(BUCKET, "a") == store.head(BUCKET, "a")
    monkeypatch.setattr(os, "pread", None)  # reading the bytes again would fail
    assert store.head(BUCKET, "a") is not None


def test_symbolic_links_are_not_objects_and_nothing_behind_them_is_touched(
    store: Store, put: Put, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_bytes(b"secret")
    (store.root / BUCKET / "link").symlink_to(outside)
    (store.root / BUCKET / "file").symlink_to(outside / "secret")
    assert body_of(store, "link/secret") is None
    assert body_of(store, "file") is None
    assert keys(store) == []
    with pytest.raises(S3Error, match="symbolic link"):
        put("link/new", b"")
    for key in ("link/secret", "link", "file"):
        store.delete(BUCKET, key)
    assert [entry.read_bytes() for entry in outside.iterdir()] == [b"secret"]
    assert sorted(entry.name for entry in (store.root / BUCKET).iterdir()) == ["file", "link"]


def test_a_pipe_in_the_folder_hangs_nobody(store: Store) -> None:
    os.mkfifo(store.root / BUCKET / "pipe")
    assert body_of(store, "pipe") is None
    assert keys(store) == []


def test_metadata_too_large_for_an_attribute_is_kept_beside_the_file(store: Store, put: Put) -> None:
    metadata = {"m": "x" * 2000}
    tags = {str(number): "é" * 256 for number in range(10)}
    put("a", b"1", metadata=metadata, tags=tags)
    record = store.head(BUCKET, "a")
    assert record is not None
    assert (record.metadata, record.tags) == (metadata, tags)
    put("a/b", b"")  # moves it
    assert (store.head(BUCKET, "a") or record).tags == tags
    put("a", b"2")
    assert (store.head(BUCKET, "a") or record).tags == {}


def test_large_metadata_does_not_survive_its_object(store: Store, put: Put) -> None:
    put("a", b"1", parts=list(range(1000)))
    store.delete(BUCKET, "a")
    assert [path for path in (store.root / ".objects/records").rglob("*") if path.is_file()] == []


def test_tags_change_without_a_new_version_of_the_bytes(store: Store, put: Put) -> None:
    before = put("a", b"1", tags={"x": "1"})
    inode = (store.root / BUCKET / "a").stat().st_ino
    store.update(BUCKET, "a", lambda record: msgspec.structs.replace(record, tags={"y": "é" * 4000}))
    store.update(BUCKET, "a", lambda record: msgspec.structs.replace(record, tags={"y": "2"}))
    after = store.head(BUCKET, "a")
    assert after == msgspec.structs.replace(before, tags={"y": "2"})
    assert (store.root / BUCKET / "a").stat().st_ino == inode


def test_a_crash_between_the_side_file_and_the_rename_leaves_the_old_object_whole(
    store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put("a", b"old", metadata={"version": "old"})
    with monkeypatch.context() as patch:
        patch.setattr("localcloud.objects.draft.Draft.rename", _crash)
        with pytest.raises(KeyboardInterrupt):
            put("a", b"new", metadata={"version": "new"})
    assert body_of(store, "a") == b"old"
    assert store.head(BUCKET, "a") == old


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_draft_that_is_given_up_leaves_no_file(store: Store) -> None:
    with store.draft() as draft:
        draft.write(b"x" * 1000)
    assert [path for path in (store.root / ".objects/drafts").rglob("*") if path.is_file()] == []


def test_what_a_killed_process_left_is_swept_when_the_root_is_opened_alone(tmp_path: Path) -> None:
    first = Store(tmp_path, durable=False, clock=lambda: 0)
    leftover = tmp_path / first.unused_path()
    leftover.write_bytes(b"half")
    second = Store(tmp_path, durable=False, clock=lambda: 0)
    assert leftover.exists(), "the first process may still be writing it"
    second.close()
    first.close()
    Store(tmp_path, durable=False, clock=lambda: 0).close()
    assert not leftover.exists()


def test_a_write_to_a_bucket_that_does_not_exist_makes_none(store: Store) -> None:
    with store.draft() as draft, pytest.raises(S3Error, match="NoSuchBucket"):
        store.commit(draft, "other", "a/b", Record(etag="", size=0, mtime=0))
    assert not (store.root / "other").exists()


def test_the_files_mode_follows_the_umask_so_that_others_may_read_it(store: Store, put: Put) -> None:
    put("a", b"")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((store.root / BUCKET / "a").stat().st_mode) == 0o666 & ~mask


def test_of_many_writers_that_want_an_absent_object_one_wins(store: Store, put: Put) -> None:
    won: list[int] = []

    def absent(current: Record | None) -> None:
        if current is not None:
            raise S3Error("PreconditionFailed")

    def write(number: int) -> None:
        for attempt in range(20):
            try:
                put(f"folder/{attempt}", str(number).encode(), check=absent)
            except S3Error:
                continue
            won.append(attempt)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(20))


def test_writers_and_deleters_of_the_same_folder_do_not_trip_each_other(store: Store, put: Put) -> None:
    failures: list[BaseException] = []

    def churn(number: int) -> None:
        try:
            for _ in range(60):
                put(f"x/y/{number}", b"1")
                put("x", b"2")
                assert body_of(store, f"x/y/{number}") == b"1"
                store.delete(BUCKET, f"x/y/{number}")
                store.delete(BUCKET, "x")
        except BaseException as error:  # noqa: BLE001 carried to the test's thread
            failures.append(error)

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert files(store.root) == []


@pytest.mark.parametrize("attributes", [True, False])
def test_a_durable_stores_bytes_are_on_the_disk_before_a_name_leads_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, attributes: bool
) -> None:
    flushed: set[int] = set()
    named: list[tuple[str, bool]] = []
    fsync, rename = os.fsync, os.rename

    def flush(fd: int) -> None:
        fsync(fd)
        flushed.add(os.fstat(fd).st_ino)

    def name(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        known = os.stat(source, dir_fd=src_dir_fd).st_ino in flushed
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        named.append((target, known))

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "rename", name)
    store = Store(tmp_path, durable=True, clock=lambda: 0, attributes=attributes)
    (tmp_path / BUCKET).mkdir()
    record = Record(etag="", size=0, mtime=0)
    with contextlib.closing(store):
        with store.draft() as draft:
            draft.write(b"1")
            store.commit(draft, BUCKET, "a", record)
        upload = uploads.create(store, BUCKET, "a/b", record, "", full_object=False)
        with store.draft() as draft:
            draft.write(b"2")
            uploads.put_part(store, upload, 1, draft, record)
        with store.draft() as draft:
            store.commit(draft, BUCKET, "a/b", record)
    targets = [target for target, _ in named]
    assert [target for target in targets if not target.startswith(".objects/records")] == [
        f"{BUCKET}/a",
        f".objects/uploads/{BUCKET}/{upload.id}/upload.json",
        f".objects/uploads/{BUCKET}/{upload.id}/00001",
        f"{BUCKET}/a%object",
        f"{BUCKET}/a/b",
    ]
    assert all(known for _, known in named), named


def test_an_upload_whose_description_is_damaged_is_no_upload(store: Store) -> None:
    upload = uploads.create(store, BUCKET, "key", Record(etag="", size=0, mtime=0), "", full_object=False)
    assert uploads.in_bucket(store, BUCKET) == [upload]
    (store.root / f".objects/uploads/{BUCKET}/{upload.id}/upload.json").write_bytes(b"")
    assert uploads.in_bucket(store, BUCKET) == []
    with pytest.raises(S3Error, match="NoSuchUpload"):
        uploads.find(store, BUCKET, "key", upload.id)
