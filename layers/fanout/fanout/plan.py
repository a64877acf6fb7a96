"""The plan of a run: what is to be done, cut into slices. Its hash names the run's work.

The hash covers what decides the results (the input's content, the slices, the parameters), not where the input
lay: the same work started again finds the results that stand.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from fanout.errors import PlanError, UriError
from fanout.s3 import Objects, S3Uri, sha256
from fanout.slicing import Boundaries

PLAN = "plan.json"
BLOCK = 8 << 20  # bytes of a long file that are read at a time


class Source(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where an input of the run was read, and which version of it."""

    uri: str
    etag: str


class StagedFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A file that the plan was written with; children read this version of it and no other."""

    etag: str
    size: int  # bytes
    sha256: str


class Work(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What decides the results."""

    pipeline: str
    inputs: dict[str, str]  # name -> sha256 of its content
    slices: Boundaries
    parameters: dict[str, Any]


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``plan.json``."""

    schema: Literal["stepbatch/plan/1"] = "stepbatch/plan/1"
    hash: str
    work: Work
    sources: dict[str, Source]  # provenance; not part of the hash
    files: dict[str, StagedFile]  # name under the output URI -> what children read

    @classmethod
    def of(cls, work: Work, *, sources: dict[str, Source], files: dict[str, StagedFile]) -> Self:
        canonical = msgspec.json.encode(work, order="deterministic")
        return cls(hash=hashlib.sha256(canonical).hexdigest(), work=work, sources=sources, files=files)

    @property
    def items(self) -> int:
        return self.work.slices[-1]

    @property
    def array_size(self) -> int:
        return len(self.work.slices) - 1

    def slice(self, index: int) -> tuple[int, int]:
        """``(start, stop)`` of the slice of the child ``index``."""
        if not 0 <= index < self.array_size:
            raise PlanError(f"child {index} has no slice: plan {self.hash[:12]} has slices 0 to {self.array_size - 1}")
        return self.work.slices[index], self.work.slices[index + 1]

    def result(self, output: S3Uri, index: int) -> S3Uri:
        """Where the child ``index`` writes its result."""
        return results_folder(output, self.hash) / f"{index:05d}.json"


def results_folder(output: S3Uri, plan_hash: str) -> S3Uri:
    return output / "results" / plan_hash


def write_plan(objects: Objects, output: S3Uri, plan: Plan) -> None:
    objects.put(output / PLAN, msgspec.json.format(msgspec.json.encode(plan), indent=1))


def find_plan(objects: Objects, output: S3Uri) -> Plan | None:
    """The plan that stands under ``output``, or None. A damaged one counts as none: it will be written anew."""
    try:
        return read_plan(objects, output)
    except (UriError, PlanError):
        return None


def read_plan(objects: Objects, output: S3Uri, expected_hash: str | None = None) -> Plan:
    """The plan under ``output``; raises PlanError if it is damaged or not the one named by ``expected_hash``."""
    uri = output / PLAN
    try:
        plan = msgspec.json.decode(objects.get(uri), type=Plan)
    except msgspec.DecodeError as error:
        raise PlanError(f"{uri} is damaged: {error}") from error
    if Plan.of(plan.work, sources={}, files={}).hash != plan.hash:
        raise PlanError(f"{uri} was changed by hand: its content does not have the hash {plan.hash[:12]}")
    if expected_hash is not None and plan.hash != expected_hash:
        raise PlanError(
            f"{uri} is plan {plan.hash[:12]}, this job was started for plan {expected_hash[:12]}: "
            "another run uses the same output URI"
        )
    return plan


def read_staged(
    objects: Objects, output: S3Uri, plan: Plan, name: str, start: int = 0, stop: int | None = None
) -> bytes:
    """Bytes ``[start, stop)`` of a staged file, in the version that the plan was written with.

    Raises PlanError if the file was replaced since.
    """
    staged = plan.files[name]
    uri = output / name
    content = objects.get_range(uri, start, staged.size if stop is None else stop, etag=staged.etag)
    if start == 0 and stop is None and sha256(content) != staged.sha256:
        raise PlanError(
            f"{uri} is not what plan {plan.hash[:12]} was written with: another run uses the same output URI"
        )
    return content


def staged_lines(objects: Objects, output: S3Uri, plan: Plan, name: str) -> Iterator[bytes]:
    """The lines of a staged file of any size, without their ends, a block at a time. Raises PlanError as above."""
    size, rest = plan.files[name].size, b""
    for start in range(0, size, BLOCK):
        block = rest + read_staged(objects, output, plan, name, start, min(start + BLOCK, size))
        *lines, rest = block.split(b"\n")
        yield from lines
    if rest:
        yield rest


def upload_staged(objects: Objects, path: Path, uri: S3Uri) -> StagedFile:
    """Puts a file where children will read it. Raises PlanError if another run puts its own there meanwhile."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    objects.upload(path, uri, "application/octet-stream", notes={"sha256": digest})
    stored = objects.find(uri)
    if stored is None or stored.notes.get("sha256") != digest:
        raise PlanError(f"{uri} was replaced while this run was writing it: another run uses the same output URI")
    return StagedFile(etag=stored.etag, size=stored.size, sha256=digest)
