"""Stand in for the package ``moto.batch``, whose import takes half a second.

The interpreter imports one enumeration from ``moto.batch.utils``. Importing that runs ``moto/batch/__init__.py``, which
loads moto's Batch backend and with it all of EC2, ECS and ECR; Batch is answered by localcloud itself. With this empty
package in place its submodules are found, and only those that are asked for.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

NAME = "moto.batch"


def install() -> None:
    """Nothing happens where the real package has been imported already."""
    if NAME in sys.modules:
        return
    spec = find_spec("moto")
    assert spec is not None, "moto is not installed"
    assert spec.origin is not None
    package = ModuleType(NAME)
    package.__path__ = [str(Path(spec.origin).parent / "batch")]
    sys.modules[NAME] = package
