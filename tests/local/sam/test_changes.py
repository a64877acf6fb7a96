"""What becomes of resources when their stack changes, asked by boto3."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sam.conftest import CommandLine

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def template(*, cpus: int, **more: Any) -> str:
    """Something of everything that changes in place; ``cpus`` is in each."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": f"s3:Get{cpus}", "Resource": "*"}]}
    code = f"def handler(event, context):\n    return {cpus}\n"
    resources: dict[str, Any] = {
        "Bucket": ("AWS::S3::Bucket", {"Tags": [{"Key": "cpus", "Value": str(cpus)}]}),
        "Logs": ("AWS::Logs::LogGroup", {"RetentionInDays": 7 if cpus == 4 else 30}),
        "Setting": ("AWS::SSM::Parameter", {"Type": "String", "Value": str(cpus)}),
        "Role": (
            "AWS::IAM::Role",
            {
                "AssumeRolePolicyDocument": TRUST,
                "Policies": [{"PolicyName": f"p{cpus}", "PolicyDocument": policy}],
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
            },
        ),
        "Function": (
            "AWS::Lambda::Function",
            {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": code},
            },
        ),
        "Environment": (
            "AWS::Batch::ComputeEnvironment",
            {
                "Type": "MANAGED",
                "ComputeResources": {
                    "Type": "EC2",
                    "MaxvCpus": cpus,
                    "InstanceTypes": ["optimal"],
                    "InstanceRole": "arn:aws:iam::123456789012:instance-profile/x",
                    "Subnets": ["subnet-1"],
                    "SecurityGroupIds": ["sg-1"],
                },
            },
        ),
        "Queue": (
            "AWS::Batch::JobQueue",
            {
                "Priority": cpus,
                "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Ref": "Environment"}}],
            },
        ),
        **more,
    }
    return json.dumps({"Resources": {name: {"Type": kind, "Properties": p} for name, (kind, p) in resources.items()}})


def test_resources_change_in_place_and_keep_what_they_hold(command_line: CommandLine) -> None:
    cloud, iam = command_line.cloud, {"Capabilities": ["CAPABILITY_IAM"]}
    cloudformation = cloud.client("cloudformation")
    more: dict[str, Any] = {"Topic": ("AWS::SNS::Topic", {})}
    cloudformation.create_stack(StackName="changing", TemplateBody=template(cpus=2, **more), **iam)
    first = resources(command_line)
    cloud.client("s3").put_object(Bucket=first["Bucket"], Key="kept", Body=b"kept")
    cloud.client("logs").create_log_stream(logGroupName=first["Logs"], logStreamName="kept")
    cloudformation.update_stack(StackName="changing", TemplateBody=template(cpus=4), **iam)
    [stack] = cloudformation.describe_stacks(StackName="changing")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["StackStatusReason"]
    second = resources(command_line)
    assert second == {name: physical for name, physical in first.items() if name != "Topic"}
    assert cloud.client("sns").list_topics()["Topics"] == []
    assert cloud.client("s3").get_object(Bucket=second["Bucket"], Key="kept")["Body"].read() == b"kept"
    [group] = cloud.client("logs").describe_log_groups(logGroupNamePrefix=second["Logs"])["logGroups"]
    assert group["retentionInDays"] == 7
    assert len(cloud.client("logs").describe_log_streams(logGroupName=second["Logs"])["logStreams"]) == 1
    assert cloud.client("iam").list_role_policies(RoleName=second["Role"])["PolicyNames"] == ["p4"]
    assert cloud.client("lambda").invoke(FunctionName=second["Function"])["Payload"].read() == b"4"
    [queue] = cloud.client("batch").describe_job_queues(jobQueues=[second["Queue"]])["jobQueues"]
    assert queue["priority"] == 4
    [environment] = cloud.client("batch").describe_compute_environments()["computeEnvironments"]
    assert environment["computeResources"]["maxvCpus"] == 4
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloudformation.update_stack(StackName="changing", TemplateBody=template(cpus=4), **iam)
    unfit: dict[str, Any] = {
        "Policy": ("AWS::S3::BucketPolicy", {"Bucket": "no-such-bucket", "PolicyDocument": {"Statement": []}})
    }
    cloudformation.update_stack(StackName="changing", TemplateBody=template(cpus=8, **unfit), **iam)
    [stack] = cloudformation.describe_stacks(StackName="changing")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.client("lambda").invoke(FunctionName=second["Function"])["Payload"].read() == b"4"
    delete(command_line, second["Bucket"])


def delete(command_line: CommandLine, bucket: str) -> None:
    """A bucket that holds something is not deleted; an empty one is."""
    cloudformation, s3 = command_line.cloud.client("cloudformation"), command_line.cloud.client("s3")
    cloudformation.delete_stack(StackName="changing")
    [stack] = cloudformation.describe_stacks(StackName="changing")["Stacks"]
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert "not empty" in stack["StackStatusReason"]
    s3.delete_object(Bucket=bucket, Key="kept")
    cloudformation.delete_stack(StackName="changing")
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="changing")


def definitions(*, memory: str) -> str:
    """A job definition whose old revisions stay, and one whose do not."""
    container = {
        "Image": "i",
        "ResourceRequirements": [{"Type": "VCPU", "Value": "1"}, {"Type": "MEMORY", "Value": memory}],
    }
    plain = {"Type": "container", "ContainerProperties": container}
    kept = plain | {"ResourceRetentionPolicy": {"SkipDeregisterOnUpdate": True}}
    declared = {"Kept": kept, "Replaced": plain}
    return json.dumps(
        {"Resources": {n: {"Type": "AWS::Batch::JobDefinition", "Properties": p} for n, p in declared.items()}}
    )


def test_a_job_definition_keeps_its_old_revisions_if_it_is_declared_so(command_line: CommandLine) -> None:
    cloudformation, batch = command_line.cloud.client("cloudformation"), command_line.cloud.client("batch")
    cloudformation.create_stack(StackName="changing", TemplateBody=definitions(memory="512"))
    first = resources(command_line)
    cloudformation.update_stack(StackName="changing", TemplateBody=definitions(memory="1024"))
    second = resources(command_line)
    arns = [arn for each in (first, second) for arn in (each["Kept"], each["Replaced"])]
    found = batch.describe_job_definitions(jobDefinitions=arns)["jobDefinitions"]
    status = {each["jobDefinitionArn"]: each["status"] for each in found}
    assert [status[arn] for arn in arns] == ["ACTIVE", "INACTIVE", "ACTIVE", "ACTIVE"]
    cloudformation.delete_stack(StackName="changing")


def resources(command_line: CommandLine) -> dict[str, str]:
    listed = command_line.cloud.client("cloudformation").list_stack_resources(StackName="changing")
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed["StackResourceSummaries"]}


def test_a_stack_is_rolled_back_although_its_nested_templates_were_deleted(command_line: CommandLine) -> None:
    """As `sam delete` does it with another stack of the same packages."""
    s3, cloudformation = command_line.cloud.client("s3"), command_line.cloud.client("cloudformation")
    s3.create_bucket(Bucket="packages")

    def put(key: str, retention: int) -> str:
        logs = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": retention}}
        s3.put_object(Bucket="packages", Key=key, Body=json.dumps({"Resources": {"Logs": logs}}).encode())
        return f"https://s3.us-east-1.amazonaws.com/packages/{key}"

    def whole(url: str, **more: Any) -> str:
        nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        return json.dumps({"Resources": {"Nested": nested, **more}})

    cloudformation.create_stack(StackName="changing", TemplateBody=whole(put("old", 7)))
    s3.delete_object(Bucket="packages", Key="old")
    unfit = {"Bucket": "no-such-bucket", "PolicyDocument": {"Statement": []}}
    policy = {"Type": "AWS::S3::BucketPolicy", "DependsOn": "Nested", "Properties": unfit}
    cloudformation.update_stack(StackName="changing", TemplateBody=whole(put("new", 30), Policy=policy))
    stack = cloudformation.describe_stacks(StackName="changing")["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", stack["StackStatusReason"]
    groups = command_line.cloud.client("logs").describe_log_groups()["logGroups"]
    assert [group.get("retentionInDays") for group in groups if group["logGroupName"].startswith("changing")] == [7], (
        groups
    )
    cloudformation.delete_stack(StackName="changing")
    s3.delete_object(Bucket="packages", Key="new")
    s3.delete_bucket(Bucket="packages")


NAMES = [("9bad", "regular expression"), ("bad_name", "regular expression"), ("x" * 129, "equal to 128")]


@pytest.mark.parametrize(("name", "words"), NAMES)
def test_a_name_that_cloudformation_refuses_is_refused_before_anything_is_made(
    command_line: CommandLine, name: str, words: str
) -> None:
    cloudformation = command_line.cloud.client("cloudformation")
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    with pytest.raises(ClientError, match=f"at 'stackName' failed to satisfy constraint.*{words}"):
        cloudformation.create_stack(StackName=name, TemplateBody=body)
    with pytest.raises(ClientError, match=f"at 'stackName' failed to satisfy constraint.*{words}"):
        cloudformation.create_change_set(StackName=name, ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=body)


@pytest.mark.parametrize(
    ("expression", "zone", "words"),
    [("bad", "UTC", "Invalid Schedule Expression"), ("rate(1 day)", "Mars/Olympus", "Invalid Schedule Timezone")],
)
def test_a_schedule_that_the_scheduler_refuses_is_rolled_back_in_words(
    command_line: CommandLine, expression: str, zone: str, words: str
) -> None:
    cloudformation = command_line.cloud.client("cloudformation")
    target = {"Arn": "arn:aws:sns:us-east-1:1:t", "RoleArn": "arn:aws:iam::1:role/r"}
    schedule = {"ScheduleExpression": expression, "ScheduleExpressionTimezone": zone, "Target": target}
    schedule["FlexibleTimeWindow"] = {"Mode": "OFF"}
    body = json.dumps({"Resources": {"Nightly": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule}}})
    cloudformation.create_stack(StackName="changing", TemplateBody=body)
    [stack] = cloudformation.describe_stacks(StackName="changing")["Stacks"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert words in stack["StackStatusReason"]
    cloudformation.delete_stack(StackName="changing")


def test_a_table_has_the_encryption_and_the_backups_that_are_declared(command_line: CommandLine) -> None:
    cloudformation, dynamodb = command_line.cloud.client("cloudformation"), command_line.cloud.client("dynamodb")
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
    }
    body = json.dumps({"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}}})
    cloudformation.create_stack(StackName="changing", TemplateBody=body)
    name = resources(command_line)["Table"]
    described = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert dynamodb.describe_table(TableName=name)["Table"]["SSEDescription"]["Status"] == "ENABLED"
    cloudformation.delete_stack(StackName="changing")


def test_no_function_has_a_url_for_sam_list_endpoints(command_line: CommandLine) -> None:
    client = command_line.cloud.client("cloudcontrol")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_resource(TypeName="AWS::Lambda::Url", Identifier="f")


@pytest.mark.parametrize(
    ("operation", "parameters", "words"),
    [
        ("create_stack", {"TemplateBody": template(cpus=2)}, r"Requires capabilities : \[CAPABILITY_IAM\]"),
        ("create_change_set", {"ChangeSetName": "c", "TemplateBody": "{"}, "Template error"),
        ("create_change_set", {"ChangeSetName": "c", "TemplateURL": "https://s3.amazonaws.com/b/k"}, "S3 error"),
        ("create_change_set", {"ChangeSetName": "c", "TemplateBody": template(cpus=2)}, "Requires capabilities"),
        ("detect_stack_drift", {}, "does not answer CloudFormation's 'DetectStackDrift'"),
        ("execute_change_set", {"ChangeSetName": "c"}, "does not exist"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    command_line: CommandLine, operation: str, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=words):
        getattr(command_line.cloud.client("cloudformation"), operation)(StackName="refused", **parameters)


def test_a_type_that_is_not_emulated_is_named_by_the_stack_that_was_rolled_back(command_line: CommandLine) -> None:
    cloudformation = command_line.cloud.client("cloudformation")
    body = '{"Resources": {"A": {"Type": "AWS::No::Thing"}}}'
    cloudformation.create_stack(StackName="unknown", TemplateBody=body)
    [stack] = cloudformation.describe_stacks(StackName="unknown")["Stacks"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "types that localcloud does not emulate: A (AWS::No::Thing)" in stack["StackStatusReason"]
    cloudformation.delete_stack(StackName="unknown")
