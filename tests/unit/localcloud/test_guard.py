"""What the guard at the gateway does about a request."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.iam.models import iam_backends

from localcloud.access.duties import Duties
from localcloud.access.objects import GuardedObjects
from localcloud.access.record import Grant, declared, used
from localcloud.calls import Call
from localcloud.errors import ApiError
from localcloud.gateway import Gateway
from localcloud.mounts import Mount
from tests.unit.localcloud.account import ACCOUNT, ARN, ROLE, WHERE, Account, call


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterable[Account]:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    with mock_aws():
        yield Account()


def test_a_developer_may_do_anything_and_a_role_only_what_it_is_allowed(account: Account) -> None:
    account.guard.admit(call("s3", "PUT", "/data/a"))
    status, code, message = account.refusal("s3", "PUT", "/data/a")
    assert (status, code) == (403, "AccessDenied")
    who = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/worker/session"
    what = (
        "s3:PutObject on resource: arn:aws:s3:::data/a because no identity-based policy allows the s3:PutObject action"
    )
    assert message == f"{who} is not authorized to perform: {what}"
    account.allow("s3:PutObject", "arn:aws:s3:::data/*")
    account.guard.admit(account.call("s3", "PUT", "/data/a"))


@pytest.mark.parametrize(
    ("words", "headers", "expected"),
    [
        (("dynamodb", "POST", "/", {"TableName": "t"}), {"x_amz_target": "D.GetItem"}, (400, "AccessDeniedException")),
        (("batch", "POST", "/v1/describejobs", {}), {}, (403, "AccessDeniedException")),
        (("sns", "POST", "/", b"Action=Publish&TopicArn=t"), {}, (403, "AuthorizationError")),
        (("lambda", "POST", "/2015-03-31/functions/f/invocations"), {}, (403, "AccessDeniedException")),
    ],
)
def test_a_denial_bears_the_code_of_its_service(account: Account, words: Any, headers: Any, expected: Any) -> None:
    assert account.refusal(*words, **headers)[:2] == expected


def test_an_operation_that_nobody_mapped_is_denied_by_name_even_to_the_mighty(account: Account) -> None:
    account.allow("*")
    message = account.refusal("s3", "PUT", "/data?lifecycle")[2]
    assert "s3 PUT /data" in message
    assert "localcloud does not know which action of IAM that is" in message


def test_a_changed_policy_counts_from_the_next_request_on(account: Account) -> None:
    account.allow("s3:GetObject")
    account.guard.admit(account.call("s3", "GET", "/data/a"))
    account.allow("s3:PutObject")
    account.refusal("s3", "GET", "/data/a")
    account.iam.delete_role_policy(RoleName="worker", PolicyName="inline")
    account.refusal("s3", "PUT", "/data/a")


def test_managed_policies_count_in_their_default_version(account: Account) -> None:
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}
    arn = account.iam.create_policy(PolicyName="reads", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    account.iam.attach_role_policy(RoleName="worker", PolicyArn=arn)
    account.guard.admit(account.call("s3", "GET", "/data/a"))
    document["Statement"] = {"Effect": "Allow", "Action": "s3:Put*", "Resource": "*"}
    account.iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
    account.refusal("s3", "GET", "/data/a")


def test_a_role_that_is_gone_may_do_nothing(account: Account) -> None:
    account.allow("*")
    account.guard.admit(account.call("s3", "GET", "/data/a"))
    account.iam.delete_role_policy(RoleName="worker", PolicyName="inline")
    account.iam.delete_role(RoleName="worker")
    account.refusal("s3", "GET", "/data/a")


def test_a_buckets_policy_denies_and_allows_beside_the_roles(account: Account) -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="data")
    statements = [
        {"Sid": "Secret", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::data/secret/*"},
        {
            "Effect": "Allow",
            "Principal": {"AWS": ROLE},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::data/open/*",
        },
        {"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    assert account.buckets(call("s3", "PUT", "/data?policy", policy.encode())) is not None
    account.guard.admit(account.call("s3", "GET", "/data/open/a"))
    account.refusal("s3", "GET", "/data/closed/a")
    account.allow("s3:*")
    account.guard.admit(account.call("s3", "GET", "/data/closed/a"))
    assert (
        "explicit deny in a resource-based policy (statement Secret)"
        in account.refusal("s3", "GET", "/data/secret/a")[2]
    )
    account.guard.admit(account.call("s3", "GET", "/no-such-bucket/a"))  # S3 itself will say that there is none
    answer = account.buckets(call("s3", "GET", "/data?policy"))
    assert answer is not None
    assert answer.body.decode() == policy
    account.buckets(call("s3", "DELETE", "/data?policy"))
    account.guard.admit(account.call("s3", "GET", "/data/secret/a"))
    with pytest.raises(ApiError, match="NoSuchBucketPolicy"):
        account.buckets(call("s3", "GET", "/data?policy"))
    with pytest.raises(ApiError, match="MalformedPolicy"):
        account.buckets(call("s3", "PUT", "/data?policy", b"{"))


class Store:
    """An S3 that has nothing, and records what it is asked to delete."""

    body = b""

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        self.body = environ["wsgi.input"].read()
        if environ["REQUEST_METHOD"] == "POST":
            start_response("200 OK", [])
            return [b"<DeleteResult><Deleted><Key>in/a</Key></Deleted></DeleteResult>"]
        start_response("404 Not Found", [])
        return [b"<Error><Code>NoSuchKey</Code></Error>"]


def answered(account: Account, request: Call, store: Store) -> tuple[str, bytes]:
    seen: list[str] = []
    gateway = Gateway({}, objects=store, fallback=store, guard=account.guard)
    body = b"".join(gateway(request.environ, lambda status, *_: seen.append(status)))
    return seen[-1], body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_may_not_list_is_not_told_that_an_object_is_absent(account: Account, method: str) -> None:
    account.allow("s3:GetObject")
    status, body = answered(account, account.call("s3", method, "/data/a"), Store())
    assert status.startswith("403")
    assert (b"s3:ListBucket" in body) is (method == "GET")
    account.allow("s3:ListBucket", name="lists")
    assert answered(account, account.call("s3", method, "/data/a"), Store())[0].startswith("404")


def test_of_many_keys_those_are_deleted_that_may_be_and_the_rest_is_named(account: Account) -> None:
    account.allow("s3:DeleteObject", "arn:aws:s3:::data/in/*")
    keys = "".join(f"<Object><Key>{key}</Key></Object>" for key in ("in/a", "out/b"))
    store = Store()
    request = account.call("s3", "POST", "/data?delete", f"<Delete>{keys}</Delete>".encode())
    status, body = answered(account, request, store)
    assert status.startswith("200")
    assert b"in/a" in store.body
    assert b"out/b" not in store.body
    assert b"<Deleted><Key>in/a</Key></Deleted><Error><Key>out/b</Key><Code>AccessDenied</Code>" in body
    nothing = Store()
    only = b"<Delete><Object><Key>out/b</Key></Object></Delete>"
    _, body = answered(account, account.call("s3", "POST", "/data?delete", only), nothing)
    assert b"<Error><Key>out/b</Key>" in body
    assert nothing.body == b""


def test_guarded_objects_leave_a_developers_requests_alone(account: Account) -> None:
    seen: list[str] = []
    guarded = GuardedObjects(Store(), account.guard)
    list(guarded(call("s3", "GET", "/data/a"), lambda status, *_: seen.append(status)))
    assert seen == ["404 Not Found"]


def test_a_service_acts_only_in_roles_that_trust_it(account: Account) -> None:
    duties = Duties(account.guard, WHERE, account.credentials.credentials_for)
    assert duties.assuming("states.amazonaws.com", problem="")(ROLE, "s")["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    with pytest.raises(LookupError, match="not worker"):
        duties.assuming("ecs-tasks.amazonaws.com", problem="not {role}".replace("{role}", "worker"))(ROLE, "s")
    assert duties.assuming("ecs-tasks.amazonaws.com", problem="")(None, "s")


def test_a_mount_needs_leave_on_its_file_system_by_its_access_point(account: Account) -> None:
    duties = Duties(account.guard, WHERE, account.credentials.credentials_for)
    point = ARN.format("elasticfilesystem", "access-point/fsap-1")
    condition = {"StringEquals": {"elasticfilesystem:AccessPointArn": point}}
    system = ARN.format("elasticfilesystem", "file-system/fs-1")
    account.allow("elasticfilesystem:ClientMount", system, Condition=condition)
    writable, readable = Mount(path="/m", file_system="fsap-1"), Mount(path="/m", file_system="fsap-1", read_only=True)
    duties.mount(ROLE, [readable], {"fsap-1": "fs-1"})
    with pytest.raises(LookupError, match="ClientWrite"):
        duties.mount(ROLE, [writable], {"fsap-1": "fs-1"})
    with pytest.raises(LookupError, match="ClientMount"):
        duties.mount(ROLE, [readable], {"fsap-1": "fs-2"})
    duties.mount(ROLE, [Mount(path="/m", file_system="fs-9", authorized=False)], {})
    duties.mount(None, [writable], {})


def test_a_state_machines_role_must_be_able_to_hear_of_jobs_and_to_log(account: Account) -> None:
    duties = Duties(account.guard, WHERE, account.credentials.credentials_for)
    states = {
        "A": {"Type": "Map", "Iterator": {"States": {"B": {"Resource": "arn:aws:states:::batch:submitJob.sync"}}}}
    }
    machine: dict[str, Any] = {"roleArn": ROLE, "definition": json.dumps({"States": states})}
    with pytest.raises(ApiError, match="not authorized to create managed-rule: events:PutTargets"):
        duties.state_machine(machine)
    account.allow("events:*", ARN.format("events", "rule/StepFunctionsGetEventsForBatchJobsRule"))
    duties.state_machine(machine)
    with pytest.raises(ApiError, match="not authorized to access the Log Destination"):
        duties.state_machine(machine | {"loggingConfiguration": {"level": "ALL"}})
    account.allow("logs:*", name="logs")
    duties.state_machine(machine | {"loggingConfiguration": {"level": "ALL"}})
    with pytest.raises(ApiError, match=r"states.amazonaws.com"):
        duties.state_machine({"roleArn": f"arn:aws:iam::{ACCOUNT}:role/absent", "definition": "{}"})


def test_the_record_keeps_one_decision_of_each_kind_and_tells_what_was_used(account: Account) -> None:
    account.allow(["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::data/*", "arn:aws:s3:::other/*"])
    for number in range(5):
        account.guard.admit(account.call("s3", "GET", f"/data/{number}"))
    account.refusal("s3", "DELETE", "/data/1")
    document = account.guard.document()
    assert [(each["action"], each["allowed"], each["count"]) for each in document["decisions"]] == [
        ("s3:GetObject", True, 5),
        ("s3:DeleteObject", False, 1),
    ]
    seen = used(document["decisions"])
    unused = {str(grant) for grant in declared(document["roles"]) if grant not in seen}
    assert unused == {"worker/Inline s3:PutObject", "worker/Inline arn:aws:s3:::other/*"}
    assert Grant(role="worker", policy="inline", statement="Inline") in seen


def test_moto_still_keeps_roles_the_way_they_are_read_here(account: Account) -> None:
    [role] = iam_backends[ACCOUNT]["aws"].roles.values()
    assert (role.arn, role.policies, role.managed_policies) == (ROLE, {}, {})
