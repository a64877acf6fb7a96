"""Copies a node's results to the egress bucket: the lines, then the manifest that makes them count."""

import base64

import msgspec

from fanout.records import DELIVERY, RESULTS_FILE, DeliveredFile, Delivery, node_name
from fanout.s3 import Objects, S3Uri
from worker.nodes import NodeFolder, read_results


def deliver(folder: NodeFolder, output: S3Uri, objects: Objects) -> str:
    """Two requests a node. Delivered again, the same results are the same bytes: who reads meanwhile sees no change."""
    lines, summary = read_results(folder)
    place = output / node_name(folder.node.node) / "results"
    stored = objects.client.put_object(
        Bucket=place.bucket,
        Key=(place / RESULTS_FILE).key,
        Body=lines,
        ContentType="application/x-ndjson",
        ChecksumSHA256=base64.b64encode(bytes.fromhex(summary.sha256)).decode(),  # the service refuses anything else
    )
    delivered = DeliveredFile(
        path=RESULTS_FILE, size=summary.size, sha256=summary.sha256, etag=stored["ETag"].strip('"')
    )
    manifest = Delivery(
        plan_hash=summary.plan_hash,
        node=summary.node,
        records=summary.records,
        ids_sha256=summary.ids_sha256,
        files=(delivered,),
        statistics=summary.statistics,
    )
    objects.put(place / DELIVERY, msgspec.json.encode(manifest))
    return f"delivered {summary.records} records to {place}"
