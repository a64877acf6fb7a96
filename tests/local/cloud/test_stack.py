"""The stack through CloudFormation's calls, and its resources through their own."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud_process import Cloud


def test_the_stack_is_described_with_outputs_and_parameters(little: Cloud) -> None:
    [stack] = little.client("cloudformation").describe_stacks(StackName="little")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Description"] == "A little of everything that the local cloud emulates"
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs == little.outputs
    assert "Absent" not in outputs
    assert outputs["BucketName"] == "little-bucket-123456789012"
    assert outputs["SubnetBlock"] == "10.0.1.0/24"
    assert outputs["Greeting"] == "little in us-east-1: ${literal} little-Topic"
    parameters = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
    assert parameters == {"Stage": "test", "Subnets": "10.0.0.0/24,10.0.1.0/24"}
    by_arn = little.client("cloudformation").describe_stacks(StackName=stack["StackId"])["Stacks"]
    assert [each["StackName"] for each in by_arn] == ["little"]


def test_a_stack_that_is_not_there_is_a_validation_error(little: Cloud) -> None:
    with pytest.raises(ClientError, match=r"\(ValidationError\).*Stack with id nobody does not exist"):
        little.client("cloudformation").describe_stacks(StackName="nobody")


def test_resources_are_listed_with_their_physical_names(little: Cloud) -> None:
    client = little.client("cloudformation")
    listed = client.list_stack_resources(StackName="little")["StackResourceSummaries"]
    names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}
    assert names["Bucket"] == "little-bucket-123456789012"
    assert names["EchoFunction"] == "little-EchoFunction"
    assert "OnlyInProduction" not in names
    assert len(client.describe_stack_resources(StackName="little")["StackResources"]) == len(listed)
    one = client.describe_stack_resource(StackName="little", LogicalResourceId="Vpc")["StackResourceDetail"]
    assert one["ResourceStatusReason"] == "Accepted by localcloud; nothing stands behind it"
    with pytest.raises(ClientError, match="Resource Nobody does not exist for stack little"):
        client.describe_stack_resource(StackName="little", LogicalResourceId="Nobody")


def test_the_template_is_given_back(little: Cloud) -> None:
    client = little.client("cloudformation")
    assert "AWS::Serverless::Function" in client.get_template(StackName="little")["TemplateBody"]
    processed = client.get_template(StackName="little", TemplateStage="Processed")["TemplateBody"]
    assert processed["Resources"]["EchoFunction"]["Type"] == "AWS::Lambda::Function"
    assert [stack["StackName"] for stack in client.list_stacks()["StackSummaries"]] == ["little"]


def test_resources_exist_in_their_own_services(little: Cloud) -> None:
    function = little.client("lambda").get_function_configuration(FunctionName="little-MischiefFunction")
    assert (function["Timeout"], function["Handler"]) == (1, "little.mischief")
    assert function["LoggingConfig"]["LogGroup"] == "/little/mischief"
    assert function["Environment"]["Variables"] == {"AWS_ENDPOINT_URL": "", "STAGE": "test"}
    [group] = little.client("logs").describe_log_groups(logGroupNamePrefix="/little/mischief")["logGroups"]
    assert group["retentionInDays"] == 7
    setting = little.client("ssm").get_parameter(Name="/little/setting")["Parameter"]
    assert setting["Value"] == "10.0.0.0/24|10.0.1.0/24"
    iam = little.client("iam")
    policies = iam.list_role_policies(RoleName="little-EchoFunctionRole")["PolicyNames"]
    document = iam.get_role_policy(RoleName="little-EchoFunctionRole", PolicyName=policies[0])["PolicyDocument"]
    assert "arn:aws:s3:::little-bucket-123456789012" in json.dumps(document)
    attached = iam.list_attached_role_policies(RoleName="little-InstanceRole")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonEC2ContainerServiceforEC2Role"]


def test_batch_s_control_plane_is_described_as_declared(little: Cloud) -> None:
    batch = little.client("batch")
    [definition] = batch.describe_job_definitions(jobDefinitions=[little.outputs["DefinitionArn"]])["jobDefinitions"]
    assert definition["retryStrategy"] == {"attempts": 2, "evaluateOnExit": [{"onExitCode": "2", "action": "EXIT"}]}
    assert definition["timeout"] == {"attemptDurationSeconds": 60}
    [queue] = batch.describe_job_queues(jobQueues=["little-Queue"])["jobQueues"]
    assert queue["jobStateTimeLimitActions"][0]["reason"] == "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    [environment] = batch.describe_compute_environments()["computeEnvironments"]
    assert environment["computeResources"]["instanceTypes"] == ["default_x86_64"]
    arn = definition["jobDefinitionArn"]
    batch.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    batch.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}


def test_a_definition_registered_later_runs(little: Cloud) -> None:
    batch = little.client("batch")
    needs = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "64"}]
    container = {"image": "anything/tiny:2", "command": ["hello"], "resourceRequirements": needs}
    made = batch.register_job_definition(jobDefinitionName="later", type="container", containerProperties=container)
    job = batch.submit_job(jobName="j", jobDefinition="later", jobQueue="little-Queue")
    assert made["revision"] == 1
    assert batch.describe_jobs(jobs=[job["jobId"]])["jobs"][0]["jobDefinition"] == made["jobDefinitionArn"]


def test_the_developer_is_the_account_s_root(little: Cloud) -> None:
    assert little.client("sts").get_caller_identity()["Account"] == "123456789012"
