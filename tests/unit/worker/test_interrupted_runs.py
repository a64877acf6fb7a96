"""The last job killed at each of its requests: it claims nothing that is not so, and started again it ends well.

And what an execution before left: none of it is taken for a word of this one.
"""

from contextlib import suppress
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from fanout.items import withdraw_conclusions
from fanout.s3 import S3Uri
from tests.unit.worker.workflow import KEYS, Workflow, csv_of
from worker.__main__ import main

MOST_REQUESTS = 100  # of the last job: far more than it makes


class Killed(BaseException):
    """The process is gone: nothing catches this."""


@pytest.fixture
def checked(workflow: Workflow) -> Workflow:
    """A run of which only the last job is left."""
    workflow.fill(KEYS[:3])
    workflow.plan(each=2)
    workflow.job("validate")
    workflow.array("statistics")
    workflow.array("profile")
    workflow.array("check", size=10)
    return workflow


def kill(monkeypatch: pytest.MonkeyPatch, at: int, *, answered: bool) -> None:
    """The request number ``at`` is the last: made, and the answer lost, or not made at all."""
    call, made = BaseClient._make_api_call, 0  # type: ignore[attr-defined]

    def counted(self: Any, operation: str, parameters: Any) -> Any:
        nonlocal made
        made += 1
        if made < at:
            return call(self, operation, parameters)
        if answered:
            call(self, operation, parameters)
        raise Killed

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)


@pytest.mark.parametrize("answered", [False, True])
def test_the_last_job_killed_at_any_request_ends_well_when_it_is_started_again(
    checked: Workflow, *, answered: bool
) -> None:
    """Its message is sent once, and twice if it died in the moment between sending and marking it as sent."""
    sent_twice, killed = [], 0
    while True:
        checked.execution = f"e{killed}"
        prepare_again(checked, each=2)
        before = len(checked.messages())
        with checked.monkeypatch.context() as dying, suppress(Killed):
            kill(dying, killed + 1, answered=answered)
            if checked.conclude() == 0:
                break
        assert killed < MOST_REQUESTS
        if "manifest.json" in checked.listing():
            assert checked.document("summary.json")["execution"] == checked.execution
            assert len(checked.messages()) == before + 1
        assert checked.conclude() == 0
        assert checked.document("summary.json")["status"] == "COMPLETE"
        assert checked.document("notification.json")["messageId"]
        assert "manifest.json" in checked.listing()
        sent_twice += [killed] if len(checked.messages()) == before + 2 else []
        assert len(checked.messages()) - before - (killed in sent_twice) == 1
        killed += 1
    assert len(sent_twice) == 1
    assert killed > 10


def prepare_again(workflow: Workflow, each: int = 4) -> None:
    """As another execution of the same run finds it before its last job."""
    workflow.plan(each)
    withdraw_conclusions(workflow.objects, workflow.places)
    workflow.array("check", size=10)


def test_checks_that_an_execution_before_made_in_other_steps_say_nothing_of_this_one(workflow: Workflow) -> None:
    """Ten steps found a hole in step 5; the hole is filled, and two steps check the run again."""
    by_hand = workflow_by_hand(workflow)
    workflow.plan(each=3)
    workflow.objects.delete(workflow.places.profiles(0))
    assert 2 in workflow.array("check", size=10)
    assert main(["validate", *by_hand, "-k", "1"]) == 0
    statuses = [*workflow.array("statistics", "-c", "yes"), *workflow.array("profile", "-c", "yes")]
    assert {*statuses, *workflow.array("check", size=2), workflow.conclude()} == {0}
    assert workflow.document("summary.json")["status"] == "COMPLETE"


def test_job_a_by_hand_takes_back_that_the_run_before_was_complete(workflow: Workflow) -> None:
    by_hand = workflow_by_hand(workflow)
    assert "manifest.json" in workflow.listing()
    workflow.put("in/more.csv", csv_of(9))
    assert main(["validate", *by_hand, "-k", "1"]) == 0
    assert not {"manifest.json", "summary.json", "notification.json"} & set(workflow.listing())


def test_objects_that_could_not_be_read_are_looked_at_again_by_the_next_execution(workflow: Workflow) -> None:
    workflow.fill(KEYS[:1])
    workflow.plan()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refused(self: Any, operation: str, parameters: Any) -> Any:
        if parameters.get("Key") == KEYS[0]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return call(self, operation, parameters)

    with workflow.monkeypatch.context() as forbidden:
        forbidden.setattr(BaseClient, "_make_api_call", refused)
        assert workflow.job("validate") == 2
    assert set(workflow.run(again=True)) == {0}
    assert workflow.document("summary.json")["processed"] == 3


def test_what_a_run_leaves_out_it_leaves_out_when_it_is_repeated(workflow: Workflow) -> None:
    """Statistics and rows were written without it: they, and what is told of the run, must go on agreeing."""
    workflow.fill(KEYS[:1])
    workflow.put("in/empty.csv", b"")
    workflow.plan()
    assert set(workflow.run(10, "-t", "30")) == {0}
    workflow.execution = "e2"
    prepare_again(workflow)
    assert set(workflow.run(10, "-t", "30", again=True)) == {0}
    assert workflow.document("summary.json")["status"] == "PARTIAL"


@pytest.mark.parametrize("kind", ["statistics", "profiles"])
@pytest.mark.parametrize("lost", [True, False])
def test_results_that_somebody_deleted_or_changed_are_made_again(workflow: Workflow, kind: str, *, lost: bool) -> None:
    by_hand = workflow_by_hand(workflow)
    uri: S3Uri = getattr(workflow.places, kind)(0)
    whole = workflow.objects.get(uri)
    if lost:
        workflow.objects.delete(uri)
    else:
        workflow.objects.put(uri, whole.replace(b"2", b"3", 1))
    assert main(["validate", *by_hand, "-k", "1"]) == 0
    assert set(workflow.run(again=True)) == {0}
    assert workflow.objects.get(uri) == whole


@pytest.mark.parametrize("lost", [True, False])
def test_what_was_lost_since_it_was_checked_is_not_claimed(checked: Workflow, *, lost: bool) -> None:
    uri = checked.places.profiles(1)
    whole = checked.objects.get(uri)
    checked.objects.delete(uri)
    if not lost:
        checked.objects.put(uri, whole + b" ")
    assert checked.conclude() == 2
    assert "manifest.json" not in checked.listing()
    assert checked.messages() == []
    checked.objects.put(uri, whole)
    assert checked.conclude() == 0


def test_a_report_that_cannot_be_claimed_is_missed_before_anybody_is_told(checked: Workflow) -> None:
    whole = checked.objects.get(checked.places.validation)
    checked.objects.delete(checked.places.validation)
    before = checked.listing()
    assert checked.conclude() == 2
    assert checked.messages() == []
    assert checked.listing() == before
    checked.objects.put(checked.places.validation, whole)
    assert checked.conclude() == 0


def test_every_damaged_object_of_a_slice_is_named(workflow: Workflow, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        workflow.put(f"in/{name}.csv", csv_of(0, records=10_000) + b"one,two,three\n")
    workflow.fill(KEYS[:1])
    workflow.plan(each=10)
    assert workflow.job("statistics", "-c", "no") == 2
    told = capsys.readouterr().err
    assert "object 'in/a.csv' cannot be read: line 10002" in told
    assert "object 'in/b.csv' cannot be read: line 10002" in told


def workflow_by_hand(workflow: Workflow) -> list[str]:
    """Three objects in one slice, profiled; how JobA is submitted by hand."""
    workflow.fill(KEYS[:1])
    workflow.plan(each=3)
    workflow.run()
    return ["-i", "s3://data/in", "-o", "s3://data/out/run"]
