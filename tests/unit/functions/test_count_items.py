"""Counting objects: in order, cut as asked for, and named by what they are."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

import count_items
from fanout.errors import FanoutError, RequestError, UriError
from fanout.items import parse_rows
from fanout.s3 import Objects
from tests.unit.functions.conftest import BUCKET, Desk

EVENT = {"executionName": "e 1", "inputUri": f"s3://{BUCKET}/in/", "outputUri": f"s3://{BUCKET}/out"}


@pytest.fixture(autouse=True)
def _own_client(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_items, "objects", Objects(desk.client))


def fill(desk: Desk, count: int) -> None:
    for place in range(count):
        desk.put(f"in/{place:05d}.csv", b"a\n1\n")


def count(context: LambdaContext, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = count_items.handler(EVENT | more, context)
    return answer


def test_objects_are_listed_in_the_order_of_their_keys(desk: Desk, context: LambdaContext) -> None:
    for key in ("b.csv", "a/z.csv", "a b.csv"):
        desk.put(f"in/{key}", b"a\n1\n")
    counted = count(context)
    assert (counted["items"], counted["slices"], counted["steps"], counted["resume"]) == (3, 2, 10, "no")
    body = desk.client.get_object(Bucket=BUCKET, Key=f"out/work/{counted['planHash']}/items.jsonl")["Body"].read()
    assert [item.key for item in parse_rows(body)] == ["in/a b.csv", "in/a/z.csv", "in/b.csv"]
    assert len({len(line) for line in body.splitlines()}) == 1


def test_what_batch_is_given_is_text_and_names_are_batchs(desk: Desk, context: LambdaContext) -> None:
    fill(desk, 5)
    counted = count(context, itemsPerJob="2", toleratedFailurePercentage=2.5, recipient="me@example.com")
    assert counted["jobName"] == "e-1"
    assert counted["inputUri"] == f"s3://{BUCKET}/in"
    assert (counted["tolerated"], counted["recipient"]) == ("2.5", "me@example.com")
    items, each, width = counted["shape"].split(":")
    assert (items, each, int(width) > 50, counted["slices"]) == ("5", "2", True, 3)


@pytest.mark.parametrize(("name", "job_name"), [("_night", "night"), ("éclair", "clair"), ("夜", "array-workflow")])
def test_a_jobs_name_begins_as_batch_wants_it_whatever_the_execution_is_called(
    desk: Desk, context: LambdaContext, name: str, job_name: str
) -> None:
    fill(desk, 1)
    assert count(context, executionName=name)["jobName"] == job_name


def test_no_word_of_the_jobs_commands_is_empty_because_batch_refuses_those(desk: Desk, context: LambdaContext) -> None:
    fill(desk, 2)
    for counted in (count(context), count(context, recipient="")):
        assert [name for name, value in counted.items() if value == ""] == []


@pytest.mark.parametrize(("asked", "slices"), [(1, 7), ("1", 7), (3, 3), (7, 1), (1000, 1), ("auto", 2)])
def test_objects_a_child_are_as_asked_for(desk: Desk, context: LambdaContext, asked: Any, slices: int) -> None:
    fill(desk, 7)
    assert count(context, itemsPerJob=asked)["slices"] == slices


def test_folder_markers_and_the_runs_own_output_are_no_input(desk: Desk, context: LambdaContext) -> None:
    fill(desk, 2)
    desk.put("in/folder/", b"")
    desk.put("in/results/plan.json", b"{}")
    assert count(context, outputUri=f"s3://{BUCKET}/in/results")["items"] == 2


def test_the_same_objects_are_the_same_work_and_what_was_done_is_noticed(desk: Desk, context: LambdaContext) -> None:
    fill(desk, 3)
    first = count(context)
    assert count(context) == first
    desk.put(f"out/results/{first['planHash']}/validation.json", b"{}")
    assert count(context) == first | {"resume": "yes"}
    desk.put("in/00000.csv", b"a\n2\n")
    assert count(context)["planHash"] != first["planHash"]


def test_a_run_that_starts_again_is_no_longer_complete(desk: Desk, context: LambdaContext) -> None:
    fill(desk, 1)
    results = f"out/results/{count(context)['planHash']}"
    said = ["out/manifest.json", "out/summary.json", "out/notification.json", f"{results}/checks/09.json"]
    for key in [*said, f"{results}/profiles/00000.json"]:
        desk.put(key, b"{}")
    count(context)
    assert not set(said) & set(desk.listing())
    assert f"{results}/profiles/00000.json" in desk.listing()


REFUSED: list[tuple[str, dict[str, Any], type[FanoutError], str]] = [
    (
        "no object",
        {"inputUri": f"s3://{BUCKET}/nothing"},
        RequestError,
        f"there is no object under s3://{BUCKET}/nothing/",
    ),
    ("no such bucket", {"inputUri": "s3://nowhere/in"}, UriError, "nowhere"),
    ("no URI", {"inputUri": "in"}, RequestError, "input.inputUri: 'in' is not an object's URI"),
    ("another scheme", {"outputUri": "http://x"}, RequestError, "input.outputUri: 'http://x' is not an object's URI"),
    ("output around the input", {"outputUri": f"s3://{BUCKET}/in"}, RequestError, "results would be taken for input"),
    ("output in the root", {"outputUri": f"s3://{BUCKET}"}, RequestError, "results would be taken for input"),
    ("an output too deep", {"outputUri": f"s3://{BUCKET}/" + "d/" * 480 + "x"}, RequestError, "leaves no room"),
    ("no steps", {"validationSteps": 0}, RequestError, "validationSteps"),
    ("too many steps", {"validationSteps": 11}, RequestError, "validationSteps"),
    ("none a child", {"itemsPerJob": 0}, RequestError, "itemsPerJob"),
    ("a word a child", {"itemsPerJob": "many"}, RequestError, "itemsPerJob 'many'"),
    ("a tolerance above all", {"toleratedFailurePercentage": 101}, RequestError, "toleratedFailurePercentage"),
    ("a recipient that looks like an option", {"recipient": "-x"}, RequestError, "recipient '-x' begins with '-'"),
    ("a name that looks like an option", {"executionName": "-x"}, RequestError, "the execution's name '-x' begins"),
    ("an unknown key", {"recipent": "me"}, RequestError, "recipent"),
]


@pytest.mark.parametrize(("more", "error", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_bad_input_is_refused_by_name_and_nothing_is_written(
    desk: Desk, context: LambdaContext, more: dict[str, Any], error: type[FanoutError], named: str
) -> None:
    fill(desk, 1)
    with pytest.raises(error) as refused:
        count(context, **more)
    assert named in str(refused.value)
    assert desk.listing() == ["in/00000.csv"]
