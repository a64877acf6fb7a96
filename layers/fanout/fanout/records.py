"""The records pipeline: what prepare, the three steps and the verifier hand one another.

A run's records are divided into nodes; child i of each step works on node i. On the shared file system::

    <run id>/<node>/prep/node.json        the node's record ids, written by prepare            Node
    <run id>/<node>/data/records.json     what procure fetched for them                        Procured
    <run id>/<node>/results/records.jsonl one classified record a line, written by process     Classified
    <run id>/<node>/results/summary.json  what the line file holds, written after it           NodeSummary
    <run id>/reruns/<name>                nodes that a repeated run still has to deliver       see ``rerun_list``

and under the run's output URI in the egress bucket::

    <node>/results/records.jsonl          the lines, copied by deliver
    <node>/results/manifest.json          size, checksum and count of them, written after them Delivery
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from fanout.errors import PlanError
from fanout.seal import Sealed

PIPELINE = "nton"
STEPS = ("procure", "process", "deliver")  # child i of each waits for child i of the one before
HOURS = 24  # readings of a record
OPEN_ABOVE = 15_000  # a reading above it counts as open
IDS = "ids.txt"  # the run's record ids, one a line, staged with the plan
ALL_NODES = "all"  # in place of a rerun list: child i works on node i
NODE_FILE, DATA_FILE, RESULTS_FILE, SUMMARY_FILE = "node.json", "records.json", "records.jsonl", "summary.json"
DELIVERY = "manifest.json"
RERUNS = "reruns"
_DIGITS = 5  # of a node's name: an array has at most 10,000 children


class Node(Sealed, frozen=True, kw_only=True, rename="camel"):
    """``prep/node.json``: what the three steps need to know of their node."""

    schema: Literal["stepbatch/node/1"] = "stepbatch/node/1"
    plan_hash: str
    node: int
    seed: int
    hours: int
    open_above: int
    ids: tuple[str, ...]


class Readings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was procured for one record."""

    id: str
    values: tuple[int, ...]  # one an hour, 10 to 19,999


class Procured(Sealed, frozen=True, kw_only=True, rename="camel"):
    """``data/records.json``."""

    schema: Literal["stepbatch/procured/1"] = "stepbatch/procured/1"
    plan_hash: str
    node: int
    records: tuple[Readings, ...]


class Classified(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of ``results/records.jsonl``."""

    id: str
    open_hours: tuple[int, ...]  # hours, from 0, whose reading is above the threshold
    minimum: int
    maximum: int
    mean: float


class Statistics(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of a number of readings. Sums, so that statistics of parts add up to those of the whole exactly."""

    readings: int = 0
    open: int = 0  # of them above the threshold
    total: int = 0  # sum of all readings
    minimum: int | None = None
    maximum: int | None = None

    @property
    def mean(self) -> float | None:
        return self.total / self.readings if self.readings else None

    @classmethod
    def add_up(cls, parts: "Iterable[Statistics]") -> "Statistics":
        """The statistics of all readings together."""
        readings = opened = total = 0
        minima: list[int] = []
        maxima: list[int] = []
        for part in parts:
            readings, opened, total = readings + part.readings, opened + part.open, total + part.total
            minima += [part.minimum] if part.minimum is not None else []
            maxima += [part.maximum] if part.maximum is not None else []
        low, high = min(minima, default=None), max(maxima, default=None)
        return cls(readings=readings, open=opened, total=total, minimum=low, maximum=high)


class NodeSummary(Sealed, frozen=True, kw_only=True, rename="camel"):
    """``results/summary.json``: its presence means that the lines are complete."""

    schema: Literal["stepbatch/node-summary/1"] = "stepbatch/node-summary/1"
    plan_hash: str
    node: int
    records: int
    ids_sha256: str
    size: int  # bytes of records.jsonl
    sha256: str
    statistics: Statistics


class DeliveredFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One file of a delivery."""

    path: str  # relative to the manifest
    size: int  # bytes
    sha256: str
    etag: str  # of the object that holds it


class Delivery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``manifest.json`` of one node in the egress bucket: its presence means that the node is delivered."""

    schema: Literal["stepbatch/delivery/1"] = "stepbatch/delivery/1"
    plan_hash: str
    node: int
    records: int
    ids_sha256: str
    files: tuple[DeliveredFile, ...]
    statistics: Statistics


def node_name(node: int) -> str:
    """The node's directory; names sort as numbers do."""
    return f"{node:0{_DIGITS}d}"


def ids_sha256(ids: Iterable[str]) -> str:
    """One hash of ids in their order."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def rerun_list(nodes: Sequence[int]) -> tuple[str, bytes]:
    """Name and content of the list that tells child i its node: one node a line, all lines equally long."""
    content = "".join(f"{node_name(node)}\n" for node in nodes).encode()
    return f"{hashlib.sha256(content).hexdigest()[:16]}.txt", content


def node_of_child(content: bytes, index: int) -> int:
    """The node that a rerun list gives the child ``index``. Raises PlanError if it lists fewer."""
    width = _DIGITS + 1
    line = content[index * width : (index + 1) * width]
    if len(line) != width:
        raise PlanError(f"child {index} has no node: the rerun list has {len(content) // width}")
    return int(line)
