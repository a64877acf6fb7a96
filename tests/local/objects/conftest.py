"""One object store for the session, in a process of its own, and a fresh bucket for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.local.objects.serving import client, serving

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def objects_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(scope="session")
def s3(objects_root: Path) -> Iterator["S3Client"]:
    with serving("files", objects_root) as (_, port):
        yield client(port)


@pytest.fixture
def bucket(s3: "S3Client") -> str:
    name = f"bucket-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=name)
    return name
