"""Real Blender, real FFmpeg, real processes. CI never skips these tests: STEPBATCH_RENDER=required makes them fail."""

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from fanout.s3 import Objects
from tests.local.cloud_process import Cloud, start_cloud, stop_cloud
from tests.render.crew import RENDERER, ROOT, Crew, python

MAKE_SCENE = ROOT / "examples" / "rendering" / "make_scene.py"


@cache
def obstacle() -> str | None:
    """Why Blender cannot run here, and what to do; None if it can."""
    if not python().exists():
        return f"{python()} is missing: make renderer (Blender, a download of 400 MB)"
    tried = subprocess.run([python(), "-c", "import bpy"], capture_output=True, text=True, timeout=300)
    if tried.returncode == 0:
        return None
    packages = " ".join((RENDERER / "apt-packages.txt").read_text().split())
    words = tried.stderr.strip().splitlines()
    return f"Blender cannot be loaded ({words[-1] if words else 'no reason'}): apt-get install {packages}"


@pytest.fixture(scope="session", autouse=True)
def blender() -> None:
    """Skips what needs Blender where there is none."""
    if reason := obstacle():
        if os.environ.get("STEPBATCH_RENDER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes a scene with the example's program and the options given; the same options give the same file."""
    folder = tmp_path_factory.mktemp("scenes")

    @cache
    def make(*options: str, name: str = "scene") -> Path:
        target = folder / str(len(list(folder.iterdir()))) / f"{name}.blend"
        small = ["--size", "160x90", "--samples", "4", "--frames", "24", "--rings", "4", "--no-sound"]
        command = [str(python()), str(MAKE_SCENE), str(target), *small, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert target.exists(), done.stderr
        return target

    return make


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The product's template on a local cloud."""
    running = start_cloud(ROOT / "template.yaml", log=tmp_path_factory.mktemp("cloud") / "stderr")
    yield running
    stop_cloud(running)


@pytest.fixture(scope="session")
def crews(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Makes crews, each with an output URI of its own."""
    made: list[Crew] = []

    def make() -> Crew:
        s3 = boto3.client(
            "s3",
            endpoint_url=cloud.endpoint_url,
            region_name=cloud.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        name = f"crew{len(made)}"
        made.append(Crew(cloud=cloud, objects=Objects(s3), folder=tmp_path_factory.mktemp(name), name=name))
        return made[-1]

    yield make
    for each in made:
        each.disband()


@pytest.fixture
def crew(crews: Any) -> Iterator[Crew]:
    """Counts, renders and stitches."""
    made: Crew = crews()
    yield made
    made.disband()


@pytest.fixture(scope="session")
def clean(scene: Any, crews: Any) -> dict[int, bytes]:
    """The pixels of 24 frames from one child that nobody disturbed."""
    crew: Crew = crews()
    crew.count(scene(), framesPerJob="24")
    crew.render()
    crew.run("stitch")
    return crew.pixels()


CHANGE = """
import sys, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
scene = bpy.context.scene
{change}
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2], relative_remap=False)
"""


@pytest.fixture(scope="session")
def changed(scene: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Lets Blender change the plain scene."""

    def make(change: str) -> Path:
        target = tmp_path_factory.mktemp("changed") / "changed.blend"
        command = [str(python()), "-c", CHANGE.format(change=change), str(scene()), str(target)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        return target

    return make


@pytest.fixture(scope="session")
def blind(changed: Any) -> Path:
    """Has a second scene without a camera."""
    made: Path = changed("bpy.data.scenes.new('Blind').render.engine = 'CYCLES'")
    return made


@pytest.fixture(scope="session")
def scripted(changed: Any) -> Path:
    """A driver that Blender runs as Python."""
    expression = "__import__('math').sin(frame)"
    made: Path = changed(f"bpy.data.objects['sun'].driver_add('location', 0).driver.expression = {expression!r}")
    return made
