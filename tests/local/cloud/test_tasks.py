"""Tasks: functions, jobs and other services called by state machines."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud.conftest import PATIENCE, await_execution
from tests.local.cloud.machines import Execute, assert_terminated, history, job, job_of, mischief, one
from tests.local.cloud_process import Cloud


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


def test_a_long_cause_is_cut_where_it_is_caught_and_where_it_ends_the_execution(
    little: Cloud, execute: Execute
) -> None:
    done = execute(one(mischief(little, "raise at length")))
    assert done["error"] == "PortfolioError"
    assert len(done["cause"]) == 32_768
    assert done["cause"].startswith('{"errorMessage')
    failed = [e["taskFailedEventDetails"] for e in history(little, done["executionArn"]) if e["type"] == "TaskFailed"]
    assert [len(details["cause"]) for details in failed] == [32_768]
    catch = [{"ErrorEquals": ["PortfolioError"], "Next": "Caught"}]
    caught = {"Caught": {"Type": "Pass", "End": True}}
    done = execute(one(mischief(little, "raise at length", Catch=catch), **caught))
    assert len(done["output"]["Cause"]) == 32_768


def test_a_fail_state_s_error_and_cause_are_cut(execute: Execute) -> None:
    fail = {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "$.cause"}
    done = execute(one(fail), {"error": "e" * 300, "cause": "c" * 40_000})
    assert (done["error"], done["cause"]) == ("e" * 256, "c" * 32_768)


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


def test_a_job_and_a_function_share_a_file_system(little: Cloud, execute: Execute) -> None:
    assert execute(one(job(little, "keep")))["status"] == "SUCCEEDED"
    answer = little.client("lambda").invoke(FunctionName=little.outputs["SharedName"])
    assert json.loads(answer["Payload"].read()) == {"kept": "by a job"}


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


def test_a_state_machine_calls_in_its_own_role(execute: Execute) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sts:getCallerIdentity", "Parameters": {}}
    output = execute(one(state))["output"]
    assert output["Arn"] == "arn:aws:sts::123456789012:assumed-role/little-MachineRole/states"


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


def test_an_error_of_the_sdk_bears_the_service_s_name(little: Cloud, execute: Execute) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject"}
    done = execute(one(state | {"Parameters": {"Bucket": little.outputs["BucketName"], "Key": "nothing"}}))
    assert (done["status"], done["error"]) == ("FAILED", "S3.NoSuchKeyException")


def test_an_error_inside_a_function_can_be_caught(little: Cloud, execute: Execute) -> None:
    state = mischief(little, "raise", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    state["Parameters"]["Payload"] = {"how.$": "States.StringToJson($.text)"}
    done = execute(one(state, Caught={"Type": "Pass", "End": True}), {"text": "{"})
    assert done["output"]["Error"] == "States.IntrinsicFailure"
    assert done["output"]["Cause"].startswith("The function 'States.StringToJson($.text)' had the following error: ")
