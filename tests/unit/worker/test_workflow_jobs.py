"""JobA to JobE by hand: what each leaves for the next, what none may do twice, and what stops them."""

import hashlib
import struct
from array import array

import pytest

from fanout.s3 import sha256
from tests.unit.worker.workflow import BUCKET, KEYS, LONGEST, Workflow, csv_of
from worker.__main__ import main
from worker.metadata import Metadata
from worker.profiles import column_profile


@pytest.fixture
def filled(workflow: Workflow) -> Workflow:
    workflow.fill(KEYS)
    workflow.plan()
    return workflow


def test_every_key_makes_the_whole_trip(filled: Workflow) -> None:
    assert len(LONGEST.encode()) == 1_024
    assert set(filled.run()) == {0}
    expected = sorted([*KEYS, "in/packed.csv.gz", "in/packed.jsonl.zst"])
    assert sorted(str(row["key"]) for row in filled.rows()) == expected
    summary = filled.document("summary.json")
    assert (summary["status"], summary["items"], summary["records"]) == ("COMPLETE", 16, 48)


def test_statistics_are_of_the_objects_content_and_bytes(filled: Workflow) -> None:
    filled.array("statistics")
    [item] = [item for k in range(4) for item in filled.statistics(k).items if item.key == LONGEST]
    body = csv_of(KEYS.index(LONGEST))
    assert (item.sha256, item.size, item.records, item.format) == (sha256(body), len(body), 3, "csv")
    value = item.columns[1]
    place = KEYS.index(LONGEST)
    assert (value.minimum, value.maximum, value.mean) == (place, place + 2, place + 1)


def test_the_columns_hold_every_number_in_order(filled: Workflow) -> None:
    filled.array("statistics")
    slice_0 = filled.statistics(0)
    content = filled.objects.get(filled.places.columns(0))
    numbers = struct.unpack(f"<{len(content) // 8}d", content)
    assert len(content) == slice_0.column_bytes
    expected = [value for item in slice_0.items for value in (item.columns[1].minimum, item.columns[1].maximum)]
    assert [value for k in range(4) for value in (numbers[3 * k], numbers[3 * k + 2])] == expected


def test_profiles_have_quantiles_by_nearest_rank_and_distinct_values(workflow: Workflow) -> None:
    values = [*range(1, 101), 100]
    workflow.put("in/a.csv", b"v,t\n" + "".join(f"{value},x\n" for value in values).encode())
    workflow.plan()
    workflow.array("statistics")
    workflow.array("profile")
    [item] = workflow.profiles(0).items
    quantiles = {"p01": 2, "p05": 6, "p25": 26, "p50": 51, "p75": 76, "p95": 96, "p99": 100}
    assert (item.columns[0].distinct, item.columns[0].quantiles) == (100, quantiles)
    assert (item.columns[1].distinct, item.columns[1].quantiles) == (0, {})


@pytest.mark.parametrize(
    ("count", "quantiles"),
    [
        (1, [1, 1, 1, 1, 1, 1, 1]),
        (2, [1, 1, 1, 1, 2, 2, 2]),
        (4, [1, 1, 1, 2, 3, 4, 4]),
        (100, [1, 5, 25, 50, 75, 95, 99]),
        (200, [2, 10, 50, 100, 150, 190, 198]),
    ],
)
def test_a_quantile_is_the_smallest_value_that_so_many_percent_do_not_exceed(count: int, quantiles: list[int]) -> None:
    profile = column_profile("v", array("d", range(count, 0, -1)))
    assert list(profile.quantiles.values()) == quantiles


def test_profiles_are_written_only_after_the_rows_of_their_objects(
    filled: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.array("statistics")

    def die(self: Metadata, rows: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Metadata, "write", die)
    with pytest.raises(KeyboardInterrupt):
        filled.job("profile", "-c", "no", index=0, size=4)
    assert filled.objects.find(filled.places.profiles(0)) is None


def test_one_message_tells_of_the_run_and_its_output(filled: Workflow) -> None:
    filled.run()
    [message] = filled.messages()
    assert "16 of 16 objects processed, 48 records" in message
    assert "s3://data/out/run" in message
    assert filled.document("notification.json")["message"] == message


def test_a_last_job_that_is_started_again_sends_nothing_again(filled: Workflow) -> None:
    filled.run()
    first = filled.document("notification.json")
    assert filled.conclude() == 0
    assert len(filled.messages()) == 1
    assert filled.document("notification.json") == first


def test_another_execution_tells_of_itself(filled: Workflow) -> None:
    filled.run()
    filled.execution = "e2"
    filled.plan()
    assert set(filled.run(again=True)) == {0}
    assert len(filled.messages()) == 2


def test_temporaries_are_gone_and_the_manifest_lists_the_rest(filled: Workflow) -> None:
    filled.run()
    assert not [key for key in filled.listing() if key.startswith("work/")]
    bodies = {
        row.uri.key.removeprefix("out/run/"): filled.objects.get(row.uri)
        for row in filled.objects.list(filled.places.output)
    }
    bodies.pop("manifest.json")
    told = {file["path"]: (file["size"], file["sha256"]) for file in filled.document("manifest.json")["files"]}
    assert told == {path: (len(body), sha256(body)) for path, body in bodies.items()}


def test_a_lone_slice_runs_without_an_index(filled: Workflow) -> None:
    filled.plan(each=100)
    assert filled.shape.slices == 1
    statuses = [filled.job("validate"), filled.job("statistics"), filled.job("profile"), filled.job("check")]
    assert [*statuses, filled.conclude()] == [0] * 5


def test_a_child_beyond_the_last_slice_has_nothing_to_do(filled: Workflow) -> None:
    assert filled.job("statistics", index=7, size=10) == 0
    assert filled.job("profile", index=7, size=10) == 0
    assert not [key for key in filled.listing() if key.startswith("results/")]


def test_a_repeated_child_does_nothing_again(filled: Workflow) -> None:
    filled.run()
    before = {row.uri: row.etag for row in filled.objects.list(filled.places.results)}
    read: list[str] = []
    filled.plan()
    filled.client.meta.events.register("before-call.s3.GetObject", lambda params, **_: read.append(params["url_path"]))
    assert set(filled.array("statistics", "-c", "yes") + filled.array("profile", "-c", "yes")) == {0}
    assert not [path for path in read if path.startswith(f"/{BUCKET}/in/")]
    assert {row.uri: row.etag for row in filled.objects.list(filled.places.results)} == before


def test_a_second_attempt_looks_for_what_the_first_one_finished(filled: Workflow) -> None:
    filled.array("statistics", "-c", "no")
    stamp = filled.client.head_object(Bucket=BUCKET, Key=filled.places.statistics(0).key)["LastModified"]
    filled.put("in/a b.csv", csv_of(0))  # the same content: the plan still holds
    assert filled.job("statistics", "-c", "no", index=0, size=4, attempt=2) == 0
    assert filled.client.head_object(Bucket=BUCKET, Key=filled.places.statistics(0).key)["LastModified"] == stamp


def test_a_child_with_several_processors_reads_its_objects_side_by_side(
    filled: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.plan(each=100)
    assert filled.job("statistics") == 0
    alone = filled.statistics(0)
    monkeypatch.setattr("worker.statistics.WORTH_A_PROCESS", 0)
    monkeypatch.setattr("os.process_cpu_count", lambda: 3)
    assert filled.job("statistics", "-c", "no") == 0
    assert filled.statistics(0) == alone


def test_an_object_that_was_replaced_since_is_not_read(filled: Workflow, capsys: pytest.CaptureFixture[str]) -> None:
    filled.put("in/a b.csv", csv_of(77))
    assert filled.job("validate") == 2
    assert "in/a b.csv was replaced or removed while the run was reading it" in capsys.readouterr().err
    assert 2 in filled.array("statistics")


CORRUPT = {
    "in/empty.csv": b"",
    "in/no.csv": b"\x89PNG\r\n",
    "in/ragged.csv": b"a,b\n1\n",
    "in/cut.csv.gz": b"\x1f\x8b\x08\0\0\0\0\0\0\x03cut",
    "in/picture.png": b"\x89PNG\r\n",
    "in/list.jsonl": b"[1, 2]\n",
}


def test_corrupt_objects_are_named_and_stop_the_run(filled: Workflow, capsys: pytest.CaptureFixture[str]) -> None:
    for key, body in CORRUPT.items():
        filled.put(key, body)
    filled.plan()
    assert filled.job("validate") == 2
    told = capsys.readouterr().err
    assert "6 of 22 objects cannot be used, 0 % are tolerated" in told
    report = filled.document(f"results/{filled.places.plan_hash}/validation.json")
    rejected = {each["key"]: each["reason"] for each in report["rejected"]}
    assert rejected.keys() == CORRUPT.keys()
    assert rejected["in/empty.csv"] == "it is empty"
    assert rejected["in/ragged.csv"] == "line 2: 1 fields under 2 columns"


def test_within_the_tolerance_the_run_goes_on_without_them_and_is_partial(filled: Workflow) -> None:
    for key, body in CORRUPT.items():
        filled.put(key, body)
    filled.plan()
    assert set(filled.run(10, "-t", "28")) == {0}
    summary = filled.document("summary.json")
    assert (summary["status"], summary["processed"], summary["items"]) == ("PARTIAL", 16, 22)
    assert {each["key"] for each in summary["rejected"]} == set(CORRUPT)
    assert "manifest.json" not in filled.listing()
    [message] = filled.messages()
    assert "16 of 22 objects processed" in message
    assert "'in/cut.csv.gz'" in message
    assert "and 1 more" in message


def test_damage_behind_the_beginning_fails_the_child_that_reads_it(
    workflow: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow.put("in/big.csv", csv_of(0, records=10_000) + b"one,two,three\n")
    workflow.plan()
    assert workflow.job("validate") == 0
    assert workflow.job("statistics") == 2
    assert "'in/big.csv' cannot be read: line 10002: 3 fields under 2 columns" in capsys.readouterr().err
    assert not [key for key in workflow.listing() if "/statistics/" in key]


def test_an_object_whose_metadata_states_another_hash_is_damaged(
    workflow: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = csv_of(0), csv_of(1)
    workflow.put("in/right.csv", right, Metadata={"sha256": hashlib.sha256(right).hexdigest()})
    workflow.put("in/wrong.csv", wrong, Metadata={"sha256": "0" * 64})
    workflow.plan(each=1)
    assert workflow.array("statistics") == [0, 2]
    assert "in/wrong.csv" in capsys.readouterr().err


def test_a_hole_stops_the_checks_and_nothing_claims_completion(
    filled: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.job("validate")
    filled.array("statistics")
    filled.array("profile", skip=(2,))
    statuses = filled.array("check", size=10)
    assert 2 in statuses
    assert f"{filled.places.profiles(2)} is missing" in capsys.readouterr().err
    assert filled.conclude() == 2
    assert filled.messages() == []
    assert "summary.json" not in filled.listing()
    assert filled.objects.find(filled.places.items) is not None


def test_the_last_job_refuses_a_run_whose_checks_were_not_all_made(
    filled: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.job("validate")
    filled.array("statistics")
    filled.array("profile")
    for step in range(9):
        filled.job("check", index=step, size=10)
    assert filled.conclude() == 2
    assert "check strays was not made" in capsys.readouterr().err
    assert filled.messages() == []


@pytest.mark.parametrize("steps", [1, 3, 7, 10])
def test_any_number_of_steps_makes_every_check_once(filled: Workflow, steps: int) -> None:
    assert set(filled.run(steps)) == {0}
    names = [
        check["name"]
        for step in range(steps)
        for check in filled.document(f"results/{filled.places.plan_hash}/checks/{step:02d}.json")["checks"]
    ]
    assert sorted(names) == sorted(set(names))
    assert len(names) == 10


def test_rows_that_stand_are_left_and_others_refused(filled: Workflow, capsys: pytest.CaptureFixture[str]) -> None:
    filled.array("statistics")
    filled.job("profile", "-c", "no", index=0, size=4)
    before = filled.rows()
    assert filled.job("profile", "-c", "no", index=0, size=4) == 0
    assert filled.rows() == before
    filled.table.write([before[0] | {"place": 99}])
    with pytest.raises(Exception, match="another result of it stands in table"):
        filled.table.write([before[0] | {"sha256": "0" * 64}])


def test_jobs_submitted_by_hand_find_the_plan_that_job_a_wrote(workflow: Workflow) -> None:
    workflow.fill(KEYS)
    by_hand = ["-i", "s3://data/in", "-o", "s3://data/out/run"]
    assert main(["validate", *by_hand, "-k", "5"]) == 0
    for action, size in (("statistics", 5), ("profile", 5), ("check", 10)):
        for index in range(size):
            workflow.monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", str(index))
            workflow.monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_SIZE", str(size))
            assert main([action, *by_hand]) == 0
    assert main(["conclude", *by_hand, "-m", "me@example.com"]) == 0
    assert workflow.document("summary.json")["status"] == "COMPLETE"
    assert len(workflow.messages()) == 1
