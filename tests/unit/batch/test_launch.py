"""What a container finds when it starts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.batch.commands import Start
from localcloud.batch.dependencies import members
from localcloud.batch.launch import Host, launch
from localcloud.batch.ports import Image

if TYPE_CHECKING:
    from tests.unit.batch.conftest import Desk

HOST = Host(
    path="/bin",
    endpoint_url="http://127.0.0.1:4566",
    region="eu-west-1",
    root=Path("/attempts"),
    file_systems=Path("/filesystems"),
)
IMAGE = Image(package="pricer", argv_prefix=("python", "-m", "pricer"), pythonpath=(Path("/c"), Path("/l")))
KEYS = {"AWS_ACCESS_KEY_ID": "role-key"}


@pytest.fixture
def child(desk: "Desk") -> Start:
    job = desk.submit("job", size=7)
    return Start(members(job)[3], 2, "spot")


def test_a_child_is_told_who_it_is(child: Start) -> None:
    environment = launch(child, IMAGE, KEYS, HOST).environment
    assert {name: value for name, value in environment.items() if name.startswith("AWS_BATCH")} == {
        "AWS_BATCH_JOB_ID": "job:3",
        "AWS_BATCH_JOB_ARRAY_INDEX": "3",
        "AWS_BATCH_JOB_ARRAY_SIZE": "7",
        "AWS_BATCH_JOB_ATTEMPT": "2",
        "AWS_BATCH_JQ_NAME": "queue",
        "AWS_BATCH_CE_NAME": "spot",
    }


def test_a_job_that_is_no_array_has_no_index(desk: "Desk") -> None:
    environment = launch(Start(desk.submit("job"), 1, "spot"), IMAGE, KEYS, HOST).environment
    assert not any(name.startswith("AWS_BATCH_JOB_ARRAY") for name in environment)


def test_no_declaration_can_send_a_job_to_the_real_aws(desk: "Desk") -> None:
    declared = {"AWS_ENDPOINT_URL": "", "AWS_REGION": "", "AWS_ACCESS_KEY_ID": "mine", "MODE": "fast"}
    found: dict[str, Any] = dict(launch(Start(_declaring(desk, declared), 1, "spot"), IMAGE, KEYS, HOST).environment)
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert (found["AWS_ACCESS_KEY_ID"], found["MODE"]) == ("role-key", "fast")


def test_nothing_of_the_developers_environment_gets_through(child: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    environment = launch(child, IMAGE, KEYS, HOST).environment
    assert "AWS_PROFILE" not in environment
    assert environment["PATH"] == "/bin"
    assert environment["HOME"] == environment["TMPDIR"] == str(launch(child, IMAGE, KEYS, HOST).directory)


def test_a_declared_home_is_the_jobs(desk: "Desk") -> None:
    environment = launch(Start(_declaring(desk, {"HOME": "/mine"}), 1, "spot"), IMAGE, KEYS, HOST).environment
    assert environment["HOME"] == "/mine"
    assert environment["TMPDIR"].startswith("/attempts/")


def test_the_images_path_comes_before_a_declared_one(desk: "Desk") -> None:
    job = _declaring(desk, {"PYTHONPATH": "/mine"})
    assert launch(Start(job, 1, "spot"), IMAGE, KEYS, HOST).environment["PYTHONPATH"] == "/c:/l:/mine"


def test_each_attempt_has_its_own_directory_and_log_stream(child: Start) -> None:
    first, second = (launch(Start(child.job, n, "spot"), IMAGE, KEYS, HOST) for n in (1, 2))
    assert first.directory != second.directory
    assert first.log_group == "/aws/batch/job"
    assert first.log_stream.startswith("d/default/")
    assert first.log_stream != second.log_stream


def test_a_mounted_path_in_the_environment_is_the_file_systems_directory(desk: "Desk") -> None:
    container = {
        "volumes": [{"name": "records", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
        "mountPoints": [{"sourceVolume": "records", "containerPath": "/mnt/records"}],
    }
    declared = {"SHARED": "/mnt/records/in", "OTHER": "/mnt/recordsets"}
    job = desk.submit("job", definition=_definition(container), environment=declared)
    environment = launch(Start(job, 1, "spot"), IMAGE, KEYS, HOST).environment
    assert environment["SHARED"] == "/filesystems/fs-1/in"
    assert environment["OTHER"] == "/mnt/recordsets"


def test_the_definition_names_log_group_and_stream_prefix(desk: "Desk") -> None:
    options = {"awslogs-group": "/mine", "awslogs-stream-prefix": "pricer"}
    job = desk.submit("job", definition=_definition({"logConfiguration": {"logDriver": "awslogs", "options": options}}))
    found = launch(Start(job, 1, "spot"), IMAGE, KEYS, HOST)
    assert found.log_group == "/mine"
    assert found.log_stream.startswith("pricer/default/")


def _definition(container: dict[str, Any]) -> dict[str, Any]:
    return {"jobDefinitionName": "d", "jobDefinitionArn": "arn:d:1", "containerProperties": {"image": "i", **container}}


def _declaring(desk: "Desk", declared: dict[str, str]) -> Any:
    return desk.submit("job", environment=declared)
