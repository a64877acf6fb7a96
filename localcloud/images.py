"""Which program a container image is, here: the Python package of the same name beside the template."""

import sys
from pathlib import Path

from localcloud.batch.ports import Image


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


def image_name(image: str) -> str:
    """The last component of the path, without tag or digest: ``repo.example:5000/stepbatch/pricer:1`` → ``pricer``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
