"""What an artist hands in: a file, a folder, a zip; and archives that are not to be trusted."""

import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from fanout.blend.assets import Asset, missing
from fanout.blend.project import Project, find_project, open_blend
from fanout.blend.reader import read_blend
from fanout.errors import BlendError, PlanError, RequestError, UriError
from fanout.s3 import Objects, S3Uri
from tests.unit.fanout.blendwriter import simple

OUTPUT = S3Uri("data", "out")


class Shelf:
    """A bucket that an artist uploads to."""

    def __init__(self) -> None:
        self.client = boto3.client("s3", "us-east-1")
        self.client.create_bucket(Bucket="data")
        self.objects = Objects(self.client)

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket="data", Key=key, Body=body)

    def find(self, key: str, blend: str | None = None, output: S3Uri = OUTPUT) -> Project:
        return find_project(self.objects, f"s3://data/{key}", blend=blend, output=output)

    def frames(self, project: Project, scratch: Path) -> int:
        return len(read_blend(open_blend(self.objects, project, scratch), project.blend).scenes[0].frames)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Shelf()


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def test_a_single_file_is_its_own_project(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("deep/er/Ünter.blend", simple(r__efra=3))
    project = shelf.find("deep/er/Ünter.blend")
    assert (project.kind, project.blend, project.files) == ("file", "Ünter.blend", frozenset({"Ünter.blend"}))
    assert shelf.frames(project, tmp_path) == 3


def test_a_single_file_is_not_chosen_from(shelf: Shelf) -> None:
    shelf.put("scene.blend", simple())
    assert shelf.find("scene.blend", blend="scene.blend").blend == "scene.blend"
    with pytest.raises(RequestError, match=r"input\.blend: 'other\.blend' is to be chosen of a folder or zip"):
        shelf.find("scene.blend", blend="other.blend")


def test_a_file_may_lie_in_the_root_of_the_bucket(shelf: Shelf) -> None:
    shelf.put("scene.blend", simple())
    assert shelf.find("scene.blend").version == shelf.objects.find(S3Uri("data", "scene.blend")).etag  # type: ignore[union-attr]


@pytest.mark.parametrize("key", ["project", "project/"])
def test_a_folder_is_a_project_with_or_without_its_slash(shelf: Shelf, key: str, tmp_path: Path) -> None:
    shelf.put("project/scene.blend", simple(r__efra=5))
    shelf.put("project/textures/oak.png", b"oak")
    shelf.put("project-of-another/other.blend", simple())
    project = shelf.find(key)
    assert (project.kind, project.blend) == ("folder", "scene.blend")
    assert project.files == {"scene.blend", "textures/oak.png"}
    assert shelf.frames(project, tmp_path) == 5


def test_results_inside_a_folder_are_no_part_of_the_project(shelf: Shelf) -> None:
    shelf.put("project/scene.blend", simple())
    before = shelf.find("project/", output=S3Uri("data", "project/out"))
    shelf.put("project/out/frames/000001.png", b"frame")
    shelf.put("project/outlook.txt", b"mine")
    after = shelf.find("project/", output=S3Uri("data", "project/out"))
    assert after.files - before.files == {"outlook.txt"}


def test_the_version_of_a_folder_changes_with_any_of_its_files(shelf: Shelf) -> None:
    shelf.put("project/scene.blend", simple())
    shelf.put("project/oak.png", b"oak")
    before = shelf.find("project/").version
    assert shelf.find("project/").version == before
    shelf.put("project/oak.png", b"elm")
    assert shelf.find("project/").version != before


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_blend_in_a_zip_is_read(shelf: Shelf, compression: int, tmp_path: Path) -> None:
    junk = {"__MACOSX/._scene.blend": b"?", ".DS_Store": b"?"}
    files = {"film/scene.blend": simple(r__efra=9), "film/oak.png": b"oak"} | junk
    shelf.put("film.zip", zipped(files, compression))
    project = shelf.find("film.zip")
    assert (project.kind, project.blend) == ("zip", "film/scene.blend")
    assert project.files == {"film/scene.blend", "film/oak.png"}
    assert shelf.frames(project, tmp_path) == 9


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_is_found_behind_whatever_its_archiver_added(shelf: Shelf, compression: int, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("first.txt", b"first" * 1_000)
        member = zipfile.ZipInfo("schöne Szene.blend")
        member.extra = b"UT\x05\x00\x01\x00\x00\x00\x00" + b"xx\x40\x01" + bytes(320)
        member.compress_type = compression
        archive.writestr(member, simple(r__efra=6))
    shelf.put("film.zip", out.getvalue())
    assert shelf.frames(shelf.find("film.zip"), tmp_path) == 6


def test_a_small_archive_may_compress_as_well_as_it_likes(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("film.zip", zipped({"a.blend": simple() + bytes(4 << 20)}))
    assert shelf.frames(shelf.find("film.zip"), tmp_path) == 24


def test_a_blend_that_would_fill_the_disk_is_to_be_stored_uncompressed(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = simple()
    shelf.put("film.zip", zipped({"a.blend": data}))
    project = shelf.find("film.zip")
    monkeypatch.setattr("fanout.blend.archive.MOST_INFLATED", len(data))
    assert shelf.frames(project, tmp_path) == 24
    monkeypatch.setattr("fanout.blend.archive.MOST_INFLATED", len(data) - 1)
    with pytest.raises(BlendError, match=r"store it uncompressed \(zip -0\)"):
        shelf.frames(project, tmp_path)


def test_of_several_files_the_one_that_lies_least_deep_is_meant(shelf: Shelf) -> None:
    shelf.put("project/shot.blend", simple())
    shelf.put("project/library/tree.blend", simple())
    assert shelf.find("project/").blend == "shot.blend"
    assert shelf.find("project/", blend="library/tree.blend").blend == "library/tree.blend"


def test_which_of_several_is_meant_must_be_said(shelf: Shelf) -> None:
    shelf.put("project/a.blend", simple())
    shelf.put("project/b.blend", simple())
    with pytest.raises(RequestError, match=r"input\.blend: .*'a\.blend', 'b\.blend': say which"):
        shelf.find("project/")
    with pytest.raises(RequestError, match=r"input\.blend: .*holds no 'c\.blend'; it holds 'a\.blend'"):
        shelf.find("project/", blend="c.blend")


def test_a_file_that_is_a_folder_too_is_refused_before_anything_is_fetched(shelf: Shelf) -> None:
    for key in ("project/scene.blend", "project/tex", "project/tex/oak.png"):
        shelf.put(key, simple())
    with pytest.raises(RequestError, match=r"'tex' is a file and a folder there"):
        shelf.find("project/")


def test_nothing_there_is_said_so(shelf: Shelf) -> None:
    shelf.put("empty/readme.txt", b"")
    with pytest.raises(UriError, match="no such object, and no folder"):
        shelf.find("absent.blend")
    with pytest.raises(RequestError, match=r"holds no \.blend file"):
        shelf.find("empty/")


def test_a_file_that_is_replaced_while_it_is_read_is_not_mixed_with_the_new_one(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("scene.blend", simple())
    project = shelf.find("scene.blend")
    shelf.put("scene.blend", simple(r__efra=99))
    with pytest.raises(PlanError, match="was replaced"):
        shelf.frames(project, tmp_path)


def unmarked(data: bytes) -> bytes:
    """Names in UTF-8 that are not marked as such, as macOS writes them."""
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        parts = data.split(signature)
        marked = [
            part[: flags - 4 + 1] + bytes([part[flags - 4 + 1] & ~8]) + part[flags - 4 + 2 :] for part in parts[1:]
        ]
        data = signature.join([parts[0], *marked])
    return data


def test_names_in_utf8_are_read_whether_or_not_they_are_marked_so(shelf: Shelf, tmp_path: Path) -> None:
    archive = zipped({"Größe/Szene 驚き.blend": simple(r__efra=4)})
    assert unmarked(archive) != archive
    assert "Größe" not in zipfile.ZipFile(io.BytesIO(unmarked(archive))).namelist()[0]  # Python alone misreads it
    for data in (archive, unmarked(archive)):
        shelf.put("film.zip", data)
        project = shelf.find("film.zip")
        assert project.files == {"Größe/Szene 驚き.blend"}
        assert shelf.frames(project, tmp_path) == 4


def test_names_in_the_code_page_of_dos_are_read_as_such(shelf: Shelf) -> None:
    archive = zipped({"Gr__e.blend": simple()}).replace(b"Gr__e", "Größe".encode("cp437"))
    shelf.put("film.zip", archive)
    assert shelf.find("film.zip").blend == "Größe.blend"


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + bytes([data[at] | 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"PK\x03\x04 but no more", "damaged, or no zip archive"),
        (zipped({"../../etc/passwd": b"", "a.blend": b""}), "outside of its folder"),
        (unmarked(zipped({"../Größe.blend": b""})), "'../Größe.blend' would be written"),
        (zipped({"/a.blend": b""}), "outside of its folder"),
        (zipped({"C:\\a.blend": b""}), "outside of its folder"),
        (zipped({"": b"", "a.blend": b""}), "outside of its folder"),
        (zipped({".": b"", "a.blend": b""}), "outside of its folder"),
        (zipped({"tex": b"", "tex/oak.png": b"", "a.blend": b""}), "'tex' is a file and a folder"),
        (zipped({"a.blend": b"", "tex\\oak.png": b"1", "tex/oak.png": b"2"}), "it holds 'tex/oak.png' twice"),
        (zipped({"ü" * 128: b"", "a.blend": b""}), "a name of more than 255 bytes"),
        (zipped({"a.blend": b"x"}, zipfile.ZIP_LZMA), "other than deflate"),
        (encrypted(zipped({"a.blend": b"x"})), "'a.blend' is encrypted"),
        (zipped({link("a.blend"): b"/etc/passwd"}), "symbolic link"),  # type: ignore[dict-item]
    ],
)
def test_an_archive_that_is_not_to_be_trusted_is_refused(shelf: Shelf, archive: bytes, words: str) -> None:
    shelf.put("scene.zip", archive)
    with pytest.raises(BlendError, match=r"scene\.zip: ") as caught:
        shelf.find("scene.zip")
    assert words in str(caught.value)


def test_an_archive_that_inflates_out_of_all_proportion_is_refused(shelf: Shelf) -> None:
    shelf.put("scene.zip", zipped({"a.blend": bytes(300 << 20)}))
    with pytest.raises(BlendError, match="decompression bomb"):
        shelf.find("scene.zip")


def test_an_archive_that_claims_a_gigantic_directory_is_not_read_into_memory(shelf: Shelf) -> None:
    data = bytearray(zipped({"a.blend": b"x"}))
    end = data.index(b"PK\x05\x06")
    data[end + 12 : end + 16] = (17 << 20).to_bytes(4, "little")
    shelf.put("scene.zip", bytes(20 << 20) + bytes(data))
    with pytest.raises(BlendError, match=r"scene\.zip: damaged"):
        shelf.find("scene.zip")


def asset(path: str) -> Asset:
    return Asset(kind="image", path=path)


@pytest.mark.parametrize(
    ("path", "stands"),
    [
        ("//textures/oak.png", True),
        ("//textures\\oak.png", True),
        ("//../shared/sky.exr", True),
        ("//./textures/../textures/oak.png", True),
        ("//textures/tile.<UDIM>.png", True),
        ("//textures/face.<UVTILE>.png", True),
        ("//textures/elm.png", False),
        ("//textures/absent.<UDIM>.png", False),
        ("//../../oak.png", False),
        ("/home/artist/oak.png", False),
        ("C:\\textures\\oak.png", False),
        ("textures/oak.png", False),
    ],
)
def test_an_asset_stands_if_its_path_leads_to_a_file_of_the_project(path: str, stands: bool) -> None:
    files = {"film/scene.blend", "film/textures/oak.png", "shared/sky.exr"}
    files |= {"film/textures/tile.1001.png", "film/textures/face.u1_v2.png"}
    assert (missing([asset(path)], "film/scene.blend", frozenset(files)) == []) is stands
