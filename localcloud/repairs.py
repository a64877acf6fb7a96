"""How repairs to moto check what they replace."""

import inspect
import sys
from typing import Any

PACKAGE = "moto.stepfunctions"


def expect(thing: Any, text: str) -> None:
    """The installed moto is the one that the repair was written for."""
    place = f"{thing.__module__}.{getattr(thing, '__qualname__', thing)}"
    assert text in inspect.getsource(thing), f"moto changed: {place} no longer contains {text!r}"


def modules_with(name: str, value: object) -> list[Any]:
    """Modules of the interpreter that imported ``value`` under ``name``."""
    modules = [module for key, module in list(sys.modules.items()) if key.startswith(PACKAGE)]
    return [module for module in modules if getattr(module, name, None) is value]
