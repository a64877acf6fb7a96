"""What is in the images, and what a container of them may do."""

import json

import pytest

from tests.containers.conftest import IMAGES
from tests.containers.engine import Engine

MEGABYTE = 1_000_000
LARGEST = {"pricer": 400 * MEGABYTE, "worker": 400 * MEGABYTE, "renderer": 2_500 * MEGABYTE}


@pytest.fixture(scope="session", params=IMAGES)
def image(request: pytest.FixtureRequest, engine: Engine, base: str) -> str:
    """The name of each image, built."""
    name: str = request.param
    if not engine.has(f"stepbatch/{name}"):
        engine.build(name, base)
    return name


def test_an_image_is_no_larger_than_it_must_be(engine: Engine, image: str) -> None:
    (described,) = json.loads(engine("image", "inspect", f"stepbatch/{image}"))
    assert described["Size"] <= LARGEST[image]


def test_a_container_runs_as_nobody_in_particular_and_can_change_nothing(engine: Engine, image: str) -> None:
    script = "import os; print(os.getuid(), os.access('/app', os.W_OK), os.access('/etc', os.W_OK))"
    options = ("--rm", "--read-only", "--network=host", "--entrypoint=python", f"stepbatch/{image}")
    assert engine("run", *options, "-c", script).split() == ["10001", "False", "False"]


def test_the_entry_point_is_the_program_and_it_starts_on_a_read_only_root(engine: Engine, image: str) -> None:
    said = engine("run", "--rm", "--read-only", "--network=host", f"stepbatch/{image}", "--help")
    assert f"python -m {image}" in said


def test_nothing_but_the_program_and_what_it_needs_is_in_the_image(engine: Engine, image: str) -> None:
    options = ("--rm", "--network=host", "--entrypoint=/bin/ls", f"stepbatch/{image}")
    expected = {"fanout", image} | ({"blender_program"} if image == "renderer" else set())
    assert set(engine("run", *options, "/app").split()) == expected
