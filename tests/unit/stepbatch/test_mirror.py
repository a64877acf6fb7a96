"""The inputs of a run as objects, and its outputs as files."""

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanout.errors import UriError
from fanout.s3 import ONE_REQUEST, S3Uri
from stepbatch.errors import MirrorError
from stepbatch.mirror import mirror, restore, upload
from stepbatch.verify import problems, read_manifest
from stepbatch.workspace import Workspace, opened
from tests.unit.stepbatch.fakes import FakeS3, refusal

OUTPUT = S3Uri("data", "runs/r/output")


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "out") as workspace:
        yield workspace


def put(s3: FakeS3, **files: bytes) -> None:
    """Objects under the output URI, and a manifest that lists them."""
    bodies = {name.replace("__", "/"): body for name, body in files.items()}
    for name, body in bodies.items():
        s3.objects["data", f"{OUTPUT.key}/{name}"] = body
    listed = [{"path": n, "size": len(b), "sha256": hashlib.sha256(b).hexdigest()} for n, b in sorted(bodies.items())]
    manifest = {"schema": "stepbatch/manifest/1", "planHash": "p", "files": listed}
    s3.objects["data", f"{OUTPUT.key}/manifest.json"] = json.dumps(manifest).encode()


def files(workspace: Workspace) -> set[str]:
    found = {path.relative_to(workspace.out).as_posix() for path in workspace.out.rglob("*") if path.is_file()}
    return {path for path in found if not path.startswith(".stepbatch/")}


def differences(workspace: Workspace) -> list[str]:
    manifest = read_manifest(workspace.out)
    assert manifest is not None
    return problems(workspace.out, manifest)


def test_every_file_is_uploaded_under_its_name(s3: FakeS3, tmp_path: Path) -> None:
    contents = {f"a b/{number}": b"%d" % number for number in range(20)} | {"large": bytes(ONE_REQUEST + 1)}
    paths = {name: tmp_path / str(number) for number, name in enumerate(contents)}
    for name, path in paths.items():
        path.write_bytes(contents[name])
    upload(s3.client, paths, OUTPUT)
    assert s3.objects == {(OUTPUT.bucket, (OUTPUT / name).key): content for name, content in contents.items()}


def test_a_file_that_could_not_be_uploaded_is_named(
    s3: FakeS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise refusal("AccessDenied", "PutObject")

    monkeypatch.setattr(s3, "put_object", refuse)
    (tmp_path / "one").touch()
    with pytest.raises(UriError, match=f"{OUTPUT / 'one'} could not be written: .*AccessDenied"):
        upload(s3.client, {"one": tmp_path / "one"}, OUTPUT)


def test_a_complete_run_is_mirrored_as_its_manifest_lists_it(s3: FakeS3, workspace: Workspace) -> None:
    put(s3, aggregate=b"{}", results__p__0=b"zero")
    s3.objects["data", f"{OUTPUT.key}/results/older-plan/0"] = b"stale"
    mirror(workspace, s3.client, OUTPUT)
    assert files(workspace) == {"aggregate", "results/p/0", "manifest.json"}
    assert differences(workspace) == []


def test_what_the_directory_has_is_not_downloaded_again(s3: FakeS3, workspace: Workspace) -> None:
    put(s3, aggregate=b"{}", results__p__0=b"zero")
    mirror(workspace, s3.client, OUTPUT)
    s3.gets.clear()
    put(s3, aggregate=b"{1}", results__p__0=b"zero")
    mirror(workspace, s3.client, OUTPUT)
    assert {key.rpartition("/")[2] for key in s3.gets} == {"manifest.json", "aggregate"}
    assert (workspace.out / "aggregate").read_bytes() == b"{1}"


def test_a_file_that_was_changed_is_fetched_again(s3: FakeS3, workspace: Workspace) -> None:
    put(s3, aggregate=b"{}")
    mirror(workspace, s3.client, OUTPUT)
    (workspace.out / "aggregate").write_bytes(b"[]")
    mirror(workspace, s3.client, OUTPUT)
    assert (workspace.out / "aggregate").read_bytes() == b"{}"


def test_a_run_that_is_not_complete_is_mirrored_without_a_manifest(s3: FakeS3, workspace: Workspace) -> None:
    put(s3, aggregate=b"{}")
    mirror(workspace, s3.client, OUTPUT)
    del s3.objects["data", f"{OUTPUT.key}/manifest.json"]
    s3.objects["data", f"{OUTPUT.key}/results/p/0"] = b"zero"
    mirror(workspace, s3.client, OUTPUT)
    assert files(workspace) == {"aggregate", "results/p/0"}
    assert read_manifest(workspace.out) is None


def test_without_a_manifest_an_unchanged_object_is_known_by_its_etag(s3: FakeS3, workspace: Workspace) -> None:
    s3.objects["data", f"{OUTPUT.key}/results/p/0"] = b"zero"
    mirror(workspace, s3.client, OUTPUT)
    s3.gets.clear()
    mirror(workspace, s3.client, OUTPUT)
    assert s3.gets == [f"{OUTPUT.key}/manifest.json"]


def test_files_of_an_earlier_plan_go_and_the_users_own_stay(s3: FakeS3, workspace: Workspace) -> None:
    put(s3, results__old__0=b"zero", results__old__1=b"one")
    mirror(workspace, s3.client, OUTPUT)
    (workspace.out / "notes.txt").write_text("mine")
    s3.objects.clear()
    put(s3, results__new__0=b"zero")
    mirror(workspace, s3.client, OUTPUT)
    assert files(workspace) == {"results/new/0", "manifest.json", "notes.txt"}
    assert not (workspace.out / "results/old").exists()


def test_a_download_that_differs_from_the_manifest_is_refused_and_nothing_is_called_complete(
    s3: FakeS3, workspace: Workspace
) -> None:
    put(s3, aggregate=b"{}")
    mirror(workspace, s3.client, OUTPUT)
    put(s3, aggregate=b"{1}")
    s3.objects["data", f"{OUTPUT.key}/aggregate"] = b"{2}"
    with pytest.raises(MirrorError, match=r"runs/r/output/aggregate has 3 bytes"):
        mirror(workspace, s3.client, OUTPUT)
    assert files(workspace) == {"aggregate"}
    assert (workspace.out / "aggregate").read_bytes() == b"{}"
    assert list(workspace.partial.iterdir()) == []


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", ".stepbatch/run.json", ""])
def test_a_manifest_cannot_write_outside_the_directory(s3: FakeS3, workspace: Workspace, path: str) -> None:
    put(s3, aggregate=b"{}")
    manifest = {"schema": "stepbatch/manifest/1", "planHash": "p", "files": [{"path": path, "size": 1, "sha256": "x"}]}
    s3.objects["data", f"{OUTPUT.key}/manifest.json"] = json.dumps(manifest).encode()
    with pytest.raises(MirrorError, match="not a path inside"):
        mirror(workspace, s3.client, OUTPUT)
    assert files(workspace) == set()


def test_a_damaged_manifest_is_named(s3: FakeS3, workspace: Workspace) -> None:
    s3.objects["data", f"{OUTPUT.key}/manifest.json"] = b"{"
    with pytest.raises(MirrorError, match=r"manifest\.json is damaged"):
        mirror(workspace, s3.client, OUTPUT)


def test_results_of_the_mirror_are_given_back_to_a_cloud_that_lacks_them(s3: FakeS3, workspace: Workspace) -> None:
    put(s3, aggregate=b"{}", results__p__0=b"zero", results__p__1=b"one", results__p__2=b"two")
    mirror(workspace, s3.client, OUTPUT)
    (workspace.out / "results/p/1").write_bytes(b"eins")
    other = FakeS3()
    other.objects["data", f"{OUTPUT.key}/results/p/2"] = b"two"
    assert restore(workspace, other.client, OUTPUT) == 1
    assert sorted(key for _, key in other.objects) == [f"{OUTPUT.key}/results/p/0", f"{OUTPUT.key}/results/p/2"]


def test_a_first_run_has_nothing_to_give_back(s3: FakeS3, workspace: Workspace) -> None:
    assert restore(workspace, s3.client, OUTPUT) == 0


def test_every_difference_from_the_manifest_is_named(s3: FakeS3, workspace: Workspace) -> None:
    put(s3, a=b"aa", b=b"bb", c=b"cc", d=b"dd")
    mirror(workspace, s3.client, OUTPUT)
    (workspace.out / "a").unlink()
    (workspace.out / "b").write_bytes(b"b")
    (workspace.out / "c").write_bytes(b"xx")
    (workspace.out / "e").write_bytes(b"")
    found = differences(workspace)
    assert [problem.split(":")[0] for problem in found] == ["a", "b", "c", "e"]
    assert found[0] == "a: missing"
    assert found[1] == "b: 1 bytes, the manifest says 2"
    assert found[3] == "e: stray, the manifest does not list it"


class Growing(FakeS3):
    """Objects that are replaced between the listing and the download."""

    def get_object(self, *, Bucket: str, Key: str, **_: object) -> dict[str, object]:  # noqa: N803
        answer = super().get_object(Bucket=Bucket, Key=Key)
        return answer | {"Body": io.BytesIO(answer["Body"].read() + b"more")}


def test_without_a_manifest_an_object_that_is_replaced_meanwhile_is_not_taken_for_the_listed_one(
    workspace: Workspace,
) -> None:
    s3 = Growing()
    s3.objects["data", f"{OUTPUT.key}/results/p/0"] = b"zero"
    with pytest.raises(MirrorError, match=r"results/p/0 has 8 bytes .*expected 4"):
        mirror(workspace, s3.client, OUTPUT)
    assert files(workspace) == set()
