"""What policies allow, decided without any cloud."""

from typing import Any

import pytest

from localcloud.access.conditions import Condition, conditions
from localcloud.access.policies import Ask, Policies, Verdict, statements

BUCKET = "arn:aws:s3:::data"


def judge(
    *declared: dict[str, Any], action: str = "s3:GetObject", resource: str = f"{BUCKET}/a/b", **context: str
) -> Verdict:
    """``context``: s3__prefix stands for s3:prefix."""
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    policies = Policies(statements("inline", {"Statement": list(declared)}), {"aws:securetransport": "true"})
    return policies.judge(Ask(action=action, resource=resource, context=keys))


def allow(action: Any = "s3:GetObject", resource: Any = f"{BUCKET}/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", f"{BUCKET}/*", True),
        ("S3:getobject", f"{BUCKET}/*", True),
        ("s3:Get*", f"{BUCKET}/a/?", True),
        ("s3:Get?bject", "*", True),
        (["s3:PutObject", "s3:GetObject"], [f"{BUCKET}/x", f"{BUCKET}/a/*"], True),
        ("*", "*", True),
        ("s3:PutObject", f"{BUCKET}/*", False),
        ("s3:GetObjectVersion", f"{BUCKET}/*", False),
        ("s3:GetObject", BUCKET, False),
        ("s3:GetObject", f"{BUCKET}/A/*", False),
        ("s3:GetObject", f"{BUCKET}/a/?/?", False),
        ("s3:GetObject", "arn:aws:s3:::data.txt/*", False),
    ],
)
def test_an_allowance_covers_what_its_patterns_match_and_nothing_else(
    action: Any, resource: Any, allowed: bool
) -> None:
    assert judge(allow(action, resource)).allowed is allowed


def test_nothing_is_allowed_by_no_statement() -> None:
    assert judge() == Verdict(allowed=False, by=())


def test_a_denial_wins_over_every_allowance_and_is_named() -> None:
    verdict = judge(allow("*", "*"), deny("s3:*", f"{BUCKET}/a/*", Sid="NotThese"))
    assert (verdict.allowed, verdict.explicit, verdict.by[0].statement) == (False, True, "NotThese")
    assert judge(allow("*", "*"), deny("s3:*", f"{BUCKET}/c/*")).allowed


def test_what_is_excepted_is_what_the_exceptions_do_not_match() -> None:
    everything_but = {"Effect": "Allow", "NotAction": ["s3:Put*"], "NotResource": f"{BUCKET}/secret/*"}
    assert judge(everything_but).allowed
    assert not judge(everything_but, action="s3:PutObject").allowed
    assert not judge(everything_but, resource=f"{BUCKET}/secret/x").allowed


def test_every_allowance_that_meets_an_ask_is_told_with_the_elements_it_met_it_by() -> None:
    verdict = judge(allow(["s3:Put*", "s3:Get*"], [f"{BUCKET}/z", f"{BUCKET}/*"], Sid="One"), allow(Sid="Two"))
    assert [(match.statement, match.action, match.resource) for match in verdict.by] == [
        ("One", "s3:Get*", f"{BUCKET}/*"),
        ("Two", "s3:GetObject", f"{BUCKET}/*"),
    ]


@pytest.mark.parametrize(
    ("operator", "value", "wanted", "holds"),
    [
        ("StringEquals", "a/", "a/", True),
        ("StringEquals", "a/", "A/", False),
        ("StringEquals", "a/", ["b/", "a/"], True),
        ("StringNotEquals", "a/", ["b/", "c/"], True),
        ("StringNotEquals", "a/", ["b/", "a/"], False),
        ("StringEqualsIgnoreCase", "a/", "A/", True),
        ("StringLike", "a/b", "a/*", True),
        ("StringNotLike", "a/b", "a/*", False),
        ("ArnLike", "arn:aws:states:r:1:stateMachine:x", "arn:aws:states:*:1:stateMachine:*", True),
        ("ArnLike", "arn:aws:states:r:1:stateMachine:x", "arn:aws:*:1:stateMachine:x", False),
        ("ArnNotEquals", "arn:aws:states:r:1:x", "arn:aws:states:r:2:x", True),
        ("Bool", "true", True, True),
        ("Bool", "true", "false", False),
        ("NumericLessThanEquals", "1000", 1000, True),
        ("NumericGreaterThan", "1000", "1000", False),
        ("IpAddress", "127.0.0.1", "127.0.0.0/8", True),
        ("NotIpAddress", "127.0.0.1", "10.0.0.0/8", True),
        ("Null", "a/", "true", False),
        ("Null", "a/", "false", True),
        ("StringEqualsIfExists", "a/", "b/", False),
    ],
)
def test_operators_compare_as_iam_does(operator: str, value: str, wanted: Any, holds: bool) -> None:
    [test] = conditions({operator: {"s3:prefix": wanted}})
    assert test.holds({"s3:prefix": value}) is holds


@pytest.mark.parametrize(
    ("operator", "holds"),
    [("StringEquals", False), ("StringNotEquals", True), ("StringEqualsIfExists", True), ("Null", True)],
)
def test_a_key_that_the_request_does_not_have_satisfies_only_negations(operator: str, holds: bool) -> None:
    assert Condition(operator=operator, key="s3:prefix", values=("true",)).holds({}) is holds


@pytest.mark.parametrize(
    "condition",
    [
        {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {"StringEquals": {"ec2:Region": "us-east-1"}},
        {"ForAnyValue:StringEquals": {"s3:prefix": "a/"}},
        {"StringEquals": {"s3:prefix": "${aws:username}/"}},
    ],
)
def test_a_condition_that_is_not_understood_allows_nothing_and_denies(condition: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"action": "s3:ListBucket", "resource": BUCKET, "s3__prefix": "a/"}
    assert not judge(allow("*", "*", Condition=condition), **asked).allowed
    assert not judge(allow("*", "*"), deny(Condition=condition), **asked).allowed


def test_all_keys_and_all_operators_must_hold() -> None:
    condition = {"StringLike": {"s3:prefix": "in/*"}, "NumericLessThan": {"s3:max-keys": "100"}}
    statement = allow("s3:ListBucket", BUCKET, Condition=condition)
    asked: dict[str, Any] = {"action": "s3:ListBucket", "resource": BUCKET}
    assert judge(statement, **asked, **{"s3__prefix": "in/x", "s3__max-keys": "10"}).allowed
    assert not judge(statement, **asked, **{"s3__prefix": "in/x", "s3__max-keys": "1000"}).allowed
    assert not judge(statement, **asked, **{"s3__prefix": "out/x", "s3__max-keys": "10"}).allowed


def test_a_denial_of_plain_connections_denies_nothing_here() -> None:
    only_encrypted = deny("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert judge(allow(), only_encrypted).allowed
