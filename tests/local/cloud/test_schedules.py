"""EventBridge Scheduler, through boto3."""

import itertools
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.local.cloud.conftest import PATIENCE
from tests.local.cloud_process import Cloud

INPUT = '{"scheduledTime": "<aws.scheduler.scheduled-time>"}'


def test_a_schedule_starts_its_state_machine_at_its_time(little: Cloud) -> None:
    machines = little.client("stepfunctions")
    definition = {"StartAt": "It", "States": {"It": {"Type": "Pass", "End": True}}}
    role = little.outputs["MachineRoleArn"]
    arn = machines.create_state_machine(name="nightly", definition=json.dumps(definition), roleArn=role)[
        "stateMachineArn"
    ]
    due = create_just_before_its_time(little.client("scheduler"), {"Arn": arn, "RoleArn": role, "Input": INPUT})
    deadline = time.monotonic() + PATIENCE
    while not (started := machines.list_executions(stateMachineArn=arn)["executions"]):
        assert time.monotonic() < deadline, "the schedule did not fire"
        time.sleep(0.1)
    [execution] = started
    described = machines.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {"scheduledTime": f"{due}Z"}


def create_just_before_its_time(scheduler: Any, target: dict[str, str]) -> str:
    """Creates the schedule, again where the machine was so busy that its time had passed meanwhile; its time."""
    for number in itertools.count():
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
        due = f"{moment:%Y-%m-%dT%H:%M:%S}"
        window = {"Mode": "OFF"}
        name = f"once-{number}"
        scheduler.create_schedule(Name=name, ScheduleExpression=f"at({due})", FlexibleTimeWindow=window, Target=target)
        if scheduler.get_schedule(Name=name)["CreationDate"] < moment:
            return due
    raise AssertionError
