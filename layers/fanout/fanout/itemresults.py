"""What the jobs of array-workflow find out about objects, and hand to the next job."""

from typing import Literal

import msgspec

from fanout.manifest import OutputFile
from fanout.seal import Sealed


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """An object that the run goes on without."""

    item: int
    key: str
    reason: str


class Validation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``validation.json`` of JobA."""

    schema: Literal["stepbatch/validation/1"] = "stepbatch/validation/1"
    plan_hash: str
    items: int
    rejected: tuple[Rejected, ...]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a CSV file, or one key of JSON objects. Numbers are finite; true and false are none."""

    name: str
    values: int  # records that have one
    missing: int  # records that have none, or an empty one
    numbers: int  # values that are numbers
    minimum: float | None  # of the numbers
    maximum: float | None
    mean: float | None
    deviation: float | None  # standard deviation of the numbers, dividing by their count


class ItemStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One object, read from its first byte to its last."""

    item: int
    key: str
    size: int  # bytes, as stored
    etag: str
    sha256: str  # of the bytes as stored
    format: str  # csv, jsonl, csv+gzip, ...
    records: int
    columns: tuple[Column, ...]


class SliceStatistics(Sealed, frozen=True, kw_only=True, rename="camel"):
    """``statistics/<slice>.json`` of JobB; holds every object of the slice exactly once."""

    schema: Literal["stepbatch/statistics/1"] = "stepbatch/statistics/1"
    plan_hash: str
    slice: int
    start: int
    stop: int
    items: tuple[ItemStatistics, ...]
    rejected: tuple[Rejected, ...] = ()
    column_bytes: int = 0  # of columns/<slice>.f64: every number of every column, in order, as little-endian float64


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What takes all numbers of a column at once."""

    name: str
    distinct: int = msgspec.field(name="distinctNumbers")
    quantiles: dict[str, float]  # p01 ... p99, nearest rank; empty for a column without numbers


class ItemProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One object's columns."""

    item: int
    key: str
    columns: tuple[ColumnProfile, ...]


class SliceProfiles(Sealed, frozen=True, kw_only=True, rename="camel"):
    """``profiles/<slice>.json`` of JobC; its presence means that the slice's items are in the table."""

    schema: Literal["stepbatch/profiles/1"] = "stepbatch/profiles/1"
    plan_hash: str
    slice: int
    start: int
    stop: int
    items: tuple[ItemProfile, ...]
    rejected: tuple[Rejected, ...] = ()
    statistics: OutputFile  # what they were made from


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One property of the whole run."""

    name: str
    problems: tuple[str, ...]  # empty where it holds


class StepReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``checks/<step>.json`` of JobD."""

    schema: Literal["stepbatch/checks/1"] = "stepbatch/checks/1"
    plan_hash: str
    step: int
    checks: tuple[CheckResult, ...]
