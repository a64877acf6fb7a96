"""Greets."""

import os
from typing import Any


def handler(event: dict[str, str], context: Any) -> dict[str, str]:
    print(f"greeting {event['greet']}")
    return {"text": f"{os.environ['WORD']} {event['greet']}"}
