"""Unfinished multipart uploads on disk: ``.objects/uploads/BUCKET/ID/`` with ``upload.json`` and a file a part."""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator

import msgspec

from localcloud.objects.draft import Draft
from localcloud.objects.errors import S3Error
from localcloud.objects.records import Record
from localcloud.objects.store import UPLOADS, Store, StoredObject

_DESCRIPTION = "upload.json"
_ID = re.compile(r"[0-9a-f]{48}")


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """``initiated`` in nanoseconds since the epoch; ``record``: what the object will carry beside its bytes."""

    id: str
    bucket: str
    key: str
    initiated: int
    record: Record
    algorithm: str = ""
    full_object: bool = False  # the checksum covers the whole object, not the parts' checksums


class Part(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    record: Record


def create(store: Store, bucket: str, key: str, record: Record, algorithm: str, *, full_object: bool) -> Upload:
    """Begin an upload. Its description is on disk, whole, when this returns."""
    now = store.clock()
    upload = Upload(
        id=f"{now:016x}{secrets.token_hex(16)}",
        bucket=bucket,
        key=key,
        initiated=now,
        record=record,
        algorithm=algorithm,
        full_object=full_object,
    )
    folder = store.root / UPLOADS / bucket / upload.id
    folder.mkdir(parents=True)
    with store.draft() as draft:
        draft.write(msgspec.json.encode(upload))
        store.flush(draft)
        draft.rename(f"{_path(upload)}/{_DESCRIPTION}")
    return upload


def find(store: Store, bucket: str, key: str, upload_id: str) -> Upload:
    """S3Error NoSuchUpload if there is none of that id for this bucket and key."""
    upload = _load(store, bucket, upload_id) if _ID.fullmatch(upload_id) else None
    if upload is None or upload.key != key:
        raise S3Error("NoSuchUpload", UploadId=upload_id)
    return upload


def in_bucket(store: Store, bucket: str) -> list[Upload]:
    """Every unfinished upload of a bucket, by key and then by age."""
    names: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        names = sorted(entry.name for entry in (store.root / UPLOADS / bucket).iterdir())
    found = [upload for upload in (_load(store, bucket, name) for name in names) if upload is not None]
    return sorted(found, key=lambda upload: (upload.key, upload.id))


def put_part(store: Store, upload: Upload, number: int, draft: Draft, record: Record) -> Record:
    """Keep a part; one of the same number is replaced. S3Error NoSuchUpload if the upload ended meanwhile."""
    try:
        return store.commit_path(draft, f"{_path(upload)}/{number:05}", record)
    except FileNotFoundError:
        raise S3Error("NoSuchUpload", UploadId=upload.id) from None


def parts(store: Store, upload: Upload) -> Iterator[Part]:
    """The parts received so far, by number."""
    folder = store.root / _path(upload)
    names: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        names = sorted(entry.name for entry in folder.iterdir() if entry.name.isdigit())
    for name in names:
        stored = store.open_path(f"{_path(upload)}/{name}")
        if stored is not None:
            with stored:
                yield Part(number=int(name), record=stored.record)


def open_part(store: Store, upload: Upload, number: int) -> StoredObject | None:
    return store.open_path(f"{_path(upload)}/{number:05}")


def remove(store: Store, upload: Upload) -> None:
    """Forget an upload and its parts: first in one step to everybody else, then on disk."""
    for part in parts(store, upload):
        store.records.forget(f"{_path(upload)}/{part.number:05}")
    discard(store, _path(upload))


def discard(store: Store, path: str) -> None:
    """Remove a folder tree: out of sight in one rename, then file by file."""
    hidden = store.unused_path()
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, hidden, src_dir_fd=store.fd, dst_dir_fd=store.fd)
        shutil.rmtree(store.root / hidden)


def _load(store: Store, bucket: str, upload_id: str) -> Upload | None:
    path = store.root / UPLOADS / bucket / upload_id / _DESCRIPTION
    try:
        return msgspec.json.decode(path.read_bytes(), type=Upload)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):  # a folder that somebody else has made
        return None


def _path(upload: Upload) -> str:
    return f"{UPLOADS}/{upload.bucket}/{upload.id}"
