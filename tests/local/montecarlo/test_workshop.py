"""The workshop's own steps, with the AWS CLI as it is, on the local cloud."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.local.cloud_process import Cloud

EXAMPLES = Path(__file__).parents[3] / "examples" / "montecarlo"
AWS = str(Path(sys.executable).parent / "aws")


@pytest.fixture(scope="module")
def aws(cloud: Cloud) -> Any:
    def run(*words: str) -> str:
        done = subprocess.run([AWS, *words], env=cloud.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def execution(cloud: Cloud, aws: Any) -> dict[str, Any]:
    """The workshop's book started with the workshop's five-field input; described when it has ended."""
    bucket = cloud.outputs["BucketName"]
    aws("s3", "cp", str(EXAMPLES / "workshop_portfolio.json"), f"s3://{bucket}/portfolio.json")
    five = {
        "jobName": "autocallable",
        "inputUri": f"s3://{bucket}/portfolio.json",
        "outputUri": f"s3://{bucket}/MCAutocallable",
        "jobDefinitionArn": cloud.outputs["JobDefinitionArn"],
        "jobQueueArn": cloud.outputs["JobQueueArn"],
    }
    machine = cloud.outputs["StateMachineArn"]
    started = aws("stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", json.dumps(five))
    arn = json.loads(started)["executionArn"]
    deadline = time.monotonic() + 120
    while True:
        described: dict[str, Any] = json.loads(aws("stepfunctions", "describe-execution", "--execution-arn", arn))
        if described["status"] != "RUNNING":
            return described
        assert time.monotonic() < deadline, "the execution has not ended"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def job_id(cloud: Cloud, execution: dict[str, Any]) -> str:
    """The array's id, as the execution's history tells it."""
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history")
    events = [e for page in pages.paginate(executionArn=execution["executionArn"]) for e in page["events"]]
    [submitted] = [e["taskSubmittedEventDetails"] for e in events if e["type"] == "TaskSubmitted"]
    found: str = json.loads(submitted["output"])["JobId"]
    return found


def test_the_execution_succeeds(execution: dict[str, Any]) -> None:
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"])["status"] == "COMPLETE"


def test_every_position_is_priced_and_the_book_has_five_strikes(cloud: Cloud, execution: Any, aws: Any) -> None:
    aggregate = json.loads(aws("s3", "cp", f"s3://{cloud.outputs['BucketName']}/MCAutocallable/aggregate.json", "-"))
    assert (aggregate["priced"], aggregate["positions"], aggregate["complete"]) == (48, 48, True)
    assert len(aggregate["byStrike"]) == 5
    assert aggregate["pv"] == pytest.approx(48 * 1e7, rel=0.1)
    assert 0 < aggregate["standardError"] < 1e-3 * aggregate["pv"]


def test_identical_trades_have_identical_prices(cloud: Cloud, execution: Any, aws: Any) -> None:
    table = aws("s3", "cp", f"s3://{cloud.outputs['BucketName']}/MCAutocallable/positions.csv", "-").splitlines()
    columns = table[0].split(",")
    rows = [dict(zip(columns, row.split(","), strict=True)) for row in table[1:]]
    book = json.loads((EXAMPLES / "workshop_portfolio.json").read_text())["positions"]
    prices: dict[str, set[str]] = {}
    for position, row in zip(book, rows, strict=True):
        prices.setdefault(json.dumps(position), set()).add(row["pv"])
    assert len(prices) == 8
    assert all(len(pvs) == 1 for pvs in prices.values())


def test_batch_describes_the_array(aws: Any, job_id: str) -> None:
    [job] = json.loads(aws("batch", "describe-jobs", "--jobs", job_id))["jobs"]
    assert job["status"] == "SUCCEEDED"
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == job["arrayProperties"]["size"] >= 2


def test_a_childs_log_is_read_with_the_logs_api(aws: Any, job_id: str) -> None:
    [child] = json.loads(aws("batch", "describe-jobs", "--jobs", f"{job_id}:0"))["jobs"]
    group = child["container"]["logConfiguration"]["options"]["awslogs-group"]
    stream = child["container"]["logStreamName"]
    answer = aws("logs", "get-log-events", "--log-group-name", group, "--log-stream-name", stream)
    assert json.loads(answer)["events"]


def test_the_functions_log_is_read_with_the_logs_api(cloud: Cloud, execution: Any) -> None:
    logs = cloud.client("logs")
    streams = logs.describe_log_streams(logGroupName="/aws/lambda/stepbatch-CountPositions")["logStreams"]
    events = logs.get_log_events(
        logGroupName="/aws/lambda/stepbatch-CountPositions", logStreamName=streams[0]["logStreamName"]
    )["events"]
    assert any("REPORT" in event["message"] for event in events)


def test_a_position_is_priced_by_its_function_without_any_job(cloud: Cloud, aws: Any, tmp_path: Path) -> None:
    event, answer = EXAMPLES.parents[1] / "events" / "price_position.json", tmp_path / "answer.json"
    name = cloud.outputs["PricePositionFunctionName"]
    told = aws("lambda", "invoke", "--function-name", name, "--payload", f"fileb://{event}", str(answer))
    assert "FunctionError" not in json.loads(told)
    prices = json.loads(answer.read_text())["prices"]
    assert [price["id"] for price in prices] == ["P0", "SX5E-3Y-STEPDOWN"]
    assert prices[0]["pv"] > 0 > prices[1]["pv"]
