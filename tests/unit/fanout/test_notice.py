"""A message an execution: sent once, whoever is started again, and lost never."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fanout.notice import Notice, Post, plain_subject

NOTICE = Notice(run="r", execution="e", subject="done", message="all done", status="COMPLETE", recipient="me@x.org")


OWN_OR_FREE = "attribute_not_exists(#run) OR (#sender = :sender AND attribute_not_exists(#sent))"
UNSENT = "attribute_not_exists(#sent)"


class Table:
    """DynamoDB with one row, knowing the two conditions that are used."""

    def __init__(self) -> None:
        self.row: dict[str, Any] = {}

    def put_item(self, **request: Any) -> None:
        condition = request["ConditionExpression"]
        assert condition in {OWN_OR_FREE, UNSENT}
        own = condition == UNSENT or self.row.get("sender") == request["ExpressionAttributeValues"][":sender"]
        if self.row and ("sent" in self.row or not own):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": "no"}}, "PutItem")
        self.row = dict(request["Item"])

    def update_item(self, **request: Any) -> None:
        self.row["sent"] = request["ExpressionAttributeValues"][":id"]

    def get_item(self, **request: Any) -> dict[str, Any]:
        assert request["ConsistentRead"]
        return {"Item": self.row} if self.row else {}


class Topic:
    """SNS; dies before or after it has published, if told to."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.dies = ""

    def publish(self, **request: Any) -> dict[str, str]:
        if self.dies == "before":
            raise KeyboardInterrupt
        self.published.append(request)
        if self.dies == "after":
            raise KeyboardInterrupt
        return {"MessageId": f"m{len(self.published)}"}


@pytest.fixture
def post() -> Post:
    return Post(Table(), Topic(), "table", "topic")  # type: ignore[arg-type]


def test_a_message_is_sent_once_however_often_it_is_asked_for(post: Post) -> None:
    assert [post.send_once(NOTICE, sender="job", now=0) for _ in range(3)] == ["m1"] * 3
    assert post.sent("r", "e") == "m1"
    [request] = post.sns.published  # type: ignore[attr-defined]
    assert request["Subject"] == "done"
    assert request["MessageAttributes"]["recipient"] == {"DataType": "String", "StringValue": "me@x.org"}


@pytest.mark.parametrize("nobody", ["", "-"])
def test_a_message_for_nobody_in_particular_names_no_recipient(post: Post, nobody: str) -> None:
    post.send_once(replace(NOTICE, recipient=nobody), sender="job", now=0)
    [request] = post.sns.published  # type: ignore[attr-defined]
    assert set(request["MessageAttributes"]) == {"status"}


def test_another_sender_does_not_send_what_was_claimed(post: Post) -> None:
    post.sns.dies = "before"  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        post.send_once(NOTICE, sender="job", now=0)
    post.sns.dies = ""  # type: ignore[attr-defined]
    assert post.send_once(NOTICE, sender="another job", now=1) is None
    assert post.sns.published == []  # type: ignore[attr-defined]


def test_who_comes_after_all_others_sends_what_one_of_them_claimed_and_never_sent(post: Post) -> None:
    post.sns.dies = "before"  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        post.send_once(NOTICE, sender="job", now=0)
    post.sns.dies = ""  # type: ignore[attr-defined]
    assert [post.send_once(NOTICE, sender="function", now=1, after_others=True) for _ in range(2)] == ["m1"] * 2
    assert post.send_once(NOTICE, sender="job", now=2) == "m1"


def test_who_died_before_publishing_publishes_when_it_is_started_again(post: Post) -> None:
    post.sns.dies = "before"  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        post.send_once(NOTICE, sender="job", now=0)
    post.sns.dies = ""  # type: ignore[attr-defined]
    assert post.send_once(NOTICE, sender="job", now=1) == "m1"


def test_who_died_between_publishing_and_marking_publishes_twice_rather_than_never(post: Post) -> None:
    post.sns.dies = "after"  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        post.send_once(NOTICE, sender="job", now=0)
    post.sns.dies = ""  # type: ignore[attr-defined]
    assert post.send_once(NOTICE, sender="job", now=1) == "m2"


def test_a_claim_is_forgotten_in_the_end(post: Post) -> None:
    post.send_once(NOTICE, sender="job", now=1_000.7)
    assert post.dynamodb.row["expiresAt"] == {"N": str(1_000 + 90 * 24 * 3600)}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("text", "subject"), [("ä\nb", "??b"), ("x" * 200, "x" * 100)])
def test_a_subject_is_one_short_line_of_ascii(text: str, subject: str) -> None:
    assert plain_subject(text) == subject
