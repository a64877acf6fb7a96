"""Records procured, processed and delivered by three arrays that overlap child by child."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from stepbatch.console import plural, table
from stepbatch.sheet import Sheet

if TYPE_CHECKING:
    from fanout.s3 import S3Uri

SEED = 1  # where none is given: the same command does the same
RECORDS_PER_NODE = 40
NAME_LENGTH = 120  # characters of a run id


@dataclass(frozen=True, slots=True, kw_only=True)
class NtoN:
    """How many records, and how they are divided; what is None is left to the pipeline."""

    records: int | None = None
    records_per_node: int | None = None
    keep: bool = False
    seed: int | None = None

    name = "nton"
    machine = "NToNStateMachineArn"
    bucket = "EgressBucketName"

    @property
    def job_name(self) -> str:
        return self.name

    def files(self) -> Mapping[str, Path]:
        return {}

    def request(self, inputs: "S3Uri", output: "S3Uri") -> dict[str, Any]:  # noqa: ARG002 - it uploads no input
        """The run is named after its folder, so that the same directory repeats the same run."""
        given = {"records": self.records, "recordsPerNode": self.records_per_node, "keep": self.keep or None}
        seed = SEED if self.seed is None else self.seed
        required = {"runId": run_id(output), "outputUri": str(output), "seed": seed}
        return required | {name: value for name, value in given.items() if value is not None}

    def check(self) -> str:
        per_node = self.records_per_node or RECORDS_PER_NODE
        if self.records is None:
            return f"as many records as the seed says, {per_node} a node"
        from fanout.slicing import Even

        nodes = Even.of(self.records, per_node).slices
        return f"{plural(self.records, 'record')} in {plural(nodes, 'node')}"

    def show(self, out: Path, to: Console) -> None:
        """What was delivered, how fast, and how much the steps overlapped."""
        summary = json.loads((out / "summary.json").read_bytes())
        timings = json.loads((out / "timings.json").read_bytes())
        to.print(steps(summary, timings))
        statistics = summary["statistics"]
        if statistics["readings"]:
            share = 100 * statistics["open"] / statistics["readings"]
            to.print(f"{statistics['readings']:,} readings, mean {statistics['mean']:,.1f}, {share:.1f} % open")
        if speed := pace(timings):
            to.print(speed)
        to.print(f"files: {out} (timeline.svg, summary.json, <node>/results/records.jsonl)", soft_wrap=True)


def run_id(output: "S3Uri") -> str:
    """The run's folder in the bucket, as a name that the shared file system takes."""
    folder = output.key.rsplit("/", 2)[-2] if "/" in output.key else output.key
    return f"run-{re.sub(r'[^A-Za-z0-9._-]', '-', folder)}"[:NAME_LENGTH]


def steps(summary: Mapping[str, Any], timings: Mapping[str, Any]) -> Sheet:
    """A row a step; its overlap is the share of children that began before the step before had ended."""
    title = f"{summary['delivered']:,} of {summary['records']:,} records delivered"
    rows = table(title, "step", "#children", "#failed", "#seconds", "#overlap")
    for step in timings["steps"]:
        share = f"{100 * step['overlap']:.1f} %" if "overlap" in step else ""
        rows.add_row(step["step"], f"{step['children']:,}", str(step["failed"]), f"{step['seconds']:.1f}", share)
    return rows


def pace(timings: Mapping[str, Any]) -> str:
    """``1,200 records/s, 97.5 % of process began before procure had ended``."""
    if not timings.get("recordsPerSecond"):
        return ""
    by_name = {step["step"]: step for step in timings["steps"]}
    overlap = by_name.get("process", {}).get("overlap")
    more = "" if overlap is None else f", overlap {100 * overlap:.1f} %"
    return f"{timings['recordsPerSecond']:,.0f} records/s{more}"
