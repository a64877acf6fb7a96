"""Delivery: results arrive whole with what proves it, and again without any change."""

import base64

import msgspec
import pytest

from fanout.errors import PlanError
from fanout.records import ALL_NODES, Delivery
from fanout.s3 import Objects, sha256
from tests.unit.worker.conftest import EGRESS, PLAN, RUN, Share
from worker.delivery import deliver
from worker.nodes import NodeFolder, process, procure


@pytest.fixture
def folder(share: Share) -> NodeFolder:
    share.prepare(4)
    made = NodeFolder.of_child(share.files, run=RUN, plan_hash=PLAN, reruns=ALL_NODES, index=4)
    procure(made)
    process(made)
    return made


def test_lines_and_manifest_lie_under_run_and_node(folder: NodeFolder, share: Share, objects: Objects) -> None:
    deliver(folder, EGRESS, objects)
    keys = [row.uri.key for row in objects.list(EGRESS)]
    assert keys == [f"{RUN}/00004/results/manifest.json", f"{RUN}/00004/results/records.jsonl"]
    lines = objects.get(EGRESS / "00004" / "results" / "records.jsonl")
    assert lines == share.tree()[f"{RUN}/00004/results/records.jsonl"]
    manifest = msgspec.json.decode(objects.get(EGRESS / "00004" / "results" / "manifest.json"), type=Delivery)
    [file] = manifest.files
    stored = objects.find(EGRESS / "00004" / "results" / "records.jsonl")
    assert stored is not None
    assert (file.size, file.sha256, file.etag) == (len(lines), sha256(lines), stored.etag)
    assert (manifest.records, manifest.node, manifest.plan_hash) == (2, 4, PLAN)


def test_a_second_delivery_is_the_same_to_the_byte(folder: NodeFolder, objects: Objects) -> None:
    deliver(folder, EGRESS, objects)
    first = {row.uri: objects.get(row.uri) for row in objects.list(EGRESS)}
    deliver(folder, EGRESS, objects)
    assert {row.uri: objects.get(row.uri) for row in objects.list(EGRESS)} == first


def test_two_requests_deliver_a_node(folder: NodeFolder, objects: Objects) -> None:
    asked: list[str] = []
    objects.client.meta.events.register("before-call.s3.*", lambda model, **_: asked.append(model.name))
    deliver(folder, EGRESS, objects)
    assert asked == ["PutObject", "PutObject"]


def test_the_service_is_told_the_checksum_so_that_it_refuses_anything_else(
    folder: NodeFolder, share: Share, objects: Objects
) -> None:
    told: list[str] = []
    objects.client.meta.events.register(
        "before-parameter-build.s3.PutObject", lambda params, **_: told.append(params.get("ChecksumSHA256", ""))
    )
    deliver(folder, EGRESS, objects)
    lines = share.tree()[f"{RUN}/00004/results/records.jsonl"]
    assert base64.b64decode(told[0]).hex() == sha256(lines)


def test_nothing_is_delivered_of_a_node_whose_results_are_not_whole(
    folder: NodeFolder, share: Share, objects: Objects
) -> None:
    (share.root / RUN / "00004" / "results" / "records.jsonl").write_bytes(b"")
    with pytest.raises(PlanError):
        deliver(folder, EGRESS, objects)
    assert list(objects.list(EGRESS)) == []
