"""The product's template on a local cloud, one for the whole session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.cloud_process import Cloud, start_cloud, stop_cloud

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The product's template.yaml, deployed."""
    running = start_cloud(REPOSITORY / "template.yaml", log=tmp_path_factory.mktemp("cloud") / "stderr")
    yield running
    stop_cloud(running)
