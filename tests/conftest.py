"""For all tests: none fails by the clock, and those that need an engine for containers are asked for by name."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

CONTAINERS = Path(__file__).parent / "containers"  # they need Docker or Podman, and minutes

# Examples have no deadline: a machine with other work to do would miss it.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``make test-containers`` names them, ``make test`` does not."""
    if collection_path != CONTAINERS:
        return None
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(CONTAINERS) for path in named) else True
