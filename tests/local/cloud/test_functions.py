"""Lambda functions as boto3 sees them."""

import base64
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud.conftest import PATIENCE
from tests.local.cloud_process import Cloud, start_cloud, stop_cloud
from tests.processes import alive, eventually


def invoke(cloud: Cloud, name: str, payload: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload), **options)
    text = answer["Payload"].read()
    return json.loads(text) if text else None, answer


def test_a_function_returns_what_its_handler_returns(little: Cloud) -> None:
    result, answer = invoke(little, little.outputs["EchoName"], {"a": [1, 2.5, "é", None]})
    assert result == {"a": [1, 2.5, "é", None]}
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer


def test_a_warm_worker_is_used_again(little: Cloud) -> None:
    first, _ = invoke(little, little.outputs["EchoName"], {"see": "context"})
    second, _ = invoke(little, little.outputs["EchoName"], {"see": "context"})
    assert (second["pid"], second["calls"]) == (first["pid"], first["calls"] + 1)
    assert first["request"] != second["request"]


def test_an_alias_runs_its_version(little: Cloud) -> None:
    result, answer = invoke(little, little.outputs["EchoAliasArn"], {"see": "context"})
    assert answer["ExecutedVersion"] == "1"
    assert result["version"] == "1"
    assert result["name"] == "little-EchoFunction"
    assert 0 < result["remaining"] <= 5000


def test_a_function_sees_lambdas_environment_and_not_the_developers(little: Cloud, monkeypatch: Any) -> None:
    seen, _ = invoke(little, little.outputs["EchoName"], {"see": "environment"})
    assert seen["STAGE"] == "test"
    assert seen["shared"] == "from the layer"
    assert seen["AWS_ENDPOINT_URL"] == little.endpoint_url
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "little-EchoFunction"
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert "PYTEST_CURRENT_TEST" not in seen
    assert "LOCALCLOUD_PID" not in seen


def test_a_function_acts_in_its_own_role(little: Cloud) -> None:
    arn, _ = invoke(little, little.outputs["EchoName"], {"see": "identity"})
    assert arn == "arn:aws:sts::123456789012:assumed-role/little-EchoFunctionRole/little-EchoFunction"


def test_an_exception_is_named_by_its_bare_class(little: Cloud) -> None:
    result, answer = invoke(little, little.outputs["MischiefName"], {"how": "raise"})
    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "PortfolioError"
    assert result["errorMessage"] == "positions[17].barrier: -0.2 is not in (0, 10]"
    assert any("little.py" in line for line in result["stackTrace"])


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("sleep", "Sandbox.Timedout", r"RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds"),
        ("exit", "Runtime.ExitError", r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3"),
        ("kill", "Runtime.ExitError", r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: signal: killed"),
        ("large", "Function.ResponseSizeTooLarge", r"Response payload size exceeded maximum allowed payload size.*"),
    ],
)
def test_a_function_that_ends_badly_is_reported_as_aws_does(little: Cloud, how: str, kind: str, message: str) -> None:
    result, answer = invoke(little, little.outputs["MischiefName"], {"how": how})
    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == kind
    assert re.fullmatch(message, result["errorMessage"])
    again, _ = invoke(little, little.outputs["MischiefName"], {"how": "raise"})
    assert again["errorType"] == "PortfolioError"


def test_a_function_that_does_not_load_says_why(little: Cloud) -> None:
    result, answer = invoke(little, little.outputs["BrokenName"], {})
    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "Runtime.ImportModuleError"
    assert result["errorMessage"] == "Unable to import module 'absent': No module named 'absent'"


def test_what_a_function_started_ends_with_its_worker(little: Cloud) -> None:
    child, _ = invoke(little, little.outputs["MischiefName"], {"how": "child"})
    assert Path(f"/proc/{child}").exists()
    invoke(little, little.outputs["MischiefName"], {"how": "kill"})
    eventually(lambda: not alive(child), timeout=PATIENCE)


def test_concurrent_invocations_run_in_workers_of_their_own(little: Cloud, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(invoke, little, little.outputs["SlowName"], {"folder": str(tmp_path)}) for _ in "ab"]
        deadline = time.monotonic() + PATIENCE
        while len(signed := {path.name for path in tmp_path.iterdir()}) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        (tmp_path / "open").touch()
        assert {str(call.result()[0]) for call in calls} == signed
    assert len(signed) == 2


def test_more_than_the_reserved_concurrency_is_throttled(little: Cloud, tmp_path: Path) -> None:
    client = little.client("lambda", retries={"total_max_attempts": 1})
    payload = json.dumps({"folder": str(tmp_path)})
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(client.invoke, FunctionName=little.outputs["SlowName"], Payload=payload) for _ in "abc"]
        refused = next(as_completed(calls, PATIENCE))  # the others cannot end before the folder is open
        (tmp_path / "open").touch()
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            refused.result()
        accepted = [call.result() for call in calls if call is not refused]
    assert all(answer["Payload"].read().isdigit() for answer in accepted)


def test_an_asynchronous_invocation_is_accepted_and_runs(little: Cloud) -> None:
    words = f"async {time.time_ns()}"
    result, answer = invoke(little, little.outputs["MischiefName"], {"how": words}, InvocationType="Event")
    assert (result, answer["StatusCode"]) == (None, 202)
    deadline = time.monotonic() + PATIENCE
    while f"mischief {words}" not in messages(little, "/little/mischief"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_dry_run_only_asks_whether_the_function_is_there(little: Cloud) -> None:
    assert invoke(little, little.outputs["EchoName"], {}, InvocationType="DryRun")[1]["StatusCode"] == 204
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        invoke(little, "nobody", {}, InvocationType="DryRun")


def test_a_payload_beyond_six_megabytes_is_refused(little: Cloud) -> None:
    with pytest.raises(ClientError, match="RequestTooLargeException"):
        invoke(little, little.outputs["EchoName"], "x" * 6_291_557)
    result, _ = invoke(little, little.outputs["EchoName"], "x" * 5_000_000)
    assert len(result) == 5_000_000


def test_a_payload_that_is_not_json_is_refused(little: Cloud) -> None:
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        little.client("lambda").invoke(FunctionName=little.outputs["EchoName"], Payload=b"{")


def messages(cloud: Cloud, group: str) -> list[str]:
    events = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    return [event["message"] for event in events]


def test_the_log_shows_each_invocation_between_start_and_report(little: Cloud) -> None:
    _, answer = invoke(little, little.outputs["EchoName"], {}, LogType="Tail")
    request = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    tail = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert tail[0] == f"START RequestId: {request} Version: $LATEST"
    assert re.fullmatch(r"echo \d+", tail[1])
    assert tail[2] == f"END RequestId: {request}"
    report = r"REPORT RequestId: \S+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
    assert re.match(report + r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\t", tail[3])
    logged = messages(little, "/aws/lambda/little-EchoFunction")
    at = logged.index(tail[0])
    assert logged[at : at + 4] == tail


def test_a_declared_log_group_takes_the_functions_log(little: Cloud) -> None:
    invoke(little, little.outputs["MischiefName"], {"how": "raise"})
    trace = [message for message in messages(little, "/little/mischief") if "[ERROR] PortfolioError" in message]
    assert "Traceback (most recent call last):\n" in trace[-1]


def test_edited_code_runs_without_a_restart(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    source = tmp_path / "code" / "it.py"
    source.write_text("def handler(event, context): return 1")
    role = {"AssumeRolePolicyDocument": {"Statement": [ASSUMED_BY_LAMBDA]}}
    function = {"Handler": "it.handler", "Runtime": "python3.13", "CodeUri": "code", "Role": {"Fn::GetAtt": "Role.Arn"}}
    resources = {
        "It": {"Type": "AWS::Serverless::Function", "Properties": function},
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
    }
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}))
    cloud = start_cloud(template, "--stack", "edited", log=tmp_path / "stderr")
    try:
        assert invoke(cloud, "edited-It", {})[0] == 1
        source.write_text("def handler(event, context): return 2")
        assert invoke(cloud, "edited-It", {})[0] == 2
    finally:
        stop_cloud(cloud)


ASSUMED_BY_LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def test_more_invocations_than_workers_all_run(little: Cloud) -> None:
    name = little.outputs["EchoName"]
    with ThreadPoolExecutor(20) as threads:
        results = list(threads.map(lambda n: invoke(little, name, n)[0], range(40)))
    assert results == list(range(40))
