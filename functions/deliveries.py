"""Which nodes of a run lie delivered in the egress bucket, checked against the plan and the listing."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec

from fanout.manifest import OutputFile
from fanout.plan import Plan
from fanout.records import DELIVERY, Delivery, ids_sha256, node_name
from fanout.s3 import Objects, ObjectSummary, S3Uri, sha256

FETCHES_AT_ONCE = 16
NOT_DELIVERED = "nothing was delivered"


@dataclass(slots=True)
class Deliveries:
    """What the bucket holds."""

    delivered: dict[int, Delivery] = field(default_factory=dict)  # by node
    problems: dict[int, str] = field(default_factory=dict)  # node -> why it does not count as delivered
    files: list[OutputFile] = field(default_factory=list)  # of the delivered nodes


def check_deliveries(plan: Plan, ids: Sequence[str], output: S3Uri, objects: Objects) -> Deliveries:
    """Every node is either delivered or a problem. Costs one listing, and one small request a node that is there."""
    listed = {row.uri: row for row in objects.list(output)}
    found = Deliveries()
    with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
        nodes = range(plan.array_size)
        for node, body in zip(
            nodes, pool.map(lambda node: _manifest(output, node, listed, objects), nodes), strict=True
        ):
            start, stop = plan.slice(node)
            try:
                delivery = _checked(body, plan, node, ids[start:stop], output, listed)
            except ValueError as error:
                found.problems[node] = str(error)
                continue
            found.delivered[node] = delivery
            found.files += _files(delivery, body)
    return found


def _place(output: S3Uri, node: int) -> S3Uri:
    return output / node_name(node) / "results"


def _manifest(output: S3Uri, node: int, listed: dict[S3Uri, ObjectSummary], objects: Objects) -> bytes:
    uri = _place(output, node) / DELIVERY
    return objects.get(uri) if uri in listed else b""


def _checked(
    body: bytes, plan: Plan, node: int, ids: Sequence[str], output: S3Uri, listed: dict[S3Uri, ObjectSummary]
) -> Delivery:
    """Raises ValueError unless the node's manifest is of this plan and these records, and its files lie as it says."""
    if not body:
        raise ValueError(NOT_DELIVERED)
    try:
        delivery = msgspec.json.decode(body, type=Delivery)
    except msgspec.DecodeError as error:
        raise ValueError(f"its manifest is damaged: {error}") from error
    if (delivery.plan_hash, delivery.node) != (plan.hash, node):
        raise ValueError(f"its manifest is of node {delivery.node} of plan {delivery.plan_hash[:12]}")
    if (delivery.records, delivery.ids_sha256) != (len(ids), ids_sha256(ids)):
        raise ValueError(f"{delivery.records} records came out where {len(ids)} went in, or others than these")
    for file in delivery.files:
        row = listed.get(_place(output, node) / file.path)
        if row is None:
            raise ValueError(f"{file.path} is missing")
        if (row.size, row.etag) != (file.size, file.etag):
            raise ValueError(f"{file.path} is not what was delivered: {row.size} bytes, ETag {row.etag}")
    if not delivery.files:
        raise ValueError("its manifest lists no file")
    return delivery


def _files(delivery: Delivery, manifest: bytes) -> Iterator[OutputFile]:
    folder = f"{node_name(delivery.node)}/results"
    for file in delivery.files:
        yield OutputFile(path=f"{folder}/{file.path}", size=file.size, sha256=file.sha256)
    yield OutputFile(path=f"{folder}/{DELIVERY}", size=len(manifest), sha256=sha256(manifest))
