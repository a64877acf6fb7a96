"""EventBridge Scheduler, through boto3."""

import json
import time
from datetime import UTC, datetime, timedelta

from tests.local.cloud.conftest import PATIENCE
from tests.local.cloud_process import Cloud


def test_a_schedule_starts_its_state_machine_at_its_time(little: Cloud) -> None:
    machines = little.client("stepfunctions")
    definition = {"StartAt": "It", "States": {"It": {"Type": "Pass", "End": True}}}
    role = little.outputs["MachineRoleArn"]
    arn = machines.create_state_machine(name="nightly", definition=json.dumps(definition), roleArn=role)[
        "stateMachineArn"
    ]
    due = f"{datetime.now(UTC) + timedelta(seconds=2):%Y-%m-%dT%H:%M:%S}"
    little.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=f"at({due})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": '{"scheduledTime": "<aws.scheduler.scheduled-time>"}'},
    )
    deadline = time.monotonic() + PATIENCE
    while not (started := machines.list_executions(stateMachineArn=arn)["executions"]):
        assert time.monotonic() < deadline, "the schedule did not fire"
        time.sleep(0.1)
    [execution] = started
    described = machines.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {"scheduledTime": f"{due}Z"}
