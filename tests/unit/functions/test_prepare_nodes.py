"""Preparing: one run an id, directories made many at a time, and nothing done twice."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

import prepare_nodes
from fanout.errors import RequestError, UriError
from fanout.records import DELIVERY, DeliveredFile, Delivery, Node, Statistics, ids_sha256, node_name, node_of_child
from fanout.s3 import Objects, S3Uri
from fanout.shared import SharedFiles
from prepare_nodes import scheduled_id
from tests.unit.functions.conftest import BUCKET, Desk

NIGHT = {"executionName": "e1", "egressUri": f"s3://{BUCKET}", "scheduledTime": "2026-11-21T02:00:00Z"}
RUN = "20261121T020000Z"


@pytest.fixture(autouse=True)
def share(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prepare_nodes, "objects", Objects(desk.client))
    monkeypatch.setenv("SHARED_DIRECTORY", str(tmp_path))
    return tmp_path


def prepare(context: LambdaContext, **event: Any) -> dict[str, Any]:
    answer: dict[str, Any] = prepare_nodes.handler(event, context)
    return answer


def node_at(share: Path, node: int, run: str = RUN) -> Node:
    return msgspec.json.decode((share / run / node_name(node) / "prep" / "node.json").read_bytes(), type=Node)


def deliver(desk: Desk, share: Path, prepared: dict[str, Any], node: int, /, **changed: Any) -> None:
    """What the three steps leave in the egress bucket."""
    place = S3Uri.parse(prepared["outputUri"]) / node_name(node) / "results"
    Objects(desk.client).put(place / "records.jsonl", b"{}\n")
    stored = Objects(desk.client).find(place / "records.jsonl")
    assert stored is not None
    ids = node_at(share, node, prepared["runId"]).ids
    delivery = Delivery(
        plan_hash=prepared["planHash"],
        node=node,
        records=len(ids),
        ids_sha256=ids_sha256(ids),
        files=(DeliveredFile(path="records.jsonl", size=3, sha256="0" * 64, etag=stored.etag),),
        statistics=Statistics(),
    )
    Objects(desk.client).put(place / DELIVERY, msgspec.json.encode(msgspec.structs.replace(delivery, **changed)))


def test_records_are_divided_into_nodes_with_their_ids(share: Path, context: LambdaContext) -> None:
    prepared = prepare(context, **NIGHT, records=100, recordsPerNode=40)
    assert (prepared["records"], prepared["nodes"], prepared["nodeList"]) == (100, 3, "all")
    ids = [record_id for node in range(3) for record_id in node_at(share, node).ids]
    assert ids == [f"R{number:07d}" for number in range(100)]
    assert {node_at(share, node).plan_hash for node in range(3)} == {prepared["planHash"]}


def test_the_runs_id_is_the_time_that_the_schedule_meant(context: LambdaContext) -> None:
    first = prepare(context, **NIGHT)
    again = prepare(context, **NIGHT | {"executionName": "another"})
    assert first["runId"] == again["runId"] == RUN
    assert first == again


def test_started_by_hand_the_runs_id_is_the_executions_name(context: LambdaContext) -> None:
    assert prepare(context, executionName="by-hand", egressUri=f"s3://{BUCKET}")["runId"] == "by-hand"
    assert prepare(context, **NIGHT, runId="mine")["runId"] == "mine"


def test_a_night_whose_hour_comes_twice_has_two_ids_and_one_whose_hour_is_skipped_has_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    autumn = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    assert [scheduled_id(autumn.replace(fold=fold)) for fold in (0, 1)] == ["20261025T003000Z", "20261025T013000Z"]
    nights = [datetime(2026, 3, 27, 3, 0, tzinfo=berlin) + timedelta(days=day) for day in range(4)]
    assert [scheduled_id(night) for night in nights] == [
        "20260327T020000Z",
        "20260328T020000Z",
        "20260329T010000Z",
        "20260330T010000Z",
    ]


def test_how_many_records_there_are_follows_from_the_seed(context: LambdaContext) -> None:
    counts = {seed: prepare(context, **NIGHT, runId=f"seed-{seed}", seed=seed)["records"] for seed in range(5)}
    assert len(set(counts.values())) > 1
    assert all(200 <= count <= 1_000 for count in counts.values())
    assert prepare(context, **NIGHT, runId="again", seed=3)["records"] == counts[3]


def test_two_nights_have_different_readings(share: Path, context: LambdaContext) -> None:
    prepare(context, **NIGHT, records=1)
    prepare(context, **NIGHT | {"scheduledTime": "2026-11-22T02:00:00Z"}, records=1)
    assert node_at(share, 0).seed != node_at(share, 0, "20261122T020000Z").seed


def test_a_repeated_run_lays_out_only_what_is_not_delivered(desk: Desk, share: Path, context: LambdaContext) -> None:
    first = prepare(context, **NIGHT, records=200)
    for node in (0, 1, 4):
        deliver(desk, share, first, node)
    again = prepare(context, **NIGHT, records=200)
    assert again["nodes"] == 2
    listed = (share / RUN / "reruns" / again["nodeList"]).read_bytes()
    assert [node_of_child(listed, child) for child in (0, 1)] == [2, 3]
    assert Objects(desk.client).get(S3Uri.parse(first["outputUri"]) / "reruns" / again["nodeList"]) == listed


def test_a_run_that_is_delivered_has_nothing_left_and_needs_no_directory(
    desk: Desk, share: Path, context: LambdaContext
) -> None:
    first = prepare(context, **NIGHT, records=80)
    for node in (0, 1):
        deliver(desk, share, first, node)
    for path in sorted(share.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert prepare(context, **NIGHT, records=80)["nodes"] == 0
    assert list(share.iterdir()) == []


@pytest.mark.parametrize(
    "changed", [{"records": 39}, {"ids_sha256": "0" * 64}, {"plan_hash": "0" * 64}, {"node": 1}, {"files": ()}]
)
def test_a_delivery_that_is_not_this_nodes_counts_for_nothing(
    desk: Desk, share: Path, context: LambdaContext, changed: dict[str, Any]
) -> None:
    first = prepare(context, **NIGHT, records=40)
    deliver(desk, share, first, 0, **changed)
    assert prepare(context, **NIGHT, records=40)["nodes"] == 1


def test_a_delivery_whose_lines_were_replaced_counts_for_nothing(
    desk: Desk, share: Path, context: LambdaContext
) -> None:
    first = prepare(context, **NIGHT, records=40)
    deliver(desk, share, first, 0)
    Objects(desk.client).put(S3Uri.parse(first["outputUri"]) / "00000" / "results" / "records.jsonl", b"[]\n")
    assert prepare(context, **NIGHT, records=40)["nodes"] == 1


def test_a_run_that_starts_again_is_no_longer_complete(desk: Desk, context: LambdaContext) -> None:
    first = prepare(context, **NIGHT)
    manifest = S3Uri.parse(first["outputUri"]) / "manifest.json"
    Objects(desk.client).put(manifest, b"{}")
    prepare(context, **NIGHT)
    assert Objects(desk.client).find(manifest) is None


@pytest.mark.parametrize("changed", [{"records": 41}, {"seed": 9}, {"recordsPerNode": 7}])
def test_a_run_is_not_prepared_again_for_other_work(context: LambdaContext, changed: dict[str, Any]) -> None:
    prepare(context, **NIGHT, records=40)
    with pytest.raises(RequestError, match=rf"/{RUN} was prepared with 40 records in 1 node, .* or another runId"):
        prepare(context, **NIGHT | {"records": 40} | changed)


def test_a_place_that_holds_another_run_is_told_as_such(context: LambdaContext) -> None:
    place = f"s3://{BUCKET}/shared"
    prepare(context, **NIGHT, runId="first", records=40, outputUri=place)
    with pytest.raises(RequestError) as refused:
        prepare(context, **NIGHT, runId="second", records=20, outputUri=place)
    assert f"the run at {place} was prepared with 40 records" in str(refused.value)
    assert "this input, of run 'second', asks for 20 records" in str(refused.value)
    assert str(refused.value).endswith("or another outputUri")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("an unknown key", {"recordsPerNod": 5}, "recordsPerNod"),
    ("no records", {"records": 0}, "records"),
    ("a text", {"records": "many"}, "records"),
    ("too many", {"records": 5_000_001}, "records"),
    ("none a node", {"recordsPerNode": 0}, "recordsPerNode"),
    ("a time without a zone", {"scheduledTime": "2026-11-21T02:00:00"}, "scheduledTime"),
    ("no time", {"scheduledTime": "tonight"}, "scheduledTime"),
    ("a number for a time", {"scheduledTime": 5}, "scheduledTime"),
    ("a time before time", {"scheduledTime": "0001-01-01T00:00:00+14:00"}, "scheduledTime"),
    ("a path", {"runId": "../other"}, "input.runId: '../other' cannot name the run's directory: that takes 1 to 128"),
    ("a long name", {"runId": "x" * 129}, "(129 characters) cannot name the run's directory: that takes 1 to 128"),
    ("an empty name", {"runId": ""}, "input.runId: '' cannot name the run's directory"),
    ("another scheme", {"outputUri": "http://x"}, "input.outputUri: 'http://x' is not an object's URI"),
    ("no bucket of its own", {"outputUri": "s3://nowhere/x"}, "input.outputUri: s3://nowhere/x"),
    ("a place too deep", {"outputUri": f"s3://{BUCKET}/{'d' * 1_000}"}, "input.outputUri: 's3://"),
    ("a hidden name", {"runId": ".ssh"}, "runId"),
    (
        "a name that the file system does not take",
        {"executionName": "nächtlich", "scheduledTime": None},
        "or give a runId",
    ),
]


def test_the_deepest_place_that_is_taken_has_room_for_every_name(context: LambdaContext) -> None:
    room = 1_024 - len("/00000/results/manifest.json")
    for length, taken in ((room, True), (room + 1, False)):
        output = f"s3://{BUCKET}/{'d' * length}"
        if taken:
            assert prepare(context, **NIGHT, outputUri=output, records=1)["outputUri"] == output
        else:
            with pytest.raises(RequestError, match="leaves no room for the names of results"):
                prepare(context, **NIGHT, outputUri=output, records=1)


def test_a_name_does_not_say_to_give_a_run_id_to_who_gave_one(context: LambdaContext) -> None:
    with pytest.raises(RequestError) as refused:
        prepare(context, **NIGHT | {"runId": "../other"})
    assert "give a runId" not in str(refused.value)


@pytest.mark.parametrize(("event", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_bad_input_is_refused_by_name_and_nothing_is_written(
    desk: Desk, share: Path, context: LambdaContext, event: dict[str, Any], named: str
) -> None:
    with pytest.raises(RequestError) as refused:
        prepare(context, **NIGHT | event)
    assert named in str(refused.value)
    assert desk.listing() == []
    assert list(share.iterdir()) == []


def test_a_bucket_that_is_not_there_is_named(context: LambdaContext) -> None:
    with pytest.raises(UriError, match="nowhere"):
        prepare(context, **NIGHT | {"egressUri": "s3://nowhere"})


def test_operations_on_the_file_system_run_side_by_side(
    desk: Desk, tmp_path: Path, context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(prepare_nodes.OPERATIONS_AT_ONCE, timeout=30)
    write = SharedFiles.write

    def met(self: SharedFiles, name: str, content: bytes) -> None:
        together.wait()  # passes when as many writes wait here as may run at once, and breaks the test if they never do
        write(self, name, content)

    monkeypatch.setattr(SharedFiles, "write", met)
    prepared = prepare(context, **NIGHT, records=2 * prepare_nodes.OPERATIONS_AT_ONCE, recordsPerNode=1)
    assert prepared["nodes"] == 2 * prepare_nodes.OPERATIONS_AT_ONCE


def test_the_seed_of_a_night_is_in_the_plan(desk: Desk, context: LambdaContext) -> None:
    prepare(context, **NIGHT, seed=5, records=3)
    plan = json.loads(desk.client.get_object(Bucket=BUCKET, Key=f"{RUN}/plan.json")["Body"].read())
    assert plan["work"]["parameters"] == {"seed": 5, "hours": 24, "openAbove": 15_000}


def test_an_id_is_a_moment_in_utc() -> None:
    assert scheduled_id(datetime(2026, 11, 21, 2, tzinfo=UTC)) == RUN
