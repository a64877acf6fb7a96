"""The actions of the pipeline nton, from the command line to the node of the child."""

import argparse
import os

from fanout.shared import SharedFiles
from worker import nodes
from worker.nodes import NodeFolder


def procure(options: argparse.Namespace) -> str:
    return nodes.procure(_folder(options))


def process(options: argparse.Namespace) -> str:
    return nodes.process(_folder(options))


def deliver(options: argparse.Namespace) -> str:
    from fanout.s3 import S3Uri
    from worker.delivery import deliver
    from worker.services import services

    return deliver(_folder(options), S3Uri.parse_prefix(options.output), services.objects)


def clean(options: argparse.Namespace) -> str:
    from worker.clean import clean

    return clean(SharedFiles.mounted(), options.run_id)


def _folder(options: argparse.Namespace) -> NodeFolder:
    index = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))  # absent: the only child
    return NodeFolder.of_child(
        SharedFiles.mounted(), run=options.run_id, plan_hash=options.plan_hash, reruns=options.nodes, index=index
    )
