"""A book priced by an array of containers, and how Batch's rules treat containers that end badly."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.containers.conftest import IMAGES
from tests.containers.engine import ROOT, Engine
from tests.local.cloud_process import Cloud, start_cloud, stop_cloud
from tests.local.executions import Execution

BOOK = ROOT / "examples" / "montecarlo" / "sample_book.json"
MARKET = ROOT / "examples" / "montecarlo" / "sample_market.json"


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The same template, whose jobs are processes."""
    running = start_cloud(ROOT / "template.yaml", log=tmp_path_factory.mktemp("processes") / "stderr")
    yield running
    stop_cloud(running)


def eventually[T](look: Callable[[], T | None], seconds: float = 180) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def start(cloud: Cloud, name: str, **more: Any) -> Callable[[], dict[str, Any] | None]:
    """Starts the sample book's run; -> a look at its execution, None while it runs."""
    s3, bucket = cloud.client("s3"), cloud.outputs["BucketName"]
    for path in (BOOK, MARKET):
        s3.put_object(Bucket=bucket, Key=f"{name}/{path.name}", Body=path.read_bytes())
    place = f"s3://{bucket}/{name}"
    request = {"jobName": name, "inputUri": f"{place}/{BOOK.name}", "marketUri": f"{place}/{MARKET.name}",
               "outputUri": f"{place}/out", "positionsPerJob": 6, **more}  # fmt: skip
    machines = cloud.client("stepfunctions")
    machine = cloud.outputs["MonteCarloStateMachineArn"]
    arn = machines.start_execution(stateMachineArn=machine, input=json.dumps(request))["executionArn"]

    def ended() -> dict[str, Any] | None:
        execution: dict[str, Any] = machines.describe_execution(executionArn=arn)
        return None if execution["status"] == "RUNNING" else execution

    return ended


def aggregate(cloud: Cloud, name: str) -> bytes:
    stored = cloud.client("s3").get_object(Bucket=cloud.outputs["BucketName"], Key=f"{name}/out/aggregate.json")
    body: bytes = stored["Body"].read()
    return body


def containers(engine: Engine, *options: str) -> list[str]:
    return engine("ps", *options, "--quiet", "--filter", "name=localcloud-").split()


def finish(cloud: Cloud, **job: Any) -> dict[str, Any]:
    """Submits a job of the pricer and waits for its end."""
    batch = cloud.client("batch")
    names = {"jobQueue": f"{cloud.stack}-JobQueue", "jobDefinition": f"{cloud.stack}-PricerJobDefinition"}
    queues = [queue["jobQueueName"] for queue in batch.describe_job_queues()["jobQueues"]]
    names["jobQueue"] = next(name for name in queues if name.endswith("JobQueue"))
    job_id = batch.submit_job(jobName="by-hand", **names, **job)["jobId"]

    def ended() -> dict[str, Any] | None:
        (found,) = batch.describe_jobs(jobs=[job_id])["jobs"]
        return found if found["status"] in {"SUCCEEDED", "FAILED"} else None

    return eventually(ended)


def test_containers_price_what_processes_price_to_the_last_bit(cloud: Cloud, processes: Cloud, engine: Engine) -> None:
    runs = [start(each, "same") for each in (cloud, processes)]
    for run in runs:
        ended = eventually(run)
        assert ended["status"] == "SUCCEEDED", ended
    assert aggregate(cloud, "same") == aggregate(processes, "same")
    assert not containers(engine, "--all")


@pytest.mark.skipif("worker" not in IMAGES, reason="IMAGES leaves the worker out")
def test_containers_share_a_file_system_and_a_bucket(cloud: Cloud, engine: Engine, base: str) -> None:
    if not engine.has("stepbatch/worker"):
        engine.build("worker", base)
    output = Execution.start(cloud, "NToNStateMachineArn", {"records": 200}).output()
    assert (output["status"], output["records"]) == ("COMPLETE", 200)


def test_a_container_that_is_killed_is_tried_again_and_nothing_is_lost(cloud: Cloud, engine: Engine) -> None:
    run = start(cloud, "killed", targetStandardErrorBp=0.3, maxPaths=1 << 20)
    victim = eventually(lambda: containers(engine))[0]
    engine("kill", victim)
    ended = eventually(run)
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"])["status"] == "COMPLETE"
    assert not containers(engine, "--all")


def test_a_container_without_memory_enough_is_not_tried_again(cloud: Cloud) -> None:
    overrides = {"resourceRequirements": [{"type": "MEMORY", "value": "16"}, {"type": "VCPU", "value": "1"}]}
    job = finish(cloud, containerOverrides=overrides, parameters={"outputUri": "s3://nowhere/out"})
    assert (job["status"], len(job["attempts"])) == ("FAILED", 1)
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_wrong_input_is_not_tried_again(cloud: Cloud) -> None:
    parameters = {"inputUri": "s3://nowhere/book.json", "outputUri": "no uri", "planHash": "0" * 64}
    job = finish(cloud, parameters=parameters)
    assert (job["status"], len(job["attempts"])) == ("FAILED", 1)
    assert job["container"]["exitCode"] == 2
