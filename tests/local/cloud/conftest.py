"""A small project of everything that the local cloud emulates, deployed once for the session."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.cloud_process import Cloud, start_cloud, stop_cloud

PROJECT = Path(__file__).parent / "project"
PATIENCE = 60  # seconds that anything may take on a busy machine


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    log = tmp_path_factory.mktemp("little") / "stderr"
    running = start_cloud(PROJECT / "template.yaml", "--stack", "little", "--workers", "2", log=log)
    yield running
    stop_cloud(running)


Finished = dict[str, Any]


@pytest.fixture(scope="session")
def execute(little: Cloud) -> Callable[..., Finished]:
    """Create a state machine from its states and run it on an input; the execution's description when it has ended."""
    client = little.client("stepfunctions")
    counter = iter(range(10_000))

    def run(definition: dict[str, Any], payload: Any = None, **machine: Any) -> Finished:
        made = client.create_state_machine(
            name=f"machine-{next(counter)}",
            definition=json.dumps(definition),
            roleArn=little.outputs["MachineRoleArn"],
            **machine,
        )
        started = client.start_execution(
            stateMachineArn=made["stateMachineArn"], input=json.dumps({} if payload is None else payload)
        )
        return await_execution(little, started["executionArn"])

    return run


def await_execution(cloud: Cloud, arn: str) -> Finished:
    deadline = time.monotonic() + PATIENCE
    while True:
        described: Finished = cloud.client("stepfunctions").describe_execution(executionArn=arn)
        if described["status"] != "RUNNING":
            if "output" in described:
                described["output"] = json.loads(described["output"])
            return described
        assert time.monotonic() < deadline, f"{arn} has not ended"
        time.sleep(0.05)
