"""Verifying: what went in came out, or the run is red and says what did not and why."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

import prepare_nodes
import verify_delivery
from failed_children import job_id_of
from fanout.errors import PlanError, ResultsIncompleteError
from fanout.records import DELIVERY, DeliveredFile, Delivery, Statistics, ids_sha256, node_name
from fanout.s3 import Objects, S3Uri, sha256
from job_times import ChildRun, Step
from tests.unit.functions.conftest import BUCKET, Desk

EVENT = {"executionName": "night", "egressUri": f"s3://{BUCKET}", "records": 100, "recordsPerNode": 30}
OUTPUT = S3Uri(BUCKET, "night")
JOBS = {"deliver": "c", "process": "b", "procure": "a"}  # a state's JSON need not keep their order


class Failures:
    """Why children failed, by job."""

    def __init__(self, **by_job: dict[int, str]) -> None:
        self._by_job = by_job

    def reasons(self, job: dict[str, Any]) -> dict[int, str]:
        return self._by_job.get(job_id_of(job) or "", {})


class Times:
    """Every child of every job ran for a second, a second later than in the step before."""

    def steps(self, jobs: dict[str, str]) -> tuple[list[Step], str | None]:
        made = []
        for place, name in enumerate(sorted(jobs)):
            runs = tuple(
                ChildRun(index=k, started=1000 * (k + place), stopped=1000 * (k + place + 1), succeeded=True)
                for k in range(4)
            )
            made.append(Step(name=name, job_id=jobs[name], runs=runs))
        return made, None


@pytest.fixture(autouse=True)
def prepared(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: LambdaContext) -> dict[str, Any]:
    monkeypatch.setenv("SHARED_DIRECTORY", str(tmp_path))
    for module in (prepare_nodes, verify_delivery):
        monkeypatch.setattr(module, "objects", Objects(desk.client))
    monkeypatch.setattr(verify_delivery, "failed_children", Failures())
    monkeypatch.setattr(verify_delivery, "job_times", Times())
    answer: dict[str, Any] = prepare_nodes.handler(EVENT, context)
    return answer


def deliver(desk: Desk, plan_hash: str, *nodes: int) -> None:
    objects = Objects(desk.client)
    slices = desk.get("night/plan.json")["work"]["slices"]
    for node in nodes:
        ids = [f"R{number:07d}" for number in range(slices[node], slices[node + 1])]
        place, lines = OUTPUT / node_name(node) / "results", f"{node}\n".encode()
        objects.put(place / "records.jsonl", lines)
        stored = objects.find(place / "records.jsonl")
        assert stored is not None
        file = DeliveredFile(path="records.jsonl", size=len(lines), sha256=sha256(lines), etag=stored.etag)
        delivery = Delivery(
            plan_hash=plan_hash,
            node=node,
            records=len(ids),
            ids_sha256=ids_sha256(ids),
            files=(file,),
            statistics=Statistics(readings=10, open=node, total=100, minimum=node, maximum=50),
        )
        objects.put(place / DELIVERY, msgspec.json.encode(delivery))


def verify(context: LambdaContext, prepared: dict[str, Any], **more: Any) -> dict[str, Any]:
    event = {"runId": "night", "outputUri": str(OUTPUT), "planHash": prepared["planHash"], "jobs": JOBS} | more
    answer: dict[str, Any] = verify_delivery.handler(event, context)
    return answer


def test_a_run_of_which_every_record_arrived_is_complete(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 2, 3)
    assert verify(context, prepared) == {
        "runId": "night",
        "status": "COMPLETE",
        "records": 100,
        "nodes": 4,
        "outputUri": str(OUTPUT),
    }
    summary = desk.get("night/summary.json")
    assert (summary["delivered"], summary["complete"], summary["missing"]) == (100, True, [])
    assert summary["statistics"] == {"readings": 40, "open": 6, "total": 400, "minimum": 0, "maximum": 50, "mean": 10.0}


def test_the_manifest_names_every_output_with_size_and_hash(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 2, 3)
    verify(context, prepared)
    objects = Objects(desk.client)
    bodies = {row.uri.key.removeprefix("night/"): objects.get(row.uri) for row in objects.list(OUTPUT)}
    told = {file["path"]: (file["size"], file["sha256"]) for file in json.loads(bodies.pop("manifest.json"))["files"]}
    assert told == {path: (len(body), sha256(body)) for path, body in bodies.items()}


def test_missing_records_are_red_and_named_with_job_child_and_the_first_reason(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 3)
    failures = Failures(b={2: "exit code 137"}, c={2: "Dependent Job failed"})
    monkeypatch.setattr(verify_delivery, "failed_children", failures)
    with pytest.raises(ResultsIncompleteError) as told:
        verify(context, prepared)
    assert str(told.value) == (
        "25 of 100 records are not delivered, in 1 of 4 nodes\n"
        "node 2, 25 records from R0000050 to R0000074: process child 2 (job b): exit code 137"
    )
    summary = desk.get("night/summary.json")
    assert (summary["delivered"], summary["complete"]) == (75, False)
    assert summary["missing"][0]["ids"] == [f"R{number:07d}" for number in range(50, 75)]
    assert "night/manifest.json" not in desk.listing()


def test_a_repeated_runs_children_are_told_by_their_nodes(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(desk, prepared["planHash"], 0, 2)
    again = prepare_nodes.handler(EVENT, context)
    monkeypatch.setattr(verify_delivery, "failed_children", Failures(a={1: "killed"}))
    with pytest.raises(ResultsIncompleteError, match=r"node 3, 25 records .* procure child 1 \(job a\): killed"):
        verify(context, prepared, nodeList=again["nodeList"])


def test_a_job_that_failed_makes_no_difference_when_every_record_arrived(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 2, 3)
    monkeypatch.setattr(verify_delivery, "failed_children", Failures(c={1: "killed after its last request"}))
    assert verify(context, prepared)["status"] == "COMPLETE"


def test_jobs_that_succeeded_make_no_difference_when_a_record_is_missing(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 2)
    with pytest.raises(ResultsIncompleteError, match=r"node 3, 25 records .* nothing was delivered"):
        verify(context, prepared)


def test_a_batch_that_forgot_a_job_is_the_reason_for_every_node(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_delivery, "failed_children", Failures(a={-1: "Batch no longer knows job a"}))
    with pytest.raises(ResultsIncompleteError, match=r"100 of 100 .*\nnode 0.*procure \(job a\): Batch no"):
        verify(context, prepared)


def test_many_missing_nodes_are_counted_and_the_first_told(desk: Desk, context: LambdaContext) -> None:
    prepared = prepare_nodes.handler(EVENT | {"executionName": "wide", "recordsPerNode": 10}, context)
    with pytest.raises(ResultsIncompleteError, match=r"and 5 more nodes; summary\.json lists all"):
        verify_delivery.handler({"runId": "wide", "outputUri": prepared["outputUri"]}, context)
    assert len(desk.get("wide/summary.json")["missing"]) == 10


def test_a_run_with_nothing_left_to_do_is_verified_without_jobs(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 2, 3)
    assert verify(context, prepared, jobs={})["status"] == "COMPLETE"
    assert desk.get("night/timings.json") == {"steps": []}


def test_what_was_told_of_the_jobs_stays_when_a_repeated_run_has_none(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 2, 3)
    verify(context, prepared)
    before = desk.get("night/timings.json"), desk.get("night/manifest.json")
    verify(context, prepared, jobs={})
    assert (desk.get("night/timings.json"), desk.get("night/manifest.json")) == before


def test_the_ids_that_went_in_are_those_of_the_plan(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 2, 3)
    desk.client.put_object(Bucket=BUCKET, Key="night/ids.txt", Body=b"R0000000\n")
    with pytest.raises(PlanError, match="replaced"):
        verify(context, prepared)


def test_another_runs_plan_is_not_verified(context: LambdaContext, prepared: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="another run uses the same output URI"):
        verify(context, prepared, planHash="0" * 64)


def test_timings_tell_how_much_the_steps_overlapped(
    desk: Desk, prepared: dict[str, Any], context: LambdaContext
) -> None:
    deliver(desk, prepared["planHash"], 0, 1, 2, 3)
    verify(context, prepared)
    timings = desk.get("night/timings.json")
    assert (timings["seconds"], timings["recordsPerSecond"]) == (6.0, pytest.approx(100 / 6))
    assert [step.get("overlap") for step in timings["steps"]] == [None, 0.75, 0.75]
    assert b"<svg" in desk.client.get_object(Bucket=BUCKET, Key="night/timeline.svg")["Body"].read()
