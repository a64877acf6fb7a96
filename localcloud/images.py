"""What a container image is, here: the Python package of the same name beside the template, or a real image."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from localcloud.batch.ports import Image
from localcloud.errors import LocalCloudError

ENGINES = ("docker", "podman")
ENGINE_VARIABLES = (
    "PATH", "HOME", "XDG_RUNTIME_DIR",
    "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT",
    "CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF",
)  # fmt: skip


class LocalImages:
    """``…/stepbatch/pricer:latest`` runs as ``python -m pricer``, from ``containers/pricer`` with every layer.

    What is too large for everyone's environment may be in one of the image's own, ``containers/NAME/.venv``.
    """

    def __init__(self, root: Path) -> None:
        self._root = root  # the template's directory

    def command(self, image: str) -> Image:
        """Raises LookupError, saying what is missing, when no directory belongs to the image."""
        name = image_name(image)
        directory = self._root / "containers" / name
        if not (directory / name / "__main__.py").is_file():
            raise LookupError(f"the image {image} needs {directory / name / '__main__.py'}, which does not exist")
        own = directory / ".venv" / "bin" / "python"
        interpreter = str(own) if own.exists() else sys.executable
        layers = sorted(path for path in (self._root / "layers").glob("*") if path.is_dir())
        return Image(
            package=name,
            argv_prefix=(interpreter, "-m", name),
            pythonpath=(directory, *layers),
        )


class ContainerImages:
    """Images as what they are, in containers: ``…/stepbatch/pricer:latest`` is this machine's ``stepbatch/pricer``.

    An image that the machine has under its full name is that image.
    """

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._found: dict[str, Image] = {}

    def command(self, image: str) -> Image:
        """Raises LookupError, saying how to make it, when the machine does not have the image."""
        if image not in self._found:
            self._found[image] = Image(package=None, argv_prefix=(self._engine,), reference=self._reference(image))
        return self._found[image]

    def _reference(self, image: str) -> str:
        own = f"stepbatch/{image_name(image)}"
        for reference in (image, own):
            if _says_yes(self._engine, "image", "inspect", reference):
                return reference
        raise LookupError(f"{self._engine} has neither {image} nor {own}: build it, make images")


def container_engine() -> str:
    """The first of Docker and Podman that answers. Raises LocalCloudError when none does."""
    for engine in ENGINES:
        if shutil.which(engine) and _says_yes(engine, "info"):
            return engine
    raise LocalCloudError("containers need Docker or Podman, and neither `docker info` nor `podman info` answers here")


def engine_environment() -> dict[str, str]:
    """What of this process's environment the engine is given."""
    return {name: os.environ[name] for name in ENGINE_VARIABLES if name in os.environ}


def _says_yes(engine: str, *arguments: str) -> bool:
    done = subprocess.run([engine, *arguments], capture_output=True, check=False)  # noqa: S603 - no shell
    return done.returncode == 0


def image_name(image: str) -> str:
    """The last component of the path, without tag or digest: ``repo.example:5000/stepbatch/pricer:1`` → ``pricer``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
