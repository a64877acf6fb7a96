"""What is known of an object beside its bytes: ETag, content type, user metadata, checksum, tags.

A record travels with the file as an extended attribute, set before the file gets its final name: data and metadata
become visible in one rename. Where that cannot be (a file system without attributes, a record larger than they hold)
it lies in a side file, written before the rename, which keeps the records of the newest few versions.

A record belongs to a file only while size and modification time agree with it. So a file that a person has edited, or
dropped into the folder, is an object all the same: its ETag is computed when it is first asked for.
"""

import contextlib
import errno
import hashlib
import mimetypes
import os
import secrets
import threading

import msgspec

ATTRIBUTE = "user.localcloud.object"
SIDE_FILES = ".objects/records"
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
_ATTRIBUTE_LIMIT = 3000  # bytes; ext4 keeps all attributes of a file in one block of 4,096
_UNSUPPORTED = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSPC, errno.E2BIG, errno.EPERM, errno.EACCES, errno.EROFS}
_VERSIONS = 4  # records in a side file: the newest, the one it replaces, and those of writes that were cut short
_CHUNK = 1 << 20


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of one object. ``etag`` without quotes; ``mtime`` in nanoseconds since the epoch."""

    etag: str
    size: int
    mtime: int
    content_type: str = DEFAULT_CONTENT_TYPE
    headers: dict[str, str] = {}  # response headers kept as they came: cache-control, content-encoding, …
    metadata: dict[str, str] = {}  # x-amz-meta-*, without the prefix
    algorithm: str = ""  # of the checksum: CRC32, SHA256, …; empty if none was sent
    checksum: str = ""  # base64, with -n for a composite one
    tags: dict[str, str] = {}
    parts: list[int] = []  # sizes of the parts that a multipart upload was made of


class _Side(msgspec.Struct):
    path: str
    records: list[Record]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode
_decode_side = msgspec.json.Decoder(_Side).decode


class Records:
    """Reads and writes the records of files below ``root`` (an open directory's descriptor)."""

    def __init__(self, root: int, *, durable: bool = True, attributes: bool = True) -> None:
        self._root = root
        self._durable = durable
        self._attributes = attributes and hasattr(os, "setxattr")
        self._side_lock = threading.Lock()

    def attach(self, fd: int, record: Record) -> bool:
        """Bind ``record`` to an open file; False if that file cannot carry it and :meth:`lay_beside` has to."""
        data = _encode(record)
        return self._attributes and len(data) <= _ATTRIBUTE_LIMIT and _set_attribute(fd, data)

    def lay_beside(self, path: str, record: Record) -> None:
        """Write ``record`` next to those of the versions that ``path`` may still hold."""
        target = _side_path(path)
        temporary = f"{target}.{secrets.token_hex(4)}"
        with self._side_lock:
            data = _encode(_Side(path, [record, *self._side_records(path)][:_VERSIONS]))
            with open(self._create(temporary), "wb") as file:  # noqa: PTH123 a descriptor, not a path
                file.write(data)
                file.flush()
                if self._durable:
                    os.fsync(file.fileno())
            os.rename(temporary, target, src_dir_fd=self._root, dst_dir_fd=self._root)

    def replace(self, fd: int, path: str, record: Record) -> None:
        """Give a file that is in place another record. A crash leaves the old one or the new one."""
        if self.attach(fd, record):
            return
        self.lay_beside(path, record)
        if self._attributes:
            with contextlib.suppress(OSError):  # there was none
                os.removexattr(fd, ATTRIBUTE)

    def find(self, fd: int, path: str, status: os.stat_result) -> Record:
        """The record of the open file ``path``; made now if there is none or the file has changed since."""
        old = self._read(fd, path, status)
        if old is not None and old.size == status.st_size and old.mtime == status.st_mtime_ns:
            return old
        return self._adopt(fd, path, old)

    def forget(self, path: str) -> None:
        """Remove what lies beside the file; an attribute goes with the file itself."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_side_path(path), dir_fd=self._root)

    def _read(self, fd: int, path: str, status: os.stat_result) -> Record | None:
        if self._attributes:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                return _decode(os.getxattr(fd, ATTRIBUTE))
        for record in self._side_records(path):
            if record.size == status.st_size and record.mtime == status.st_mtime_ns:
                return record
        return None

    def _adopt(self, fd: int, path: str, old: Record | None) -> Record:
        """Compute the ETag of a file that came from elsewhere, and remember it if the file stays as it is."""
        before = os.fstat(fd)
        digest = hashlib.md5(usedforsecurity=False)
        offset = 0
        while data := os.pread(fd, _CHUNK, offset):
            digest.update(data)
            offset += len(data)
        record = Record(
            etag=digest.hexdigest(),
            size=offset,
            mtime=before.st_mtime_ns,
            content_type=_guess(path) if old is None else old.content_type,
            headers={} if old is None else old.headers,
            metadata={} if old is None else old.metadata,
            tags={} if old is None else old.tags,
        )
        after = os.fstat(fd)
        if (after.st_size, after.st_mtime_ns) == (record.size, record.mtime):
            with contextlib.suppress(OSError):  # no room, or read-only: the ETag is computed again next time
                self.replace(fd, path, record)
        return record

    def _side_records(self, path: str) -> list[Record]:
        try:
            fd = os.open(_side_path(path), os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._root)
        except FileNotFoundError:
            return []
        with open(fd, "rb") as file, contextlib.suppress(msgspec.DecodeError):  # noqa: PTH123 a descriptor, not a path
            side = _decode_side(file.read())
            return side.records if side.path == path else []
        return []

    def _create(self, path: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o666, dir_fd=self._root)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path.rpartition("/")[0], dir_fd=self._root)
            return os.open(path, flags, 0o666, dir_fd=self._root)


def _set_attribute(fd: int, data: bytes) -> bool:
    try:
        os.setxattr(fd, ATTRIBUTE, data)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True


def _side_path(path: str) -> str:
    digest = hashlib.sha256(path.encode()).hexdigest()
    return f"{SIDE_FILES}/{digest[:2]}/{digest[2:40]}.json"


def _guess(path: str) -> str:
    return mimetypes.guess_type(path)[0] or DEFAULT_CONTENT_TYPE
