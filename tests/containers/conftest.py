"""Real images and real containers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import engine as engines
from tests.containers.engine import ROOT, Engine
from tests.local.cloud_process import Cloud, start_cloud, stop_cloud

IMAGES = os.environ.get("IMAGES", "pricer worker renderer").split()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with engines.engine(tmp_path_factory.mktemp("engine")) as found:
        yield found


@pytest.fixture(scope="session")
def base(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The base image of every Dockerfile."""
    return engines.provide_base(engine, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def pricer(engine: Engine, base: str) -> str:
    engine.build("pricer", base)
    return "stepbatch/pricer"


@pytest.fixture(scope="session")
def cloud(engine: Engine, pricer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The product's template; its jobs run in containers."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engine.environment.items():
            patch.setenv(name, value)
        log = tmp_path_factory.mktemp("cloud") / "stderr"
        running = start_cloud(ROOT / "template.yaml", "--containers", log=log)
    yield running
    stop_cloud(running)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``sam build`` makes."""
    from tests.containers.sam import sam

    folder = tmp_path_factory.mktemp("sam") / "build"
    sam("build", "--build-dir", str(folder), "--no-cached")
    return folder
