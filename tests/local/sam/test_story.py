"""Deployed, used, changed and deleted by the SAM CLI, as on AWS."""

import json
import time
from pathlib import Path
from typing import Any

from tests.local.sam.conftest import REPOSITORY, CommandLine

PATIENCE = 120  # seconds: far beyond what it takes
DEPLOY = ("sam", "deploy", "--stack-name", "shop", "--resolve-s3", "--capabilities", "CAPABILITY_IAM")
TEMPLATE = ("--template-file", "built/template.yaml", "--no-fail-on-empty-changeset")
BUILT = ("--build-dir", "built", "--cache-dir", "cache")


def build(command_line: CommandLine, template: Path) -> None:
    command_line.run("sam", "build", "--template-file", str(template), *BUILT)


def outputs(command_line: CommandLine) -> dict[str, str]:
    listed = json.loads(command_line.run("sam", "list", "stack-outputs", "--stack-name", "shop", "--output", "json"))
    return {each["OutputKey"]: each["OutputValue"] for each in listed}


def execution(command_line: CommandLine, machine: str, request: Any) -> dict[str, Any]:
    """Started by the AWS CLI; described when it has ended."""
    started = command_line.run(
        "aws", "stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", json.dumps(request)
    )
    arn = json.loads(started)["executionArn"]
    deadline = time.monotonic() + PATIENCE
    while True:
        found = command_line.run("aws", "stepfunctions", "describe-execution", "--execution-arn", arn)
        described: dict[str, Any] = json.loads(found)
        if described["status"] != "RUNNING":
            return described
        assert time.monotonic() < deadline, "the execution has not ended"


def test_a_stack_is_deployed_used_changed_and_deleted(command_line: CommandLine) -> None:
    project = Path(__file__).parent / "project"
    build(command_line, project / "template.yaml")
    assert "Successfully created/updated stack - shop" in command_line.run(*DEPLOY, *TEMPLATE)
    found = outputs(command_line)
    answer = execution(command_line, found["MachineArn"], {"greet": "world"})
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"text": "hello world"})
    invoked = command_line.run("sam", "remote", "invoke", "Greet", "--stack-name", "shop", "-e", '{"greet": "you"}')
    assert json.loads(invoked)["text"] == "hello you"
    ran = command_line.run("sam", "remote", "invoke", "Machine", "--stack-name", "shop", "-e", '{"greet": "us"}')
    assert "hello us" in ran
    assert "greeting you" in command_line.run("sam", "logs", "--stack-name", "shop", "--name", "Greet")

    assert "is up to date" in command_line.run(*DEPLOY, *TEMPLATE)
    changed = command_line.run(*DEPLOY, *TEMPLATE, "--parameter-overrides", "Word=goodbye")
    assert "* Modify" in changed
    assert json.loads(execution(command_line, found["MachineArn"], {"greet": "world"})["output"]) == {
        "text": "goodbye world"
    }

    command_line.run("sam", "delete", "--stack-name", "shop", "--no-prompts", "--region", "us-east-1")
    left = json.loads(command_line.run("aws", "cloudformation", "describe-stacks"))["Stacks"]
    assert [stack["StackName"] for stack in left] == ["aws-sam-cli-managed-default"]
    assert json.loads(command_line.run("aws", "lambda", "list-functions"))["Functions"] == []


def test_a_deployment_that_fails_is_rolled_back_and_says_why(command_line: CommandLine) -> None:
    template = {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "broken-topic"}},
            "Queue": {
                "Type": "AWS::Batch::JobQueue",
                "Properties": {"Priority": 1, "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": "none"}]},
                "DependsOn": "Topic",
            },
        }
    }
    cloudformation = command_line.cloud.client("cloudformation")
    cloudformation.create_stack(StackName="broken", TemplateBody=json.dumps(template))
    [stack] = cloudformation.describe_stacks(StackName="broken")["Stacks"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "CE none does not exist" in stack["StackStatusReason"]
    events = cloudformation.describe_stack_events(StackName="broken")["StackEvents"]
    told = [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(events)]
    assert told == [
        ("broken", "CREATE_IN_PROGRESS"),
        ("Topic", "CREATE_IN_PROGRESS"),
        ("Topic", "CREATE_COMPLETE"),
        ("Queue", "CREATE_IN_PROGRESS"),
        ("Queue", "CREATE_FAILED"),
        ("broken", "ROLLBACK_IN_PROGRESS"),
        ("Topic", "DELETE_IN_PROGRESS"),
        ("Topic", "DELETE_COMPLETE"),
        ("broken", "ROLLBACK_COMPLETE"),
    ]
    assert command_line.cloud.client("sns").list_topics()["Topics"] == []
    cloudformation.delete_stack(StackName="broken")


def test_the_products_stack_is_deployed_run_and_deleted(command_line: CommandLine) -> None:
    build(command_line, REPOSITORY / "template.yaml")
    command_line.run(*DEPLOY, *TEMPLATE)
    ended = execution(command_line, outputs(command_line)["NToNStateMachineArn"], {"records": 20})
    assert ended["status"] == "SUCCEEDED", ended
    command_line.run("sam", "delete", "--stack-name", "shop", "--no-prompts", "--region", "us-east-1")
    assert command_line.cloud.client("batch").describe_job_queues()["jobQueues"] == []
    names = [bucket["Name"] for bucket in command_line.cloud.client("s3").list_buckets()["Buckets"]]
    assert [name for name in names if not name.startswith("aws-sam-cli-managed")] == []
