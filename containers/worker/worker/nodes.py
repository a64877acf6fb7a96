"""The steps on one node, each repeatable: one whose output stands does nothing, one that was cut off leaves none.

What a step hands to the next is sealed: changed since, it is not worked on, and made anew when the run is repeated.
Few calls a step: on the shared file system each costs milliseconds.
"""

import hashlib
from dataclasses import dataclass

import msgspec

from fanout.errors import PlanError
from fanout.records import (
    ALL_NODES,
    DATA_FILE,
    NODE_FILE,
    RERUNS,
    RESULTS_FILE,
    SUMMARY_FILE,
    Node,
    NodeSummary,
    Procured,
    ids_sha256,
    node_name,
    node_of_child,
)
from fanout.seal import AGAIN, Sealed, sealed, unsealed
from fanout.shared import SharedFiles
from worker.readings import classify, fetch, statistics


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """A node of a run on the shared file system."""

    node: Node
    files: SharedFiles

    @classmethod
    def of_child(cls, files: SharedFiles, *, run: str, plan_hash: str, reruns: str, index: int) -> "NodeFolder":
        """The node of the child ``index``. Raises PlanError if it was not prepared for the plan."""
        folder = files.folder(run)
        number = index
        if reruns != ALL_NODES:
            listed = folder.folder(RERUNS).read(reruns)
            if listed is None:
                raise PlanError(f"{folder.root}/{RERUNS}/{reruns} is missing: the run was cleaned up or never prepared")
            number = node_of_child(listed, index)
        mine = folder.folder(node_name(number))
        node = _decoded(mine.folder("prep"), NODE_FILE, Node)
        if (node.plan_hash, node.node) != (plan_hash, number):
            raise PlanError(
                f"{mine.root}/prep/{NODE_FILE} is of node {node.node} of plan {node.plan_hash[:12]}, "
                f"this job was started for node {number} of plan {plan_hash[:12]}"
            )
        return cls(node, mine)


def procure(folder: NodeFolder) -> str:
    """Fetches the readings of the node's records; what came of it, in words."""
    node, data = folder.node, folder.files.folder("data")
    if (standing := _standing(data, DATA_FILE, Procured)) and _is_of(standing, node):
        return "stands"
    records = tuple(fetch(record_id, seed=node.seed, hours=node.hours) for record_id in node.ids)
    data.write(DATA_FILE, sealed(Procured(plan_hash=node.plan_hash, node=node.node, records=records)))
    return f"procured {len(records)} records"


def process(folder: NodeFolder) -> str:
    """Classifies the node's records, one a line; the summary is written last and makes them count."""
    node, results = folder.node, folder.files.folder("results")
    standing = _standing(results, SUMMARY_FILE, NodeSummary)
    if standing and _is_about(standing, node) and _lines(folder, standing) is not None:
        return "stands"
    procured = _decoded(folder.files.folder("data"), DATA_FILE, Procured)
    if not _is_of(procured, node):
        raise PlanError(f"{folder.files.root}/data/{DATA_FILE} does not hold the records of node {node.node}")
    lines = msgspec.json.Encoder().encode_lines([classify(each, node.open_above) for each in procured.records])
    summary = NodeSummary(
        plan_hash=node.plan_hash,
        node=node.node,
        records=len(procured.records),
        ids_sha256=ids_sha256(node.ids),
        size=len(lines),
        sha256=hashlib.sha256(lines).hexdigest(),
        statistics=statistics(procured.records, node.open_above),
    )
    results.write(RESULTS_FILE, lines)
    results.write(SUMMARY_FILE, sealed(summary))
    return f"processed {summary.records} records"


def read_results(folder: NodeFolder) -> tuple[bytes, NodeSummary]:
    """The node's lines and their summary. Raises PlanError unless they are whole and of exactly the node's records."""
    node, results = folder.node, folder.files.folder("results")
    summary = _decoded(results, SUMMARY_FILE, NodeSummary)
    if not _is_about(summary, node):
        raise PlanError(f"{results.root}/{SUMMARY_FILE} is not about the {len(node.ids)} records of node {node.node}")
    lines = _lines(folder, summary)
    if lines is None:
        raise PlanError(f"{results.root}/{RESULTS_FILE} is not what the step before wrote{AGAIN}")
    return lines, summary


def _is_about(summary: NodeSummary, node: Node) -> bool:
    ours = (node.plan_hash, node.node, len(node.ids), ids_sha256(node.ids))
    return (summary.plan_hash, summary.node, summary.records, summary.ids_sha256) == ours


def _lines(folder: NodeFolder, summary: NodeSummary) -> bytes | None:
    """The lines that the summary is about; None if they are gone, or others lie in their place."""
    lines = folder.files.folder("results").read(RESULTS_FILE)
    if lines is None or (len(lines), hashlib.sha256(lines).hexdigest()) != (summary.size, summary.sha256):
        return None
    return lines


def _is_of(procured: Procured, node: Node) -> bool:
    place = (procured.plan_hash, procured.node) == (node.plan_hash, node.node)
    return place and tuple(record.id for record in procured.records) == node.ids


def _standing[T: Sealed](files: SharedFiles, name: str, kind: type[T]) -> T | None:
    """The document of an earlier attempt, if it is whole."""
    content = files.read(name)
    try:
        return unsealed(content, kind) if content else None
    except msgspec.DecodeError:
        return None


def _decoded[T: Sealed](files: SharedFiles, name: str, kind: type[T]) -> T:
    content = files.read(name)
    if content is None:
        raise PlanError(f"{files.root}/{name} is missing: the step before did not write it, or the run was cleaned up")
    try:
        return unsealed(content, kind)
    except msgspec.DecodeError as error:
        raise PlanError(f"{files.root}/{name} is damaged: {error}{AGAIN}") from error
