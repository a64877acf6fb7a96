"""Books of every size through the whole pipeline: nothing lost, nothing wrong, nothing that depends on the slicing."""

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.local.cloud_process import Cloud

EXAMPLES = Path(__file__).parents[3] / "examples" / "montecarlo"
POSITION = {"notional": 1_000_000, "strike": 3500, "barrier": 1.0}
numbers = itertools.count()


def price(
    cloud: Cloud, book: Any, *, market: bytes | None = None, folder: str = "", **more: Any
) -> tuple[dict[str, Any], str]:
    """Runs the pipeline; -> the ended execution and where its outputs lie."""
    s3, bucket, folder = cloud.client("s3"), cloud.outputs["BucketName"], folder or f"books/{next(numbers)}"
    body = book if isinstance(book, bytes) else json.dumps(book).encode()
    s3.put_object(Bucket=bucket, Key=f"{folder}/book.json", Body=body)
    request = {
        "jobName": "book",
        "inputUri": f"s3://{bucket}/{folder}/book.json",
        "outputUri": f"s3://{bucket}/{folder}/out",
    }
    if market is not None:
        s3.put_object(Bucket=bucket, Key=f"{folder}/market.json", Body=market)
        request["marketUri"] = f"s3://{bucket}/{folder}/market.json"
    machines = cloud.client("stepfunctions")
    started = machines.start_execution(
        stateMachineArn=cloud.outputs["MonteCarloStateMachineArn"], input=json.dumps(request | more)
    )
    deadline = time.monotonic() + 300
    while (ended := machines.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
        assert time.monotonic() < deadline, "the execution has not ended"
        time.sleep(0.2)
    return dict(ended), f"{folder}/out"


def output(cloud: Cloud, folder: str, name: str) -> bytes:
    body: bytes = (
        cloud.client("s3").get_object(Bucket=cloud.outputs["BucketName"], Key=f"{folder}/{name}")["Body"].read()
    )
    return body


def jobs(cloud: Cloud, execution: dict[str, Any]) -> list[dict[str, Any]]:
    history = cloud.client("stepfunctions").get_execution_history(executionArn=execution["executionArn"])
    submitted = [e["taskSubmittedEventDetails"] for e in history["events"] if e["type"] == "TaskSubmitted"]
    ids = [json.loads(details["output"])["JobId"] for details in submitted]
    return [dict(job) for job in cloud.client("batch").describe_jobs(jobs=ids)["jobs"]]


def test_a_lone_position_runs_as_a_plain_job_because_batch_refuses_arrays_of_one(cloud: Cloud) -> None:
    execution, folder = price(cloud, {"positions": [POSITION]})
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(output(cloud, folder, "aggregate.json"))["priced"] == 1
    [job] = jobs(cloud, execution)
    assert "arrayProperties" not in job or "size" not in job["arrayProperties"]


def test_no_slicing_changes_a_bit_of_the_aggregate(cloud: Cloud) -> None:
    book = (EXAMPLES / "sample_book.json").read_bytes()
    market = (EXAMPLES / "sample_market.json").read_bytes()
    positions = json.loads(book)["positions"]
    assert len({tuple(date["date"] for date in position["schedule"]) for position in positions}) >= 3
    assert len({position["underlyings"][0]["name"] for position in positions}) >= 2
    aggregates, sizes = set(), []
    for per_job in (-(-len(positions) // 2), len(positions) // 8):
        execution, folder = price(cloud, book, market=market, positionsPerJob=per_job, maxPaths=2**15)
        assert execution["status"] == "SUCCEEDED", execution
        aggregates.add(output(cloud, folder, "aggregate.json"))
        sizes += [job["arrayProperties"]["size"] for job in jobs(cloud, execution)]
    assert sizes[0] == 2
    assert sizes[1] >= 8
    assert len(aggregates) == 1


def test_25_001_positions_give_25_001_prices_and_no_array_is_wider_than_batch_takes(cloud: Cloud) -> None:
    book = {"positions": [POSITION | {"strike": 3000 + index % 700} for index in range(25_001)]}
    execution, folder = price(cloud, book, maxPaths=2**10, targetStandardErrorBp=1000)
    assert execution["status"] == "SUCCEEDED", execution
    assert len(output(cloud, folder, "positions.csv").splitlines()) == 1 + 25_001
    assert json.loads(output(cloud, folder, "aggregate.json"))["priced"] == 25_001
    assert all(job.get("arrayProperties", {}).get("size", 1) <= 10_000 for job in jobs(cloud, execution))


@pytest.mark.parametrize(
    ("book", "error", "named"),
    [
        (b"{", "PortfolioError", "line 1"),
        ({"positions": []}, "PortfolioError", "positions"),
        ({"positions": [POSITION, POSITION | {"barrier": "high"}]}, "PortfolioError", "positions[1].barrier"),
    ],
)
def test_bad_input_is_refused_before_any_job_is_submitted(cloud: Cloud, book: Any, error: str, named: str) -> None:
    execution, folder = price(cloud, book)
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert named in execution["cause"]
    listed = cloud.client("s3").list_objects_v2(Bucket=cloud.outputs["BucketName"], Prefix=folder)
    assert listed["KeyCount"] == 0


def test_children_that_die_are_red_with_index_reason_and_the_end_of_their_logs(cloud: Cloud) -> None:
    batch = cloud.client("batch")
    [pricer] = batch.describe_job_definitions(jobDefinitions=[cloud.outputs["PricerJobDefinitionArn"]])[
        "jobDefinitions"
    ]
    kept = ("image", "jobRoleArn", "resourceRequirements", "logConfiguration")  # whose group collating may read
    container = {key: pricer["containerProperties"][key] for key in kept}
    broken = batch.register_job_definition(
        jobDefinitionName=f"{cloud.stack}-broken",  # the stack's own names are all that its roles may run
        type="container",
        containerProperties=container | {"command": ["no-such-action"]},
        retryStrategy=pricer["retryStrategy"],
    )["jobDefinitionArn"]
    execution, folder = price(cloud, {"positions": [POSITION] * 3}, positionsPerJob=1, jobDefinitionArn=broken)
    assert (execution["status"], execution["error"]) == ("FAILED", "ResultsIncompleteError")
    assert "3 of 3 positions have no price" in execution["cause"]
    assert "slice 1: no result was written; exit code 2" in execution["cause"]
    assert "no-such-action" in execution["cause"]  # the child's last words
    assert json.loads(output(cloud, folder, "aggregate.json"))["complete"] is False


def test_the_same_run_again_prices_nothing_again_and_ends_with_the_same_manifest(cloud: Cloud) -> None:
    book = {"positions": [POSITION] * 4}
    _, folder = price(cloud, book, positionsPerJob=1, folder="again")
    first = written(cloud, f"{folder}/results/")
    assert len(first) == 4
    manifest = output(cloud, folder, "manifest.json")
    execution, _ = price(cloud, book, positionsPerJob=1, folder="again")
    assert execution["status"] == "SUCCEEDED", execution
    assert written(cloud, f"{folder}/results/") == first
    assert output(cloud, folder, "manifest.json") == manifest


def written(cloud: Cloud, prefix: str) -> dict[str, str]:
    """When each object was written."""
    listed = cloud.client("s3").list_objects_v2(Bucket=cloud.outputs["BucketName"], Prefix=prefix)
    return {row["Key"]: str(row["LastModified"]) for row in listed["Contents"]}
