"""Checks of a state machine's definition. Pure."""

from typing import Any


def problems(definition: dict[str, Any]) -> list[str]:
    return [] if "StartAt" in definition else ["StartAt is missing"]
