"""What ``stepbatch run nton`` asks for and shows."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fanout.s3 import S3Uri
from fanout.shared import safe_name
from stepbatch.pipelines.nton import NtoN, run_id

INPUTS, OUTPUT = S3Uri("egress", "runs/night-1f9a3c/input"), S3Uri("egress", "runs/night-1f9a3c/output")
SUMMARY = {
    "records": 1_000,
    "delivered": 1_000,
    "statistics": {"readings": 24_000, "open": 6_000, "mean": 10_004.26},
}
TIMINGS = {
    "recordsPerSecond": 1234.5,
    "steps": [
        {"step": "procure", "children": 25, "failed": 0, "seconds": 2.04},
        {"step": "process", "children": 25, "failed": 1, "seconds": 2.5, "overlap": 0.96},
        {"step": "deliver", "children": 24, "failed": 0, "seconds": 2.25, "overlap": 0.875},
    ],
}


def shown(out: Path, summary: dict[str, Any], timings: dict[str, Any]) -> str:
    (out / "summary.json").write_text(json.dumps(summary))
    (out / "timings.json").write_text(json.dumps(timings))
    text = io.StringIO()
    NtoN().show(out, Console(file=text, width=200))
    return text.getvalue()


def test_the_run_is_named_after_its_folder_so_that_the_same_directory_repeats_it() -> None:
    assert NtoN().request(INPUTS, OUTPUT) == {"runId": "run-night-1f9a3c", "outputUri": str(OUTPUT), "seed": 1}


def test_what_is_given_is_asked_for() -> None:
    pipeline = NtoN(records=400_000, records_per_node=40, keep=True, seed=0)
    asked = pipeline.request(INPUTS, OUTPUT)
    assert asked | {"runId": ""} == {
        "runId": "",
        "outputUri": str(OUTPUT),
        "seed": 0,
        "records": 400_000,
        "recordsPerNode": 40,
        "keep": True,
    }
    assert pipeline.files() == {}
    assert pipeline.check() == "400,000 records in 10,000 nodes"


@pytest.mark.parametrize(
    "key", ["runs/büro (2)-1f/output", "runs/_x-1/output", "output", "runs/" + "x" * 300 + "/output"]
)
def test_any_folder_gives_a_name_that_the_file_system_takes(key: str) -> None:
    assert safe_name(run_id(S3Uri("egress", key)))


def test_speed_overlap_and_every_step_are_shown(tmp_path: Path) -> None:
    text = shown(tmp_path, SUMMARY, TIMINGS)
    assert "1,000 of 1,000 records delivered" in text
    assert "1,234 records/s, overlap 96.0 %" in text
    assert "24,000 readings, mean 10,004.3, 25.0 % open" in text
    assert [line.split()[:4] for line in text.splitlines() if line.strip().startswith("process")] == [
        ["process", "25", "1", "2.5"]
    ]


def test_a_run_with_nothing_left_to_do_shows_no_speed(tmp_path: Path) -> None:
    assert "records/s" not in shown(tmp_path, SUMMARY, {"steps": []})
