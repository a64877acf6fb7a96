"""The commands of examples/array-workflow/README.md as they stand there, and the order in which the five jobs ran."""

import itertools
import json
import time
from pathlib import Path

from stepbatch.pipelines.sample_objects import write_objects
from tests.local.cloud_process import Cloud
from tests.local.executions import PATIENCE
from tests.local.typed import ROOT, SOURCE, UP, clone, commands, typed

FIRST, SUBMIT, RESULTS, RUN = commands((ROOT / "examples" / "array-workflow" / "README.md").read_text())
OBJECTS = 12


def test_its_commands_run_as_they_stand_and_the_five_documents_in_their_order(cloud: Cloud, tmp_path: Path) -> None:
    assert FIRST == UP
    folder, scratch = clone(tmp_path, cloud), tmp_path / "scratch"
    scratch.mkdir()
    for name, path in write_objects(scratch, OBJECTS, seed=1).items():
        target = folder / "MY_OBJECTS" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    submitted = typed(folder, SUBMIT)
    ids = dict(line.split() for line in submitted.splitlines() if line.startswith("Job"))
    batch, deadline = cloud.client("batch"), time.monotonic() + PATIENCE
    while True:
        jobs = {job["jobName"]: job for job in batch.describe_jobs(jobs=list(ids.values()))["jobs"]}
        if jobs["JobE"]["status"] in {"SUCCEEDED", "FAILED"}:
            break
        assert time.monotonic() < deadline, "JobE has not ended"
        time.sleep(0.2)
    assert {job["status"] for job in jobs.values()} == {"SUCCEEDED"}
    order = [jobs[f"Job{letter}"] for letter in "ABCDE"]
    assert all(job["startedAt"] <= later["startedAt"] for job, later in itertools.pairwise(order))
    shown = typed(folder, SOURCE, RESULTS, RUN)
    summary, _ = json.JSONDecoder().raw_decode(shown)
    assert (summary["status"], summary["processed"]) == ("COMPLETE", OBJECTS)
    assert f"array-workflow complete: {OBJECTS} of {OBJECTS} objects processed" in shown
    assert "all as the manifest lists them" in shown
