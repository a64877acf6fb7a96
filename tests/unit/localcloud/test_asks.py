"""Requests as IAM sees them: the actions and the resources that each of them needs."""

from collections.abc import Iterable
from typing import Any

import pytest

from localcloud.access import operations, s3
from localcloud.access.policies import Ask
from tests.unit.localcloud.account import ACCOUNT, ARN, REGION, WHERE, call


def pairs(asks: Iterable[Ask] | None) -> list[tuple[str, str]] | None:
    return None if asks is None else [(ask.action, ask.resource.removeprefix("arn:aws:s3:::")) for ask in asks]


@pytest.mark.parametrize(
    ("method", "path", "asks"),
    [
        ("GET", "/data/a/b?x-id=GetObject", [("s3:GetObject", "data/a/b")]),
        ("GET", "/data/a%20b", [("s3:GetObject", "data/a b")]),
        ("GET", "/data/a?versionId=1", [("s3:GetObjectVersion", "data/a")]),
        ("HEAD", "/data/a", [("s3:GetObject", "data/a")]),
        ("PUT", "/data/a", [("s3:PutObject", "data/a")]),
        ("PUT", "/data/a?partNumber=2&uploadId=u", [("s3:PutObject", "data/a")]),
        ("POST", "/data/a?uploads", [("s3:PutObject", "data/a")]),
        ("POST", "/data/a?uploadId=u", [("s3:PutObject", "data/a")]),
        ("DELETE", "/data/a?uploadId=u", [("s3:AbortMultipartUpload", "data/a")]),
        ("DELETE", "/data/a", [("s3:DeleteObject", "data/a")]),
        ("GET", "/data/a?tagging", [("s3:GetObjectTagging", "data/a")]),
        ("GET", "/data?list-type=2&prefix=in%2F", [("s3:ListBucket", "data")]),
        ("GET", "/data?uploads", [("s3:ListBucketMultipartUploads", "data")]),
        ("HEAD", "/data", [("s3:ListBucket", "data")]),
        ("DELETE", "/data", [("s3:DeleteBucket", "data")]),
        ("GET", "/", [("s3:ListAllMyBuckets", "*")]),
        ("GET", "/data/a?torrent", None),
        ("PUT", "/data?lifecycle", None),
        ("PATCH", "/data/a", None),
    ],
)
def test_a_request_to_s3_needs_the_actions_of_the_reference(method: str, path: str, asks: Any) -> None:
    assert pairs(s3.asks(call("s3", method, path))) == asks


def test_a_copy_needs_leave_for_both_ends_and_tags_for_tagging() -> None:
    copy = call("s3", "PUT", "/data/b", x_amz_copy_source="/other/a%20b?versionId=7", x_amz_tagging="a=b")
    expected = [("s3:PutObject", "data/b"), ("s3:GetObjectVersion", "other/a b"), ("s3:PutObjectTagging", "data/b")]
    assert pairs(s3.asks(copy)) == expected


def test_a_listing_says_what_it_lists() -> None:
    found = s3.asks(call("s3", "GET", "/data?list-type=2&prefix=in%2F&delimiter=%2F&max-keys=5"))
    assert found is not None
    assert found[0].context == {"s3:prefix": "in/", "s3:delimiter": "/", "s3:max-keys": "5"}


TABLE = ARN.format("dynamodb", "table/rows")


@pytest.mark.parametrize(
    ("service", "target", "body", "asks"),
    [
        ("dynamodb", "GetItem", {"TableName": "rows"}, [("dynamodb:GetItem", TABLE)]),
        ("dynamodb", "Query", {"TableName": TABLE, "IndexName": "by"}, [("dynamodb:Query", f"{TABLE}/index/by")]),
        ("dynamodb", "BatchWriteItem", {"RequestItems": {"rows": []}}, [("dynamodb:BatchWriteItem", TABLE)]),
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "rows"}}, {"ConditionCheck": {"TableName": "rows"}}]},
            [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", TABLE)],
        ),
        ("dynamodb", "DeleteTable", {"TableName": "rows"}, None),
        ("states", "StartExecution", {"stateMachineArn": "m"}, [("states:StartExecution", "m")]),
        ("states", "StopExecution", {"executionArn": "e"}, [("states:StopExecution", "e")]),
        (
            "logs",
            "GetLogEvents",
            {"logGroupName": "/g", "logStreamName": "s/1"},
            [("logs:GetLogEvents", ARN.format("logs", "log-group:/g:log-stream:s/1"))],
        ),
        ("ssm", "GetParameter", {"Name": "/a/b"}, [("ssm:GetParameter", ARN.format("ssm", "parameter/a/b"))]),
        (
            "codebuild",
            "BatchGetBuilds",
            {"ids": ["images:1", ARN.format("codebuild", "build/films:2")]},
            [("codebuild:BatchGetBuilds", ARN.format("codebuild", f"project/{name}")) for name in ("films", "images")],
        ),
        ("codebuild", "StopBuild", {"id": "i:1"}, [("codebuild:StopBuild", ARN.format("codebuild", "project/i"))]),
        ("iam", "CreateRole", {}, None),
    ],
)
def test_a_json_request_needs_its_operations_action(service: str, target: str, body: Any, asks: Any) -> None:
    assert pairs(operations.asks(call(service, "POST", "/", body, x_amz_target=f"X.{target}"), WHERE)) == asks


def test_a_submission_needs_leave_for_the_queue_and_for_the_revision_it_will_run() -> None:
    submission = call("batch", "POST", "/v1/submitjob", {"jobQueue": "spot", "jobDefinition": "price", "jobName": "x"})
    queue, definition = ARN.format("batch", "job-queue/spot"), ARN.format("batch", "job-definition/price:3")
    resources = [queue, definition, ARN.format("batch", "job/*")]
    assert pairs(operations.asks(submission, WHERE)) == [("batch:SubmitJob", each) for each in resources]
    stop = call("batch", "POST", "/v1/terminatejob", {"jobId": "j:7", "reason": "r"})
    assert pairs(operations.asks(stop, WHERE)) == [("batch:TerminateJob", ARN.format("batch", "job/j:7"))]
    many = call("batch", "POST", "/v1/canceljobs", {"jobs": ["j:7", "k"], "reason": "r"})
    assert pairs(operations.asks(many, WHERE)) == [
        ("batch:CancelJob", ARN.format("batch", "job/j:7")),
        ("batch:CancelJob", ARN.format("batch", "job/k")),
    ]
    assert pairs(operations.asks(call("batch", "POST", "/v1/describejobs", {"jobs": []}), WHERE)) == [
        ("batch:DescribeJobs", "*")
    ]


@pytest.mark.parametrize("name", ["count", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:count"])
def test_an_invocation_needs_leave_for_the_function_and_its_qualifier(name: str) -> None:
    path = f"/2015-03-31/functions/{name}/invocations"
    arn = ARN.format("lambda", "function:count")
    assert pairs(operations.asks(call("lambda", "POST", path), WHERE)) == [("lambda:InvokeFunction", arn)]
    qualified = operations.asks(call("lambda", "POST", f"{path}?Qualifier=live"), WHERE)
    assert pairs(qualified) == [("lambda:InvokeFunction", f"{arn}:live")]
