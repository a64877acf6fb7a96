"""Every function by the unmodified SAM CLI, in a container, with its sample event, on data in the local cloud.

What a function answers there is what it answers on the local cloud itself, errors included.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers import engine as engines
from tests.containers.engine import ROOT, Engine
from tests.containers.sam import sam
from tests.containers.socket_proxy import proxy
from tests.local.cloud_process import Cloud, start_cloud, stop_cloud
from tests.local.executions import Execution

EVENTS = sorted(path.stem for path in (ROOT / "events").glob("*.json") if not path.stem.startswith("start_"))
STARTS = {"MonteCarloStateMachineArn": "start_montecarlo", "ArrayWorkflowStateMachineArn": "start_array_workflow"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud with what the sample events name: inputs, and the runs that they look at."""
    cloud = start_cloud(ROOT / "template.yaml", log=tmp_path_factory.mktemp("data") / "stderr")
    try:
        fill(cloud)
        yield cloud
    finally:
        stop_cloud(cloud)


def fill(cloud: Cloud) -> None:
    """Puts the inputs, and runs the pipelines whose results the events look at."""
    s3, bucket = cloud.client("s3"), cloud.outputs["BucketName"]
    book = (ROOT / "examples" / "montecarlo" / "workshop_portfolio.json").read_bytes()
    s3.put_object(Bucket=bucket, Key="workshop_portfolio.json", Body=book)
    for number in range(3):
        s3.put_object(Bucket=bucket, Key=f"objects/{number}.csv", Body=b"a,b\n1,2\n")
    for machine, event in STARTS.items():
        Execution.start(cloud, machine, json.loads((ROOT / "events" / f"{event}.json").read_text())).output()
    Execution.start(cloud, "NToNStateMachineArn", {"records": 200}, name="by-hand").output()


@pytest.fixture(scope="module")
def docker_host(engine: Engine, base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the SAM CLI needs to reach the engine: Podman speaks Docker's language on a socket."""
    engines.provide_lambda(engine, base)
    if engine.name == "docker":
        yield {}
        return
    folder = tmp_path_factory.mktemp("socket")
    socket, service_socket = folder / "docker.sock", folder / "podman.sock"
    service = subprocess.Popen(
        ["podman", "system", "service", "--time=0", f"unix://{service_socket}"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **engine.environment},
    )
    try:
        deadline = time.monotonic() + 30
        while not service_socket.exists():
            assert time.monotonic() < deadline, "podman's service does not come up"
            time.sleep(0.05)
        with proxy(socket, service_socket):
            yield {**engine.environment, "DOCKER_HOST": f"unix://{socket}"}
    finally:
        service.terminate()
        service.wait()


def function_of(event: str) -> str:
    """``count_positions`` → ``CountPositionsFunction``."""
    return "".join(word.capitalize() for word in event.split("_")) + "Function"


def in_a_container(
    function: str, event: Path, cloud: Cloud, build: Path, docker_host: dict[str, str], scratch: Path
) -> Any:
    """Its variables are those of the deployed function: the SAM CLI does not know what stacks have put out."""
    known = cloud.client("lambda").get_function_configuration(FunctionName=f"{cloud.stack}-{function}")
    variables = known["Environment"]["Variables"] | {"AWS_ENDPOINT_URL": cloud.endpoint_url}
    if "SHARED_DIRECTORY" in variables:
        variables["SHARED_DIRECTORY"] = "/tmp"  # the file system of AWS is no part of a container here
    given = scratch / "variables.json"
    given.write_text(json.dumps({function: variables}))
    printed = sam(
        "local", "invoke", function, "--event", str(event), "--template", str(build / "template.yaml"),
        "--env-vars", str(given), "--container-host", "127.0.0.1", "--skip-pull-image",
        environment={**cloud.environment, **docker_host},
    )  # fmt: skip
    return json.loads(printed.strip().splitlines()[-1])


def on_the_local_cloud(function: str, event: Path, cloud: Cloud) -> Any:
    answer = cloud.client("lambda").invoke(FunctionName=f"{cloud.stack}-{function}", Payload=event.read_bytes())
    return json.loads(answer["Payload"].read())


def told(answer: Any) -> Any:
    """An answer without what differs from one invocation to the next."""
    if isinstance(answer, dict):
        volatile = {"stackTrace", "requestId", "seconds", "since", "unknownSince"}
        return {name: told(value) for name, value in answer.items() if name not in volatile}
    return answer


@pytest.mark.parametrize("event", EVENTS)
def test_a_function_answers_in_sam_s_container_what_it_answers_here(
    event: str, data: Cloud, build: Path, docker_host: dict[str, str], tmp_path: Path
) -> None:
    path = ROOT / "events" / f"{event}.json"
    function = function_of(event)
    here = on_the_local_cloud(function, path, data)
    assert told(in_a_container(function, path, data, build, docker_host, tmp_path)) == told(here)
