"""The formats as JSON Schemas, made from the types that books and markets are checked with.

What a schema cannot say (business days, fixings, matrices, what a model can price) is checked when a document is read.
"""

from typing import Any

import msgspec

from fanout.book import EXPECTED, SCHEMA
from fanout.market import Market
from fanout.position import Position
from fanout.workshop import WorkshopNote

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAMES = ("book", "market")


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of the user's ``book`` or ``market``. Raises KeyError for another name."""
    return {"book": book_schema, "market": market_schema}[name]()


def book_schema() -> dict[str, Any]:
    (note, workshop), definitions = components(Position, WorkshopNote)
    del definitions["Position"]["properties"]["index"]  # given when a book is read
    return {
        "$schema": DIALECT,
        "title": "stepbatch book",
        "description": f"A book of autocallable notes: {EXPECTED}. Keys that are not listed here are refused.",
        "type": "object",
        "properties": {
            "schema": {"const": SCHEMA},
            "name": {"type": "string", "description": "what the book is called in reports"},
            "positions": {
                "type": "array",
                "minItems": 1,
                "description": "holdings of notes, each in the full format or the workshop's",
                "items": {"anyOf": [note, workshop]},
            },
        },
        "required": ["positions"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def market_schema() -> dict[str, Any]:
    (reference,), definitions = components(Market)
    market = definitions.pop(reference["$ref"].rpartition("/")[2])
    return {"$schema": DIALECT, **market, "title": "stepbatch market", "$defs": definitions}


def components(*types: type) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    references, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    return references, definitions
