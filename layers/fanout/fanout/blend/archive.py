"""Zip archives that were made elsewhere: read by ranges, and trusted in nothing."""

import shutil
import zipfile
import zlib
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fanout.blend.sources import BlendDamage, FileSource, Source, SourceFile, WindowSource

MOST_MEMBERS = 20_000
DIRECTORY_BYTES = 1 << 24  # of the archive's list of members
UTF8_MARK = 1 << 11  # among a member's flags
LONGEST_NAME = 255  # bytes of a file's name on any of Linux's disks
LOCAL_HEADER = 30  # bytes before a member's name
MOST_INFLATED = 3 << 29  # bytes of a .blend that is inflated to be counted
BOMB_BYTES, BOMB_RATIO = 1 << 28, 200
PIECE = 1 << 20


def read_archive(source: Source) -> dict[str, zipfile.ZipInfo]:
    """Path -> member, without folders and the droppings of desktops.

    Raises BlendDamage if the archive is damaged, encrypted, a bomb, or would write outside of its folder.
    """
    with opened(source) as archive:
        members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise BlendDamage(f"it holds more than {MOST_MEMBERS:,} files")
    check_sizes(members)
    paths: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        if member.is_dir() or is_junk(member.filename):
            continue
        path = checked_path(member)
        if path in paths:
            raise BlendDamage(f"it holds {path!r} twice")
        paths[path] = member
    if clash := file_and_folder(paths.keys()):
        raise BlendDamage(f"its member {clash!r} is a file and a folder")
    return paths


def file_and_folder(paths: Set[str]) -> str | None:
    """A path that other paths lead through: an archive or a bucket may hold both, no disk does."""
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return min(folders & paths, default=None)


def is_junk(path: str) -> bool:
    """What macOS adds to the archives that it makes."""
    return path.startswith("__MACOSX/") or PurePosixPath(path).name == ".DS_Store"


def check_sizes(members: list[zipfile.ZipInfo]) -> None:
    packed = sum(member.compress_size for member in members)
    inflated = sum(member.file_size for member in members)
    if inflated > BOMB_BYTES and inflated > BOMB_RATIO * packed:
        raise BlendDamage(f"{packed:,} bytes inflate to {inflated:,}: a decompression bomb")


def checked_path(member: zipfile.ZipInfo) -> str:
    """The member's path with slashes. Raises BlendDamage if it cannot be unpacked, or not here."""
    name = member_name(member)
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BlendDamage(f"its member {name!r} would be written outside of its folder")
    if member.flag_bits & 1:
        raise BlendDamage(f"its member {name!r} is encrypted")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BlendDamage(f"its member {name!r} is compressed in a way other than deflate")
    if max(len(part.encode()) for part in path.parts) > LONGEST_NAME:
        raise BlendDamage(f"its member {str(path)[:LONGEST_NAME]!r}… has a name of more than {LONGEST_NAME} bytes")
    if (member.external_attr >> 16) & 0o170000 == 0o120000:
        raise BlendDamage(f"its member {name!r} is a symbolic link")
    return str(path)


def member_name(member: zipfile.ZipInfo) -> str:
    """Its name in UTF-8 where it is that: macOS does not mark it so, and Python then takes it for code page 437."""
    if member.flag_bits & UTF8_MARK:
        return member.filename
    try:
        return member.filename.encode("cp437").decode()
    except UnicodeError:
        return member.filename


def open_member(source: Source, path: str, scratch: Path) -> Source:
    """One member's bytes: where they lie if they are stored as they are, else inflated into ``scratch``."""
    member = read_archive(source)[path]
    if member.compress_type == zipfile.ZIP_STORED:
        head = source.read(member.header_offset, member.header_offset + LOCAL_HEADER)
        name, extra = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
        start = member.header_offset + LOCAL_HEADER + name + extra
        return WindowSource(source, start, start + member.file_size)
    if member.file_size > MOST_INFLATED:
        raise BlendDamage(
            f"its member {path!r} inflates to {member.file_size:,} bytes: store it uncompressed (zip -0), or upload "
            "the folder as it is"
        )
    target = scratch / "member.blend"
    with opened(source) as archive, archive.open(member) as stream, target.open("wb") as file:
        shutil.copyfileobj(stream, file, PIECE)
    return FileSource(target)


@contextmanager
def opened(source: Source) -> Iterator[zipfile.ZipFile]:
    """Raises BlendDamage where the archive, or what is read from it, is damaged."""
    try:
        with zipfile.ZipFile(_Guarded(source)) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise BlendDamage(f"damaged, or no zip archive: {error}") from error


class _Guarded(SourceFile):
    """zipfile reads the whole list of members at once: an archive may not make it read everything."""

    def read(self, size: int = -1) -> bytes:
        if size > DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its list of members claims {size:,} bytes")
        return super().read(size) or b""
