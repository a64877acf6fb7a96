"""Tests of real containers need Docker or Podman and minutes, so they run only when they are asked for by name."""

from pathlib import Path

import pytest

CONTAINERS = Path(__file__).parent / "containers"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``make test-containers`` names them, ``make test`` does not."""
    if collection_path != CONTAINERS:
        return None
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(CONTAINERS) for path in named) else True
