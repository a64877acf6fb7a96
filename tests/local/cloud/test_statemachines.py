"""State machines: what moto's interpreter, repaired, does with the language that localcloud accepts."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud.conftest import PATIENCE, Finished, await_execution
from tests.local.cloud_process import Cloud

Execute = Callable[..., Finished]


def one(state: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A machine of one state that ends, and whatever else it can lead to."""
    if state["Type"] not in ("Choice", "Fail", "Succeed") and "Next" not in state:
        state = state | {"End": True}
    return {"StartAt": "It", "States": {"It": state, **others}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"States.Format('{} has {} of {}\'s', $.name, $.n, 'it')", "book has 3 of it's"),
        ("States.Format('{}-{}', $.name, $.n)", "book-3"),
        (r"States.Format('\{{}\} {}', $.name, '\{}')", "{book} {}"),
        (r"States.Array('\{\}', '\\', 'é😀\/')", ["{}", "\\", "é😀/"]),
        ("States.StringToJson($.text)", {"a": 1}),
        ("States.JsonToString($.object)", '{"a":1,"b":[2]}'),
        ("States.JsonMerge($.object, $.override, false)", {"a": 9, "b": [2], "c": 3}),
        ("States.Array($.n, 'x', $.name)", [3, "x", "book"]),
        ("States.ArrayPartition($.list, 2)", [[1, 2], [2, 5]]),
        ("States.ArrayContains($.list, 5)", True),
        ("States.ArrayContains($.list, 7)", False),
        ("States.ArrayRange(1, 9, 4)", [1, 5, 9]),
        ("States.ArrayGetItem($.list, 1)", 2),
        ("States.ArrayLength($.list)", 4),
        ("States.MathAdd($.n, -5)", -2),
        ("States.StringSplit('a,b;c', ',;')", ["a", "b", "c"]),
        ("States.Base64Encode('data')", "ZGF0YQ=="),
        ("States.Base64Decode('ZGF0YQ==')", "data"),
        ("States.Hash('data', 'SHA-256')", "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"),
        ("States.ArrayGetItem(States.StringSplit($.name, 'o'), 0)", "b"),
        ("$.list[1:]", [2, 2, 5]),
        ("$.list[-1]", 5),
        ("$['object']['b'][0]", 2),
        ("$.rows[0].name", "x"),
        ("$.rows[*].name", ["x", "y"]),
        ("$.rows[?(@.n > 1)].name", ["y"]),
        ("$.rows[?(@.n > 9)].name", []),
        ("$$.Execution.Input.name", "book"),
    ],
)
def test_intrinsic_functions_and_paths(execute: Execute, expression: str, expected: Any) -> None:
    payload = {
        "name": "book",
        "n": 3,
        "text": '{"a": 1}',
        "object": {"a": 1, "b": [2]},
        "override": {"a": 9, "c": 3},
        "list": [1, 2, 2, 5],
        "rows": [{"name": "x", "n": 1}, {"name": "y", "n": 2}],
    }
    done = execute(one({"Type": "Pass", "Parameters": {"it.$": expression}}), payload)
    assert done["status"] == "SUCCEEDED", done
    assert done["output"]["it"] == expected


def test_unique_items_random_numbers_and_uuids(execute: Execute) -> None:
    parameters = {
        "unique.$": "States.ArrayUnique($.list)",
        "random.$": "States.MathRandom(1, 10)",
        "uuid.$": "States.UUID()",
    }
    output = execute(one({"Type": "Pass", "Parameters": parameters}), {"list": [1, 2, 2, 5]})["output"]
    assert sorted(output["unique"]) == [1, 2, 5]
    assert 1 <= output["random"] < 10
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", output["uuid"])


def test_the_context_tells_name_and_start(little: Cloud, execute: Execute) -> None:
    context = {"name.$": "$$.Execution.Name", "start.$": "$$.Execution.StartTime", "state.$": "$$.State.Name"}
    done = execute(one({"Type": "Pass", "Parameters": context}))
    assert done["output"]["name"] == done["name"]
    assert done["output"]["state"] == "It"
    started = datetime.fromisoformat(done["output"]["start"])
    assert done["output"]["start"].endswith("Z")
    assert abs((started - done["startDate"]).total_seconds()) < 1


def test_defaults_are_filled_from_the_execution_s_input(execute: Execute) -> None:
    machine = {
        "StartAt": "Set defaults",
        "States": {
            "Set defaults": {"Type": "Pass", "Parameters": {"a": 1, "b": "two"}, "Next": "Fill defaults"},
            "Fill defaults": {
                "Type": "Pass",
                "Parameters": {"request.$": "States.JsonMerge($, $$.Execution.Input, false)"},
                "OutputPath": "$.request",
                "End": True,
            },
        },
    }
    assert execute(machine, {"b": 2, "c": None})["output"] == {"a": 1, "b": 2, "c": None}


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ({"Variable": "$.n", "NumericEquals": 1}, True),
        ({"Variable": "$.n", "NumericGreaterThan": 1}, False),
        ({"Variable": "$.n", "NumericGreaterThanEquals": 1}, True),
        ({"Variable": "$.n", "NumericLessThanEqualsPath": "$.limit"}, True),
        ({"Variable": "$.yes", "BooleanEquals": True}, True),
        ({"Variable": "$.text", "StringEquals": "a"}, True),
        ({"Variable": "$.text", "StringMatches": "a*"}, True),
        ({"Variable": "$.text", "NumericEquals": 1}, False),
        ({"Variable": "$.absent", "IsPresent": True}, False),
        ({"Variable": "$.absent", "IsPresent": False}, True),
        ({"Variable": "$.none", "IsNull": True}, True),
        ({"Variable": "$.none", "IsPresent": True}, True),
        ({"Variable": "$.text", "IsString": True}, True),
        ({"Variable": "$.n", "IsNumeric": True}, True),
        ({"Variable": "$.when", "IsTimestamp": True}, True),
        ({"Variable": "$.when", "TimestampLessThan": "2030-01-01T00:00:00Z"}, True),
        ({"And": [{"Variable": "$.absent", "IsPresent": True}, {"Variable": "$.absent", "NumericEquals": 1}]}, False),
        ({"Or": [{"Variable": "$.n", "NumericEquals": 2}, {"Variable": "$.yes", "BooleanEquals": True}]}, True),
        ({"Not": {"Variable": "$.yes", "BooleanEquals": True}}, False),
    ],
)
def test_choice_rules(execute: Execute, rule: dict[str, Any], taken: bool) -> None:
    payload = {"n": 1, "limit": 1.5, "yes": True, "text": "a", "none": None, "when": "2026-01-01T00:00:00Z"}
    ends = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("Taken", "Passed")}
    machine = one({"Type": "Choice", "Choices": [rule | {"Next": "Taken"}], "Default": "Passed"}, **ends)
    assert execute(machine, payload)["output"] == ("Taken" if taken else "Passed")


def test_names_and_texts_may_hold_any_character(execute: Execute) -> None:
    first, second = 'Say "é😀"', "C:\\path"
    machine = {
        "StartAt": first,
        "States": {
            first: {"Type": "Pass", "Result": {"é": second}, "Next": second},
            second: {"Type": "Pass", "Parameters": {"it.$": "$['é']", "name.$": "$$.State.Name"}, "End": True},
        },
    }
    assert execute(machine)["output"] == {"it": second, "name": second}


def test_no_rule_and_no_default_fail_the_execution(execute: Execute) -> None:
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "Taken"}
    done = execute(one({"Type": "Choice", "Choices": [rule]}, Taken={"Type": "Succeed"}), {"n": 2})
    assert (done["status"], done["error"]) == ("FAILED", "States.Runtime")


def test_fail_states_take_error_and_cause_from_the_state(execute: Execute) -> None:
    done = execute(one({"Type": "Fail", "ErrorPath": "$.name", "CausePath": "$.why"}), {"name": "Odd", "why": "so"})
    assert (done["status"], done["error"], done["cause"]) == ("FAILED", "Odd", "so")


def test_a_map_keeps_the_order_of_its_items(execute: Execute) -> None:
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"index.$": "$$.Map.Item.Index", "value.$": "$$.Map.Item.Value", "all.$": "$.name"},
        "MaxConcurrency": 2,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Each",
            "States": {
                "Each": {"Type": "Pass", "Parameters": {"is.$": "States.Format('{}{}', $.all, $.value)"}, "End": True}
            },
        },
        "ResultPath": "$.results",
    }
    output = execute(one(state), {"name": "x", "items": [3, 1, 2]})["output"]
    assert [item["is"] for item in output["results"]] == ["x3", "x1", "x2"]
    assert output["items"] == [3, 1, 2]


def test_parallel_branches_return_in_order_and_one_failure_fails_the_state(execute: Execute) -> None:
    branches = [
        {
            "StartAt": "A",
            "States": {
                "A": {"Type": "Wait", "Seconds": 1, "Next": "B"},
                "B": {"Type": "Pass", "Result": 1, "End": True},
            },
        },
        {"StartAt": "C", "States": {"C": {"Type": "Pass", "Result": 2, "End": True}}},
    ]
    assert execute(one({"Type": "Parallel", "Branches": branches}))["output"] == [1, 2]
    failing = [branches[1], {"StartAt": "D", "States": {"D": {"Type": "Fail", "Error": "Odd", "Cause": "so"}}}]
    caught = {"Type": "Parallel", "Branches": failing, "Catch": [{"ErrorEquals": ["Odd"], "Next": "Caught"}]}
    assert execute(one(caught, Caught={"Type": "Pass", "End": True}))["output"] == {"Error": "Odd", "Cause": "so"}


def test_a_failed_branch_stops_the_others_and_their_jobs(little: Cloud, execute: Execute) -> None:
    branches = [
        {"StartAt": "Job", "States": {"Job": job(little, "sleep", End=True)}},
        {
            "StartAt": "Pause",
            "States": {"Pause": {"Type": "Wait", "Seconds": 1, "Next": "D"}, "D": {"Type": "Fail", "Error": "Odd"}},
        },
    ]
    done = execute(one({"Type": "Parallel", "Branches": branches}))
    assert (done["status"], done["error"]) == ("FAILED", "Odd")
    assert_terminated(little, job_of(little, done["executionArn"]))


def mischief(little: Cloud, how: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": little.outputs["MischiefName"], "Payload": {"how": how}},
        "TimeoutSeconds": 60,
        **more,
    }


def test_an_exception_of_a_function_is_caught_by_its_bare_name(little: Cloud, execute: Execute) -> None:
    catch = [{"ErrorEquals": ["PortfolioError"], "ResultPath": "$.error", "Next": "Caught"}]
    done = execute(one(mischief(little, "raise", Catch=catch), Caught={"Type": "Pass", "End": True}), {"keep": 1})
    assert done["status"] == "SUCCEEDED"
    assert done["output"]["keep"] == 1
    assert done["output"]["error"]["Error"] == "PortfolioError"
    cause = json.loads(done["output"]["error"]["Cause"])
    assert cause["errorMessage"] == "positions[17].barrier: -0.2 is not in (0, 10]"


@pytest.mark.parametrize(("how", "error"), [("sleep", "Sandbox.Timedout"), ("kill", "Runtime.ExitError")])
def test_functions_that_end_badly_fail_their_task(little: Cloud, execute: Execute, how: str, error: str) -> None:
    done = execute(one(mischief(little, how)))
    assert (done["status"], done["error"]) == ("FAILED", error)


def test_states_task_failed_catches_errors_but_not_timeouts(little: Cloud, execute: Execute) -> None:
    caught = {"Caught": {"Type": "Pass", "End": True}}
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}]
    assert execute(one(mischief(little, "raise", Catch=catch), **caught))["output"]["Error"] == "PortfolioError"
    slow = mischief(little, "raise", Catch=catch, TimeoutSeconds=1)
    slow["Parameters"] = {"FunctionName": little.outputs["SlowName"], "Payload": {"seconds": 3}}
    done = execute(one(slow, **caught))
    assert (done["status"], done["error"]) == ("FAILED", "States.Timeout")


def test_retries_are_counted_and_shown(little: Cloud, execute: Execute) -> None:
    retry = [{"ErrorEquals": ["PortfolioError"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1.0}]
    done = execute(one(mischief(little, "raise", Retry=retry)))
    events = little.client("stepfunctions").get_execution_history(executionArn=done["executionArn"])["events"]
    assert [event["type"] for event in events].count("TaskFailed") == 3


def test_a_function_that_is_not_there_is_a_lambda_error(little: Cloud, execute: Execute) -> None:
    state = mischief(little, "raise")
    state["Parameters"]["FunctionName"] = "nobody"
    assert execute(one(state))["error"] == "Lambda.ResourceNotFoundException"


def test_states_all_does_not_catch_what_nothing_can_cure(little: Cloud, execute: Execute) -> None:
    state = mischief(little, "raise", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    state["Parameters"]["FunctionName.$"] = "$.absent"
    del state["Parameters"]["FunctionName"]
    done = execute(one(state, Caught={"Type": "Succeed"}))
    assert (done["status"], done["error"]) == ("FAILED", "States.Runtime")


def job(little: Cloud, words: str, **more: Any) -> dict[str, Any]:
    parameters = {
        "JobName": "job",
        "JobQueue": little.outputs["QueueArn"],
        "JobDefinition": little.outputs["DefinitionArn"],
        "Parameters": {"words": words},
    }
    resource = "arn:aws:states:::batch:submitJob.sync"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "TimeoutSeconds": 60, **more}


def test_a_job_s_result_is_the_job_in_the_case_of_step_functions(little: Cloud, execute: Execute) -> None:
    output = execute(one(job(little, "hello")))["output"]
    assert (output["Status"], output["JobName"], output["Container"]["ExitCode"]) == ("SUCCEEDED", "job", 0)
    assert output["Attempts"][0]["Container"]["LogStreamName"]
    assert {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in output["Container"]["Environment"]


def test_a_failed_job_is_states_task_failed_with_the_job_as_its_cause(little: Cloud, execute: Execute) -> None:
    done = execute(one(job(little, "fail")))
    assert (done["status"], done["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(done["cause"])
    assert (cause["Status"], cause["Container"]["ExitCode"]) == ("FAILED", 2)
    assert cause["StatusReason"] == "Essential container in task exited"
    assert len(cause["Attempts"]) == 1


def test_a_job_that_batch_refuses_is_a_batch_error(little: Cloud, execute: Execute) -> None:
    state = job(little, "hello")
    state["Parameters"]["ArrayProperties"] = {"Size": 1}
    assert execute(one(state))["error"] == "Batch.ClientException"


def test_a_number_among_a_job_s_parameters_is_refused_as_on_aws(little: Cloud, execute: Execute) -> None:
    state = job(little, "hello")
    state["Parameters"]["Parameters"] = {"words": 5}
    done = execute(one(state))
    assert (done["status"], done["error"]) == ("FAILED", "States.Runtime")
    assert "words" in done["cause"]


def test_a_task_that_times_out_terminates_its_job(little: Cloud, execute: Execute) -> None:
    done = execute(one(job(little, "sleep", TimeoutSeconds=2)))
    assert (done["status"], done["error"]) == ("FAILED", "States.Timeout")
    assert_terminated(little, job_of(little, done["executionArn"]))


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
    client.stop_execution(executionArn=arn, error="Enough", cause="a test")
    described = client.describe_execution(executionArn=arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Enough", "a test")
    assert described["stopDate"] >= described["startDate"]
    assert_terminated(little, job_of(little, arn))
    while (last := history(little, arn)[-1])["type"] != "ExecutionAborted":
        assert time.monotonic() < deadline, last
        time.sleep(0.05)
    assert last["executionAbortedEventDetails"] == {"error": "Enough", "cause": "a test"}


def history(little: Cloud, arn: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = little.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    return events


def job_of(little: Cloud, arn: str) -> str:
    submitted = [e["taskSubmittedEventDetails"] for e in history(little, arn) if e["type"] == "TaskSubmitted"]
    return json.loads(submitted[0]["output"])["JobId"] if submitted else ""


def assert_terminated(little: Cloud, job_id: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := little.client("batch").describe_jobs(jobs=[job_id])["jobs"][0])["status"] != "FAILED":
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    assert found["statusReason"].startswith("Terminated by Step Functions")


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


def test_other_integrations(little: Cloud, execute: Execute) -> None:
    table, topic = little.outputs["TableName"], little.outputs["TopicArn"]
    bucket = little.outputs["BucketName"]
    key = {"id": {"S": "k"}}

    def task(resource: str, parameters: dict[str, Any], following: str | None) -> dict[str, Any]:
        state: dict[str, Any] = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}
        state |= {"ResultPath": f"$.{resource.rpartition(':')[2]}", "TimeoutSeconds": 60}
        return state | ({"Next": following} if following else {"End": True})

    states = {
        "Put": task("dynamodb:putItem", {"TableName": table, "Item": key | {"n": {"N.$": "$.n"}}}, "Update"),
        "Update": task(
            "dynamodb:updateItem",
            {
                "TableName": table,
                "Key": key,
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            },
            "Get",
        ),
        "Get": task("dynamodb:getItem", {"TableName": table, "Key": key}, "Publish"),
        "Publish": task("sns:publish", {"TopicArn": topic, "Message": {"n.$": "$.n"}, "Subject": "s"}, "List"),
        "List": task("aws-sdk:s3:listObjectsV2", {"Bucket": bucket, "Prefix": "no/such/folder/"}, "Jobs"),
        "Jobs": task("aws-sdk:batch:describeJobs", {"Jobs": ["nothing"]}, None),
    }
    done = execute({"StartAt": "Put", "States": states}, {"n": "41"})
    assert done["status"] == "SUCCEEDED", done
    output = done["output"]
    assert output["getItem"]["Item"]["n"]["N"] == "42"
    assert output["publish"]["MessageId"]
    assert output["listObjectsV2"]["KeyCount"] == 0
    assert output["describeJobs"]["Jobs"] == []


def test_a_state_machine_calls_in_its_own_role(little: Cloud, execute: Execute) -> None:
    output = execute(one(job(little, "hello")))["output"]
    assert output["JobDefinition"] == little.outputs["DefinitionArn"]


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


def test_a_nested_execution_returns_its_output(little: Cloud, execute: Execute) -> None:
    inner = little.client("stepfunctions").create_state_machine(
        name="inner",
        definition=json.dumps(one({"Type": "Pass", "Parameters": {"doubled.$": "States.MathAdd($.n, $.n)"}})),
        roleArn=little.outputs["MachineRoleArn"],
    )["stateMachineArn"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": inner, "Input": {"n.$": "$.n"}},
        "OutputPath": "$.Output",
    }
    assert execute(one(state), {"n": 21})["output"] == {"doubled": 42}


@pytest.fixture
def waiting(little: Cloud) -> Callable[[str], tuple[str, str]]:
    """Start an execution that waits for a callback; its ARN and the token."""

    def start(name: str) -> tuple[str, str]:
        client = little.client("stepfunctions")
        parameters = {"TopicArn": little.outputs["TopicArn"], "Message": {"token.$": "$$.Task.Token"}}
        state: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish.waitForTaskToken"}
        state |= {"Parameters": parameters, "Catch": [{"ErrorEquals": ["Odd"], "Next": "Caught"}]}
        machine = client.create_state_machine(
            name=name,
            definition=json.dumps(one(state | {"TimeoutSeconds": 60}, Caught={"Type": "Pass", "End": True})),
            roleArn=little.outputs["MachineRoleArn"],
        )
        arn = client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
        deadline = time.monotonic() + PATIENCE
        while not any(event["type"] == "TaskSubmitted" for event in history(little, arn)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        [scheduled] = [event for event in history(little, arn) if event["type"] == "TaskScheduled"]
        message = json.loads(scheduled["taskScheduledEventDetails"]["parameters"])["Message"]
        return arn, message["token"]

    return start


def test_a_callback_continues_an_execution(little: Cloud, waiting: Callable[[str], tuple[str, str]]) -> None:
    arn, token = waiting("callback")
    little.client("stepfunctions").send_task_success(taskToken=token, output='{"done": true}')
    assert await_execution(little, arn)["output"] == {"done": True}


def test_a_failed_callback_is_caught_with_its_cause(little: Cloud, waiting: Callable[[str], tuple[str, str]]) -> None:
    arn, token = waiting("refusal")
    little.client("stepfunctions").send_task_failure(taskToken=token, error="Odd", cause="so")
    assert await_execution(little, arn)["output"] == {"Error": "Odd", "Cause": "so"}
    with pytest.raises(ClientError, match=r"\(InvalidToken\)"):
        little.client("stepfunctions").send_task_failure(taskToken="nobody", error="Odd", cause="so")


@pytest.mark.parametrize(
    "pause", [{"SecondsPath": "$.seconds"}, {"TimestampPath": "$.past"}, {"Timestamp": "2020-01-01T00:00:00Z"}]
)
def test_a_wait_takes_its_time_from_the_state(execute: Execute, pause: dict[str, str]) -> None:
    done = execute(one({"Type": "Wait"} | pause), {"seconds": 1, "past": "2020-01-01T00:00:00Z"})
    assert done["status"] == "SUCCEEDED"
    took = (done["stopDate"] - done["startDate"]).total_seconds()
    assert took >= 1 if "SecondsPath" in pause else took < 30


def test_paths_shape_what_a_state_sees_and_leaves(execute: Execute) -> None:
    state = {
        "Type": "Pass",
        "InputPath": "$.in",
        "Parameters": {"got.$": "$.a"},
        "ResultPath": "$.out",
        "OutputPath": "$.out",
    }
    assert execute(one(state), {"in": {"a": 1}})["output"] == {"got": 1}
    assert execute(one({"Type": "Pass", "Result": 5, "ResultPath": None}), {"a": 1})["output"] == {"a": 1}
    assert execute(one({"Type": "Pass", "Result": 5, "ResultPath": "$.x.y"}), {"a": 1})["output"] == {
        "a": 1,
        "x": {"y": 5},
    }


def test_a_task_s_timeout_can_come_from_the_state(little: Cloud, execute: Execute) -> None:
    state = mischief(little, "raise", TimeoutSecondsPath="$.limit")
    del state["TimeoutSeconds"]
    state["Parameters"] = {"FunctionName": little.outputs["SlowName"], "Payload": {"seconds": 2}}
    assert execute(one(state), {"limit": 1})["error"] == "States.Timeout"


def test_a_result_beyond_256_kb_fails_its_task(little: Cloud, execute: Execute) -> None:
    state = mischief(little, "raise", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    state["Parameters"] = {
        "FunctionName": little.outputs["EchoName"],
        "Payload": {"text.$": "States.Format('{}{}', $.t, $.t)"},
    }
    done = execute(one(state, Caught={"Type": "Succeed"}), {"t": "x" * 200_000})
    assert (done["status"], done["error"]) == ("FAILED", "States.DataLimitExceeded")
    with pytest.raises(ClientError, match="failed to satisfy constraint"):
        execute(one({"Type": "Pass"}), {"t": "x" * 300_000})
