"""How resources are deleted, by type. What is gone already counts as deleted."""

from collections.abc import Callable
from typing import Any

from localcloud.deploy.registry import UNEMULATED, Declaration
from localcloud.deploy.stack import Created
from localcloud.errors import DeployError

Remover = Callable[[Declaration, Created], None]
REMOVERS: dict[str, Remover] = {}
_GONE = ("NotFound", "NoSuch", "DoesNotExist", "not found", "does not exist", "not exist", "cannot be found")


def remove(this: Declaration, created: Created) -> None:
    """Delete what was created; DeployError says why it cannot be."""
    remover = REMOVERS.get("AWS::CloudFormation::CustomResource" if this.type.startswith("Custom::") else this.type)
    if remover is not None:
        remover(this, created)
        return
    assert this.type in UNEMULATED, f"{this.type} can be created but not deleted"


def removes(type_name: str) -> Callable[[Remover], Remover]:
    """Register the remover of a type."""

    def register(remover: Remover) -> Remover:
        assert type_name not in REMOVERS, f"{type_name} has two removers"
        REMOVERS[type_name] = remover
        return remover

    return register


def attempt(this: Declaration, service: str, operation: str, **parameters: Any) -> Any:
    """Call the local API; None when it answers that there is no such thing."""
    try:
        return this.call(service, operation, **parameters)
    except DeployError as error:
        if any(word.lower() in f"{error.problem} {error.__cause__}".lower() for word in _GONE):
            return None
        raise


def _plain(service: str, operation: str, parameter: str, *, attribute: str = "") -> Remover:
    """One call with the physical id, or with an attribute."""

    def remover(this: Declaration, created: Created) -> None:
        value = created.attributes[attribute] if attribute else created.physical_id
        attempt(this, service, operation, **{parameter: value})

    return remover


REMOVERS.update(
    {
        "AWS::S3::Bucket": _plain("s3", "delete_bucket", "Bucket"),
        "AWS::S3::BucketPolicy": _plain("s3", "delete_bucket_policy", "Bucket"),
        "AWS::DynamoDB::Table": _plain("dynamodb", "delete_table", "TableName"),
        "AWS::Logs::LogGroup": _plain("logs", "delete_log_group", "logGroupName"),
        "AWS::SNS::Topic": _plain("sns", "delete_topic", "TopicArn"),
        "AWS::SNS::Subscription": _plain("sns", "unsubscribe", "SubscriptionArn"),
        "AWS::SQS::Queue": _plain("sqs", "delete_queue", "QueueUrl"),
        "AWS::SSM::Parameter": _plain("ssm", "delete_parameter", "Name"),
        "AWS::StepFunctions::StateMachine": _plain("stepfunctions", "delete_state_machine", "stateMachineArn"),
        "AWS::Scheduler::Schedule": _plain("scheduler", "delete_schedule", "Name"),
        "AWS::Scheduler::ScheduleGroup": _plain("scheduler", "delete_schedule_group", "Name"),
        "AWS::Lambda::Function": _plain("lambda", "delete_function", "FunctionName"),
        "AWS::Batch::JobDefinition": _plain("batch", "deregister_job_definition", "jobDefinition"),
        "AWS::Lambda::Version": lambda *_: None,  # goes with its function
    }
)


@removes("AWS::Lambda::LayerVersion")
def _layer_version(this: Declaration, created: Created) -> None:
    name, _, version = created.physical_id.partition(":layer:")[2].rpartition(":")
    attempt(this, "lambda", "delete_layer_version", LayerName=name, VersionNumber=int(version))


@removes("AWS::Lambda::Alias")
def _alias(this: Declaration, created: Created) -> None:
    function, _, name = created.physical_id.rpartition(":")
    attempt(this, "lambda", "delete_alias", FunctionName=function, Name=name)


@removes("AWS::Lambda::Permission")
def _permission(this: Declaration, created: Created) -> None:
    function = this.properties["FunctionName"]
    attempt(this, "lambda", "remove_permission", FunctionName=function, StatementId=created.physical_id)


@removes("AWS::IAM::Role")
def _role(this: Declaration, created: Created) -> None:
    bare_role(this, created.physical_id)
    attempt(this, "iam", "delete_role", RoleName=created.physical_id)


def bare_role(this: Declaration, name: str) -> None:
    """Take every policy from a role."""
    inline = attempt(this, "iam", "list_role_policies", RoleName=name) or {"PolicyNames": []}
    for policy in inline["PolicyNames"]:
        this.call("iam", "delete_role_policy", RoleName=name, PolicyName=policy)
    attached = attempt(this, "iam", "list_attached_role_policies", RoleName=name) or {"AttachedPolicies": []}
    for policy in attached["AttachedPolicies"]:
        this.call("iam", "detach_role_policy", RoleName=name, PolicyArn=policy["PolicyArn"])


@removes("AWS::IAM::InstanceProfile")
def _instance_profile(this: Declaration, created: Created) -> None:
    name = created.physical_id
    for role in this.properties["Roles"]:
        attempt(this, "iam", "remove_role_from_instance_profile", InstanceProfileName=name, RoleName=role)
    attempt(this, "iam", "delete_instance_profile", InstanceProfileName=name)


@removes("AWS::IAM::ManagedPolicy")
def _managed_policy(this: Declaration, created: Created) -> None:
    arn = created.physical_id
    attached = attempt(this, "iam", "list_entities_for_policy", PolicyArn=arn) or {"PolicyRoles": []}
    for role in attached["PolicyRoles"]:
        this.call("iam", "detach_role_policy", RoleName=role["RoleName"], PolicyArn=arn)
    attempt(this, "iam", "delete_policy", PolicyArn=arn)


@removes("AWS::IAM::Policy")
def _policy(this: Declaration, created: Created) -> None:
    for role in this.properties.get("Roles", []):
        attempt(this, "iam", "delete_role_policy", RoleName=role, PolicyName=created.physical_id)


@removes("AWS::IAM::RolePolicy")
def _role_policy(this: Declaration, created: Created) -> None:
    role = this.properties["RoleName"]
    attempt(this, "iam", "delete_role_policy", RoleName=role, PolicyName=created.physical_id)


@removes("AWS::Batch::JobQueue")
def _job_queue(this: Declaration, created: Created) -> None:
    attempt(this, "batch", "update_job_queue", jobQueue=created.physical_id, state="DISABLED")
    attempt(this, "batch", "delete_job_queue", jobQueue=created.physical_id)


@removes("AWS::Batch::ComputeEnvironment")
def _compute_environment(this: Declaration, created: Created) -> None:
    arn = created.physical_id
    attempt(this, "batch", "update_compute_environment", computeEnvironment=arn, state="DISABLED")
    attempt(this, "batch", "delete_compute_environment", computeEnvironment=arn)


@removes("AWS::Events::Rule")
def _rule(this: Declaration, created: Created) -> None:
    bus = this.properties.get("EventBusName")
    targets = [target["Id"] for target in this.properties.get("Targets", [])]
    if targets:
        attempt(this, "events", "remove_targets", Rule=created.physical_id, EventBusName=bus, Ids=targets)
    attempt(this, "events", "delete_rule", Name=created.physical_id, EventBusName=bus)
