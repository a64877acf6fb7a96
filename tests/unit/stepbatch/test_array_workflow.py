"""What ``stepbatch run array-workflow`` asks for, makes and shows."""

import gzip
import io
import json
import os
from pathlib import Path

import pytest
import zstandard
from rich.console import Console

from fanout.s3 import S3Uri
from stepbatch.errors import UsageError
from stepbatch.pipelines.array_workflow import ArrayWorkflow, items_per_job, objects_in
from stepbatch.pipelines.sample_objects import AWKWARD, write_objects

INPUTS, OUTPUT = S3Uri("data", "runs/r/input"), S3Uri("data", "runs/r/output")


def test_what_is_not_given_is_left_to_the_pipeline() -> None:
    assert ArrayWorkflow(objects={}).request(INPUTS, OUTPUT) == {
        "inputUri": "s3://data/runs/r/input",
        "outputUri": "s3://data/runs/r/output",
    }


def test_what_is_given_is_asked_for_even_if_it_is_nought() -> None:
    pipeline = ArrayWorkflow(
        objects={}, items_per_job=1, validation_steps=3, tolerated_failure_percentage=0.0, recipient="me@example.com"
    )
    asked = pipeline.request(INPUTS, OUTPUT)
    assert {name: asked[name] for name in asked if name not in {"inputUri", "outputUri"}} == {
        "itemsPerJob": 1,
        "validationSteps": 3,
        "toleratedFailurePercentage": 0.0,
        "recipient": "me@example.com",
    }


def test_a_directorys_files_keep_their_paths(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "ä b.csv").write_text("a\n1\n")
    (tmp_path / "x.jsonl").write_text("{}\n")
    assert list(objects_in(tmp_path)) == ["deep/er/ä b.csv", "x.jsonl"]
    assert ArrayWorkflow(objects=objects_in(tmp_path)).check() == "2 objects, 7 bytes"


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_directory_without_files_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        objects_in(tmp_path / name)


@pytest.mark.parametrize(("text", "value"), [(None, None), ("auto", "auto"), ("7", 7)])
def test_objects_a_child_are_a_number_or_auto(text: str | None, value: int | str | None) -> None:
    assert items_per_job(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", ""])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--items-per-job"):
        items_per_job(text)


def test_sample_objects_are_the_same_for_the_same_seed_and_of_every_kind(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    first = write_objects(tmp_path / "a", 60, seed=1)
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in write_objects(tmp_path / "b", 60, seed=1).items()
    }
    assert {path.read_bytes() for path in first.values()} != {
        path.read_bytes() for path in write_objects(tmp_path / "c", 60, seed=2).values()
    }
    endings = {name.partition(".")[2] for name in first}
    assert endings == {"csv", "csv.gz", "csv.zst", "jsonl", "jsonl.gz", "jsonl.zst"}
    assert all(any(name.startswith(awkward) for name in first) for awkward in AWKWARD)
    for name, path in first.items():
        body = path.read_bytes()
        text = gzip.decompress(body) if ".gz" in name else zstandard.decompress(body) if ".zst" in name else body
        assert text.startswith(b"{" if ".jsonl" in name else b"station,hour,value\n")


def test_the_notification_and_what_was_left_out_are_shown(tmp_path: Path) -> None:
    rejected = [{"key": f"in/{k}.csv", "reason": "it is empty"} for k in range(12)]
    (tmp_path / "summary.json").write_text(json.dumps({"rejected": rejected}))
    sent = {"messageId": "m1", "topicArn": "arn:topic", "subject": "partial", "message": "188 of 200\nResults: s3://x"}
    (tmp_path / "notification.json").write_text(json.dumps(sent))
    text = io.StringIO()
    ArrayWorkflow(objects={}).show(tmp_path, Console(file=text, width=200))
    lines = [line.strip() for line in text.getvalue().splitlines()]
    assert lines[:4] == ["notification m1 to arn:topic:", "partial", "188 of 200", "Results: s3://x"]
    assert "12 objects left out:" in lines
    assert "in/9.csv: it is empty" in lines
    assert "and 2 more, listed in summary.json" in lines


def test_a_file_whose_name_cannot_be_a_key_is_refused_before_anything_is_uploaded(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")).write_text("a\n1\n")
    with pytest.raises(UsageError, match=r"caf\\udce9\.csv' is not UTF-8"):
        objects_in(tmp_path)
