"""Executions from their start to their end, and what is kept of them."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud.conftest import PATIENCE, await_execution
from tests.local.cloud.machines import Execute, assert_terminated, history, job, job_of, one
from tests.local.cloud_process import Cloud


def test_stopping_an_execution_shows_why_at_once_and_terminates_its_job(little: Cloud) -> None:
    client = little.client("stepfunctions")
    made = client.create_state_machine(
        name="stopped", definition=json.dumps(one(job(little, "sleep"))), roleArn=little.outputs["MachineRoleArn"]
    )
    arn = client.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
    deadline = time.monotonic() + PATIENCE
    while not job_of(little, arn):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(ClientError, match="'error' failed to satisfy constraint"):
        client.stop_execution(executionArn=arn, error="e" * 257)
    client.stop_execution(executionArn=arn, error="Enough", cause="a test")
    described = client.describe_execution(executionArn=arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Enough", "a test")
    assert described["stopDate"] >= described["startDate"]
    assert_terminated(little, job_of(little, arn))
    while (last := history(little, arn)[-1])["type"] != "ExecutionAborted":
        assert time.monotonic() < deadline, last
        time.sleep(0.05)
    assert last["executionAbortedEventDetails"] == {"error": "Enough", "cause": "a test"}


def test_an_execution_beyond_its_timeout_is_timed_out(execute: Execute) -> None:
    machine = one({"Type": "Wait", "Seconds": 30}) | {"TimeoutSeconds": 1}
    done = execute(machine)
    assert done["status"] == "TIMED_OUT"
    assert done["stopDate"] > done["startDate"]


def test_an_execution_s_name_is_unique_and_a_missing_one_is_made(little: Cloud, execute: Execute) -> None:
    client = little.client("stepfunctions")
    machine = client.create_state_machine(
        name="names", definition=json.dumps(one({"Type": "Pass"})), roleArn=little.outputs["MachineRoleArn"]
    )["stateMachineArn"]
    arns = {client.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(3)}
    assert len(arns) == 3
    first = client.start_execution(stateMachineArn=machine, name="one")["executionArn"]
    await_execution(little, first)
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        client.start_execution(stateMachineArn=machine, name="one", input="[1]")
    with pytest.raises(ClientError, match="InvalidName"):
        client.start_execution(stateMachineArn=machine, name="a:b")


def test_a_history_is_read_backwards_and_in_pages(little: Cloud, execute: Execute) -> None:
    arn = execute(one({"Type": "Pass"}))["executionArn"]
    client = little.client("stepfunctions")
    backwards = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)
    assert [event["type"] for event in backwards["events"]] == ["ExecutionSucceeded"]
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, PaginationConfig={"PageSize": 2})
    assert [event["id"] for page in pages for event in page["events"]] == [1, 2, 3, 4]


def test_a_dangling_next_is_refused_when_the_machine_is_created(little: Cloud, execute: Execute) -> None:
    with pytest.raises(ClientError, match=r"InvalidDefinition.*'It'.Next: there is no state 'Nowhere'"):
        execute(one({"Type": "Pass", "Next": "Nowhere"}))


def test_a_definition_can_be_validated_without_creating_it(little: Cloud) -> None:
    validate = little.client("stepfunctions").validate_state_machine_definition
    assert validate(definition=json.dumps(one({"Type": "Pass"})))["result"] == "OK"
    refused = validate(definition=json.dumps(one({"Type": "Wait"})))
    assert refused["result"] == "FAIL"
    assert "needs exactly one of" in refused["diagnostics"][0]["message"]


def test_the_little_pipeline_runs_from_its_file(little: Cloud) -> None:
    client = little.client("stepfunctions")
    payload = json.dumps({"words": "hello", "size": 3})
    arn = client.start_execution(stateMachineArn=little.outputs["MachineArn"], input=payload)["executionArn"]
    done = await_execution(little, arn)
    assert done["output"]["status"] == "SUCCEEDED"
    assert done["output"]["summary"]["SUCCEEDED"] == 3
    failing = json.dumps({"words": "fail", "size": 2})
    arn = client.start_execution(stateMachineArn=little.outputs["MachineArn"], input=failing)["executionArn"]
    done = await_execution(little, arn)
    assert done["output"]["error"] == "States.TaskFailed"
    assert done["output"]["job"]["ArrayProperties"]["StatusSummary"]["FAILED"] == 2


@pytest.mark.parametrize(
    ("level", "types"),
    [("ALL", ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]), ("FATAL", ["ExecutionFailed"])],
)
def test_executions_are_logged_as_their_machine_asks(
    little: Cloud, execute: Execute, level: str, types: list[str]
) -> None:
    group = f"/aws/vendedlogs/states/{level.lower()}"
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"
    little.client("logs").create_log_group(logGroupName=group)
    logging = {"level": level, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]}
    done = execute(one({"Type": "Fail", "Error": "Odd"}), loggingConfiguration=logging)
    deadline = time.monotonic() + PATIENCE
    while len(events := little.client("logs").filter_log_events(logGroupName=group)["events"]) < len(types):
        assert time.monotonic() < deadline, events
        time.sleep(0.05)
    messages = [json.loads(event["message"]) for event in events]
    assert [message["type"] for message in messages] == types
    assert {message["execution_arn"] for message in messages} == {done["executionArn"]}
    assert all("input" not in message["details"] for message in messages)
