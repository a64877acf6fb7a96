"""Where the files of a shared file system lie."""

from pathlib import Path
from typing import Any

import pytest

from localcloud.mounts import Mount, of_container, of_function, relocated

ROOT = Path("/state/filesystems")
RECORDS = Mount(path="/mnt/records", file_system="fsap-1")


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ("/mnt/records", "/state/filesystems/fsap-1"),
        ("/mnt/records/a/b", "/state/filesystems/fsap-1/a/b"),
        ("/mnt/recordsets", "/mnt/recordsets"),
        ("see /mnt/records", "see /mnt/records"),
        ("", ""),
    ],
)
def test_a_value_that_begins_with_a_mounted_path_is_led_to_its_directory(declared: str, found: str) -> None:
    assert relocated({"SHARED": declared}, [RECORDS], ROOT) == {"SHARED": found}


def test_a_mount_within_a_mount_is_the_inner_one() -> None:
    inner = Mount(path="/mnt/records/inner", file_system="fs-2")
    moved = relocated({"A": "/mnt/records/inner/x", "B": "/mnt/records/x"}, [RECORDS, inner], ROOT)
    assert moved == {"A": "/state/filesystems/fs-2/x", "B": "/state/filesystems/fsap-1/x"}


def test_a_function_and_a_job_share_the_access_point_s_directory() -> None:
    arn = "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1"
    assert of_function([{"Arn": arn, "LocalMountPath": "/mnt/records"}]) == (RECORDS,)
    assert of_container(container(accessPointId="fsap-1", iam="ENABLED")) == (RECORDS,)


def test_iam_decides_about_a_container_s_mount_only_where_the_definition_says_so() -> None:
    assert [mount.authorized for mount in of_container(container(iam="ENABLED"))] == [True]
    assert [mount.authorized for mount in of_container(container())] == [False]


def test_without_an_access_point_the_file_system_itself_is_shared() -> None:
    assert [mount.file_system for mount in of_container(container())] == ["fs-1"]


def test_only_volumes_of_efs_are_shared() -> None:
    local = {"volumes": [{"name": "records", "host": {"sourcePath": "/data"}}]}
    assert of_container(container() | local) == ()
    assert of_container({}) == ()


def container(**authorization: str) -> dict[str, Any]:
    efs = {"fileSystemId": "fs-1", "authorizationConfig": authorization}
    return {
        "volumes": [{"name": "scratch", "host": {}}, {"name": "records", "efsVolumeConfiguration": efs}],
        "mountPoints": [
            {"sourceVolume": "scratch", "containerPath": "/scratch"},
            {"sourceVolume": "records", "containerPath": "/mnt/records/"},
        ],
    }
