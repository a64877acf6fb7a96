"""CloudFormation gets an answer, whatever happens."""

from typing import Any

import pytest

import answer_crash
from fanout.customresource import Answer, AnswerError, document, respond, send
from tests.unit.deployment.conftest import Mailbox


def test_an_answer_repeats_what_names_the_request(mailbox: Mailbox, request_of: Any) -> None:
    respond(request_of("Create"), lambda _: Answer(succeeded=True, data={"ImageUri": "a:b"}))
    assert mailbox.only == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "desk-It",
        "StackId": "arn:aws:cloudformation:eu-west-1:111111111111:stack/desk/6f0c",
        "RequestId": "r-1",
        "LogicalResourceId": "It",
        "Data": {"ImageUri": "a:b"},
    }
    assert mailbox.headers[0]["Content-Type"] == ""


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_an_error_is_an_answer_of_every_kind_of_request(mailbox: Mailbox, request_of: Any, kind: str) -> None:
    def act(_: Any) -> Answer:
        raise LookupError("no such thing")

    respond(request_of(kind), act)
    assert (mailbox.only["Status"], mailbox.only["Reason"]) == ("FAILED", "LookupError: no such thing")
    assert mailbox.only["PhysicalResourceId"] == "desk-It"


def test_an_answer_that_comes_later_is_not_given_now(mailbox: Mailbox, request_of: Any) -> None:
    respond(request_of("Create"), lambda _: None)
    assert mailbox.received == []


def test_an_update_keeps_the_identity_so_that_nothing_is_replaced(request_of: Any) -> None:
    update = request_of("Update") | {"PhysicalResourceId": "of old"}
    assert document(update, Answer(succeeded=True))["PhysicalResourceId"] == "of old"


def test_the_longest_answer_fits_what_cloudformation_takes(mailbox: Mailbox, request_of: Any) -> None:
    send(request_of("Create"), Answer(succeeded=False, reason="→" * 10_000))
    assert int(mailbox.headers[0]["Content-Length"]) < 4096
    assert mailbox.only["Reason"].endswith("→ …")


def test_an_answer_is_sent_again_when_it_is_not_taken(mailbox: Mailbox, request_of: Any) -> None:
    mailbox.refusals = 2
    pauses: list[float] = []
    send(request_of("Create"), Answer(succeeded=True), sleep=pauses.append)
    assert mailbox.only["Status"] == "SUCCESS"
    assert pauses == [0.5, 1.0]


def test_an_answer_that_is_never_taken_is_an_error_for_the_log(mailbox: Mailbox, request_of: Any) -> None:
    mailbox.refusals = 99
    with pytest.raises(AnswerError, match="did not take the answer of It: HTTP Error 503"):
        send(request_of("Create"), Answer(succeeded=True), sleep=lambda _: None)


def test_answers_go_only_where_nobody_listens_in(request_of: Any) -> None:
    with pytest.raises(AnswerError, match="neither https nor this machine's"):
        send(request_of("Create") | {"ResponseURL": "http://example.org/"}, Answer(succeeded=True))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"errorMessage": "Task timed out after 120.00 seconds"}, "Task timed out after 120.00 seconds"),
        ({"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'x'"}, "No module named 'x'"),
        (None, "no error was given"),
        ("RequestId: 1 Process exited before completing request", "RequestId: 1 Process exited before"),
    ],
)
def test_a_function_that_died_is_answered_for(mailbox: Mailbox, request_of: Any, payload: Any, reason: str) -> None:
    context = {"functionArn": "arn:aws:lambda:eu-west-1:111111111111:function:desk-Build-1:live"}
    event = {"requestPayload": request_of("Create"), "requestContext": context, "responsePayload": payload}
    answer_crash.handler(event, None)  # type: ignore[arg-type] # it does not look at the context
    assert mailbox.only["Status"] == "FAILED"
    assert mailbox.only["Reason"].startswith(f"desk-Build-1:live died, see its log: {reason}")
