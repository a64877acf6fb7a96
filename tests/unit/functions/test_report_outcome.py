"""The outcome: what the last job wrote, or what failed, which objects it cost, and one message about it."""

import json
from typing import Any

import boto3
import msgspec
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

import count_items
import report_outcome
from fanout.errors import ResultsIncompleteError
from fanout.itemresults import Rejected, Validation
from fanout.items import Places
from fanout.notice import Notice, run_key
from fanout.s3 import Objects, S3Uri
from tests.unit.functions.conftest import BUCKET, Desk
from tests.unit.functions.test_verify_delivery import Failures

OUTPUT = S3Uri(BUCKET, "out")
CAUSE = {"Error": "States.TaskFailed", "Cause": json.dumps({"JobId": "e", "StatusReason": "Dependent Job failed"})}


class Run:
    """Five objects in five slices, counted."""

    def __init__(self, desk: Desk, context: LambdaContext) -> None:
        self.desk, self.context = desk, context
        for place in range(5):
            desk.put(f"in/{place}.csv", b"a\n1\n")
        event = {"executionName": "x1", "inputUri": f"s3://{BUCKET}/in", "outputUri": str(OUTPUT), "itemsPerJob": 1}
        self.counted: dict[str, Any] = count_items.handler(event, context)
        self.places = Places(OUTPUT, self.counted["planHash"])
        self.topic = boto3.client("sns").create_topic(Name="workflow")["TopicArn"]

    def report(self, **more: Any) -> dict[str, Any]:
        jobs = {"A": "a", "B": "b", "C": "c", "D": "d", "E": {"jobId": "e"}} | more
        event = {
            "execution": "x1",
            "outputUri": str(OUTPUT),
            "planHash": self.counted["planHash"],
            "shape": self.counted["shape"],
            "recipient": "",
            "jobs": jobs,
        }
        answer: dict[str, Any] = report_outcome.handler(event, self.context)
        return answer

    def conclude(self, **changed: Any) -> None:
        """What JobE leaves."""
        summary = {
            "execution": "x1",
            "planHash": self.counted["planHash"],
            "outputUri": str(OUTPUT),
            "status": "COMPLETE",
            "items": 5,
            "processed": 5,
            "rejected": [],
            "records": 5,
            "bytes": 20,
        } | changed
        for name, document in (("summary.json", summary), ("notification.json", {}), ("manifest.json", {})):
            self.desk.put(f"out/{name}", document)

    def messages(self) -> list[str]:
        topic = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[self.topic]
        return [str(sent[1]) for sent in topic.sent_notifications]


@pytest.fixture
def run(desk: Desk, context: LambdaContext, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(count_items, "objects", Objects(desk.client))
    keys: Any = [{"AttributeName": "run", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}]
    types: Any = [{"AttributeName": name, "AttributeType": "S"} for name in ("run", "item")]
    boto3.client("dynamodb").create_table(
        TableName="items", KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
    )
    made = Run(desk, context)
    monkeypatch.setenv("TABLE_NAME", "items")
    monkeypatch.setenv("TOPIC_ARN", made.topic)
    services = report_outcome.Services()
    monkeypatch.setattr(services, "objects", Objects(desk.client))
    monkeypatch.setattr(services, "failed_children", Failures())
    monkeypatch.setattr(report_outcome, "services", services)
    return made


def fail_with(monkeypatch: pytest.MonkeyPatch, **by_job: dict[int, str]) -> None:
    monkeypatch.setattr(report_outcome.services, "failed_children", Failures(**by_job))


def test_a_run_that_was_concluded_is_passed_on_with_the_id_of_its_message(run: Run) -> None:
    run.conclude()
    notice = Notice(
        run=run_key(run.counted["planHash"], OUTPUT), execution="x1", subject="s", message="m", status="COMPLETE"
    )
    message_id = report_outcome.services.post.send_once(notice, sender="job", now=0)
    assert run.report() == {
        "status": "COMPLETE",
        "items": 5,
        "processed": 5,
        "records": 5,
        "rejected": 0,
        "outputUri": str(OUTPUT),
        "messageId": message_id,
    }


def test_a_last_job_that_was_reclaimed_after_its_last_word_does_not_make_the_run_red(run: Run) -> None:
    run.conclude()
    assert run.report(E=CAUSE)["status"] == "COMPLETE"


@pytest.mark.parametrize("changed", [{"execution": "another"}, {"planHash": "0" * 64}])
def test_another_runs_summary_is_not_taken_for_this_ones(run: Run, changed: dict[str, str]) -> None:
    run.conclude(**changed)
    with pytest.raises(ResultsIncompleteError):
        run.report()


@pytest.mark.parametrize("missing", ["summary.json", "notification.json", "manifest.json"])
def test_without_any_of_its_last_words_a_run_is_not_complete(run: Run, missing: str) -> None:
    run.conclude()
    Objects(run.desk.client).delete(OUTPUT / missing)
    with pytest.raises(ResultsIncompleteError):
        run.report()


def test_a_failed_child_is_told_with_the_objects_that_it_cost(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in (0, 1, 2, 4):
        Objects(run.desk.client).put(run.places.profiles(index), b"{}")
    fail_with(
        monkeypatch, b={3: "exit code 137, killed"}, c={3: "Dependent Job failed"}, d={-1: "Dependent Job failed"}
    )
    with pytest.raises(ResultsIncompleteError) as told:
        run.report(E=CAUSE)
    assert str(told.value) == ("job B (b) failed: child 3: exit code 137, killed\n1 object has no result: 'in/3.csv'")
    [message] = run.messages()
    assert "exit code 137, killed" in message
    summary = run.desk.get("out/summary.json")
    assert (summary["status"], summary["missing"]) == ("FAILED", ["in/3.csv"])
    assert summary["jobs"] == [{"job": "B", "id": "b", "children": {"3": "exit code 137, killed"}}]


def test_a_failure_is_told_of_once_however_often_the_state_is_repeated(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, a={0: "exit code 2"})
    for _ in range(3):
        with pytest.raises(ResultsIncompleteError):
            run.report(E=CAUSE)
    assert len(run.messages()) == 1


def test_a_last_job_that_died_before_its_message_was_sent_does_not_keep_the_failure_from_being_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = report_outcome.services.post
    notice = Notice(
        run=run_key(run.counted["planHash"], OUTPUT), execution="x1", subject="s", message="m", status="COMPLETE"
    )

    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(post.sns, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            post.send_once(notice, sender="job", now=0)
    fail_with(monkeypatch, e={-1: "exit code 137"})
    with pytest.raises(ResultsIncompleteError):
        run.report(E=CAUSE)
    [message] = run.messages()
    assert "exit code 137" in message
    assert run.desk.get("out/notification.json")["messageId"]


def test_a_run_that_failed_leaves_the_words_of_another_that_ended_in_its_place(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.conclude(execution="another")
    before = {name: run.desk.get(f"out/{name}") for name in ("summary.json", "notification.json", "manifest.json")}
    fail_with(monkeypatch, d={8: "exit code 2"})
    with pytest.raises(ResultsIncompleteError, match=r"another execution, another, used s3://.* too, and ended there"):
        run.report(E=CAUSE)
    assert {name: run.desk.get(f"out/{name}") for name in before} == before
    assert len(run.messages()) == 1


def test_what_job_a_rejected_is_named_and_no_hole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rejected = Rejected(item=2, key="in/2.csv", reason="it is empty")
    report = Validation(plan_hash=run.places.plan_hash, items=5, rejected=(rejected,))
    Objects(run.desk.client).put(run.places.validation, msgspec.json.encode(report))
    fail_with(monkeypatch, a={0: "exit code 2"})
    with pytest.raises(ResultsIncompleteError, match=r"rejected by job A: 'in/2\.csv': it is empty"):
        run.report(E=CAUSE)
    assert "in/2.csv" not in run.desk.get("out/summary.json")["missing"]


def test_a_failure_that_batch_does_not_explain_is_still_one(run: Run) -> None:
    for index in range(5):
        Objects(run.desk.client).put(run.places.profiles(index), b"{}")
    with pytest.raises(ResultsIncompleteError, match="Batch does not say why"):
        run.report(E=CAUSE)
