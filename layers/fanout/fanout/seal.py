"""Documents that tell whether they were changed since they were written: by a torn disk, or by hand."""

import hashlib

import msgspec

AGAIN = "; the same run started again makes it anew"  # ends what is said of a document that was changed


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A document with a seal."""

    seal: str = ""  # SHA-256 of the document as JSON with an empty seal


def sealed(document: Sealed) -> bytes:
    """The document as JSON, with its seal."""
    return msgspec.json.encode(msgspec.structs.replace(document, seal=_seal(document)))


def unsealed[T: Sealed](content: bytes, kind: type[T]) -> T:
    """The inverse. Raises msgspec.DecodeError if the content is no such document, or another than was sealed."""
    document = msgspec.json.decode(content, type=kind)
    if document.seal != _seal(document):
        raise msgspec.DecodeError("it was changed since it was written: its seal does not fit")
    return document


def _seal(document: Sealed) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(document, seal=""))).hexdigest()
