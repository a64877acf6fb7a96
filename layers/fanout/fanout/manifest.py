"""``manifest.json``: every output of a run with its size and hash. Its presence means that the run is complete.

It is deleted first when a run starts again, and written last.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from fanout.s3 import Objects, S3Uri

MANIFEST = "manifest.json"


class OutputFile(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One output."""

    path: str  # relative to the output URI
    size: int  # bytes
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``manifest.json``."""

    schema: Literal["stepbatch/manifest/1"] = "stepbatch/manifest/1"
    plan_hash: str
    files: tuple[OutputFile, ...]  # sorted by path


def write_manifest(objects: Objects, output: S3Uri, plan_hash: str, files: Iterable[OutputFile]) -> None:
    manifest = Manifest(plan_hash=plan_hash, files=tuple(sorted(files)))
    objects.put(output / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def withdraw_manifest(objects: Objects, output: S3Uri) -> None:
    """The run under ``output`` is no longer complete."""
    objects.delete(output / MANIFEST)
