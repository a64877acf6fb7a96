"""Images are built once for the same files, and CloudFormation hears how every build ended."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3
import build_images
import pytest
from botocore.exceptions import ClientError

import conclude_build
from tests.unit.conventions.template import ROOT
from tests.unit.deployment.conftest import Mailbox

REPOSITORY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/stepbatch-6f0c/pricer"
WANTED = {"Image": "pricer", "RepositoryUri": REPOSITORY, "Project": "p", "SourcesBucket": "sources"}


class Aws:
    """ECR, S3 and CodeBuild, as far as the builder needs them; a client of each is the same object."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.builds: dict[str, dict[str, Any]] = {}
        monkeypatch.setattr(boto3, "client", lambda _: self)

    def describe_images(self, **asked: Any) -> None:
        assert asked["repositoryName"] == "stepbatch-6f0c/pricer"
        if asked["imageIds"][0]["imageTag"] not in self.images:
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": "no"}}, "DescribeImages")

    def put_object(self, **given: Any) -> None:
        self.objects[f"{given['Bucket']}/{given['Key']}"] = given["Body"]

    def start_build(self, **parameters: Any) -> None:
        identity = f"arn:build:{len(self.builds)}"
        variables = parameters["environmentVariablesOverride"]
        self.builds[identity] = {"buildStatus": "IN_PROGRESS", "environment": {"environmentVariables": variables}}
        self.builds[identity]["given"] = parameters

    def batch_get_builds(self, *, ids: list[str]) -> dict[str, Any]:
        return {"builds": [self.builds[each] for each in ids]}

    def end(self, status: str, **more: Any) -> None:
        """The last build ends, and CodeBuild's event arrives."""
        identity = f"arn:build:{len(self.builds) - 1}"
        self.builds[identity] |= {"buildStatus": status, **more}
        event = {"detail-type": "CodeBuild Build State Change", "detail": {"build-id": identity}}
        conclude_build.handler(event, None)  # type: ignore[arg-type] # it does not look at the context


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    return Aws(monkeypatch)


def tag() -> str:
    return build_images.digest(build_images.context_files(ROOT / "containers/pricer", build_images.FANOUT))


def test_an_image_that_is_not_there_is_built_and_its_end_is_the_answer(
    aws: Aws, mailbox: Mailbox, request_of: Any
) -> None:
    build_images.handler(request_of("Create", **WANTED), None)
    assert mailbox.received == []
    [build] = aws.builds.values()
    given = build["given"]
    assert (given["projectName"], given["idempotencyToken"]) == ("p", "r-1")
    assert given["sourceLocationOverride"] == f"sources/pricer/{tag()}.zip"
    assert list(aws.objects) == [given["sourceLocationOverride"]]
    aws.end("SUCCEEDED")
    assert mailbox.only["Status"] == "SUCCESS"
    assert mailbox.only["Data"] == {"ImageUri": f"{REPOSITORY}:{tag()}"}
    assert (mailbox.only["RequestId"], mailbox.only["PhysicalResourceId"]) == ("r-1", "desk-It")


def test_an_image_that_is_there_is_not_built_again(aws: Aws, mailbox: Mailbox, request_of: Any) -> None:
    aws.images.add(tag())
    build_images.handler(request_of("Update", **WANTED), None)
    assert mailbox.only["Data"] == {"ImageUri": f"{REPOSITORY}:{tag()}"}
    assert (aws.builds, aws.objects) == ({}, {})


def test_a_deletion_is_answered_at_once(aws: Aws, mailbox: Mailbox, request_of: Any) -> None:
    build_images.handler(request_of("Delete", **WANTED), None)
    assert mailbox.only["Status"] == "SUCCESS"
    assert aws.builds == {}


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "STOPPED", "TIMED_OUT"])
def test_a_build_that_ends_badly_is_told_with_phase_and_log(
    aws: Aws, mailbox: Mailbox, request_of: Any, status: str
) -> None:
    build_images.handler(request_of("Create", **WANTED), None)
    contexts = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "docker build: exit status 1"}]
    phases = [{"phaseType": "SUBMITTED"}, {"phaseType": "BUILD", "contexts": contexts}]
    aws.end(status, phases=phases, logs={"groupName": "/aws/codebuild/desk", "streamName": "s"})
    assert mailbox.only["Status"] == "FAILED"
    assert f"ended {status}; log /aws/codebuild/desk, stream s; BUILD: docker build: exit" in mailbox.only["Reason"]


def test_a_build_that_still_runs_and_one_that_somebody_started_by_hand_are_nobody_s_answer(
    aws: Aws, mailbox: Mailbox, request_of: Any
) -> None:
    build_images.handler(request_of("Create", **WANTED), None)
    aws.end("IN_PROGRESS")
    aws.end("SUCCEEDED", environment={"environmentVariables": []})
    assert mailbox.received == []


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (WANTED | {"Image": "absent"}, "FileNotFoundError: there is no image 'absent'"),
        ({"Image": "pricer"}, "KeyError: 'RepositoryUri'"),
    ],
)
def test_what_cannot_be_built_is_an_answer(
    aws: Aws, mailbox: Mailbox, request_of: Any, wanted: dict[str, str], reason: str
) -> None:
    build_images.handler(request_of("Create", **wanted), None)
    assert mailbox.only["Status"] == "FAILED"
    assert mailbox.only["Reason"].startswith(reason)


def test_an_error_of_the_registry_that_is_not_absence_is_an_answer(
    aws: Aws, mailbox: Mailbox, request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "RepositoryNotFoundException", "Message": "gone"}}, "DescribeImages")

    monkeypatch.setattr(aws, "describe_images", refuse)
    build_images.handler(request_of("Create", **WANTED), None)
    assert "RepositoryNotFoundException" in mailbox.only["Reason"]


def tree(root: Path, **files: str) -> Path:
    for name, content in {"Dockerfile": "FROM x", "it/__main__.py": "pass", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_the_tag_is_of_names_and_contents_alone(tmp_path: Path) -> None:
    shared = tree(tmp_path / "fanout")

    def digest(name: str, **files: str) -> str:
        return build_images.digest(build_images.context_files(tree(tmp_path / name, **files), shared))

    first = digest("a")
    assert digest("b") == first
    assert digest("c", **{".venv/lib/x.py": "1", "it/__pycache__/x.pyc": "1", "it/x.pyc": "1"}) == first
    assert len({first, digest("d", other="1"), digest("e", Dockerfile="FROM y"), digest("f", othe="r1")}) == 4
    (shared / "more.py").write_text("1")
    assert digest("g") != first


def test_the_context_has_all_that_the_dockerfiles_copy() -> None:
    for image in ("pricer", "renderer", "worker"):
        files = build_images.context_files(ROOT / "containers" / image, build_images.FANOUT)
        with zipfile.ZipFile(io.BytesIO(build_images.archive(files))) as packed:
            assert sorted(packed.namelist()) == sorted(files)
        copied = [line.split()[1:-1] for line in files["Dockerfile"].decode().splitlines() if line.startswith("COPY ")]
        for source in (word for words in copied for word in words if not word.startswith("--")):
            assert any(name == source or name.startswith(f"{source}/") for name in files), f"{image}: COPY {source}"


def test_the_archive_is_the_same_bytes_for_the_same_files() -> None:
    files = {"b": b"2", "a": b"1"}
    assert build_images.archive(files) == build_images.archive(dict(reversed(files.items())))


def test_what_the_build_is_told_is_what_its_end_reads() -> None:
    request = json.loads((ROOT / "events/build_images.json").read_text())
    assert set(build_images.variables(request, "x")) - {"IMAGE_URI"} == set(conclude_build.REQUEST)
