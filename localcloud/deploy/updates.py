"""How resources change in place, by type. All others are deleted and created again, under the same name."""

import json
from collections.abc import Callable
from typing import Any

from localcloud.clients import input_shape
from localcloud.deploy.registry import CREATORS, Declaration
from localcloud.deploy.removal import bare_role, remove
from localcloud.deploy.resources import custom, functions, identity, storage, workflows
from localcloud.deploy.stack import Created

Updater = Callable[[Declaration, Created], Created]


def update(this: Declaration, before: Declaration, created: Created) -> Created:
    """Make what ``before`` declared into what ``this`` declares; its new identity, if it got one."""
    if this.type.startswith("Custom::") or this.type == custom.CUSTOM:
        return _custom(this, before, created)
    updater = _UPDATERS.get(this.type)
    if updater is not None and _name(this) == _name(before):
        return updater(this, created)
    remove(before, created)
    return CREATORS[this.type](this)


def _name(this: Declaration) -> Any:
    """Another explicit name is another resource."""
    return next((this.properties.get(prop) for prop in _NAMES if prop in this.properties), None)


_NAMES = (
    "FunctionName",
    "RoleName",
    "BucketName",
    "StateMachineName",
    "LogGroupName",
    "TableName",
    "JobDefinitionName",
)


def _custom(this: Declaration, before: Declaration, created: Created) -> Created:
    made = custom.update(this, before, created)
    if made.physical_id != created.physical_id:
        custom.delete(before, created)
    return made


def _layer_version(this: Declaration, _: Created) -> Created:
    """Another version; the old one stays for those that still use it."""
    return functions.layer_version(this)


def _state_machine(this: Declaration, created: Created) -> Created:
    _, definition = workflows.definition(this)
    this.without_effect("StateMachineName", "StateMachineType", "DefinitionUri", "Tags")
    parameters = {}
    shape = input_shape("stepfunctions", "UpdateStateMachine")
    for prop in ("LoggingConfiguration", "TracingConfiguration"):
        value = this.take(prop)
        if value is not None:
            member = prop[0].lower() + prop[1:]
            parameters[member] = this.converted(value, shape.members[member], prop)
    this.without_effect("EncryptionConfiguration")
    arn = created.physical_id
    role = this.need("RoleArn")
    text = json.dumps(definition)
    this.call("stepfunctions", "update_state_machine", stateMachineArn=arn, definition=text, roleArn=role, **parameters)
    return created


def _job_definition(this: Declaration, created: Created) -> Created:
    """Another revision; jobs of the old one can be submitted no more, unless its declaration asks for that."""
    made = CREATORS[this.type](this)
    if not (this.properties.get("ResourceRetentionPolicy") or {}).get("SkipDeregisterOnUpdate"):
        this.call("batch", "deregister_job_definition", jobDefinition=created.physical_id)
    return made


def _job_queue(this: Declaration, created: Created) -> Created:
    parameters = this.as_parameters("batch", "UpdateJobQueue", skip=("JobQueueName", "Tags", "JobQueueType"))
    this.without_effect("JobQueueName", "Tags", "JobQueueType")
    this.call("batch", "update_job_queue", jobQueue=created.physical_id, **parameters)
    return created


def _compute_environment(this: Declaration, created: Created) -> Created:
    fixed = ("ComputeEnvironmentName", "Type", "Tags", "ReplaceComputeEnvironment", "UpdatePolicy", "EksConfiguration")
    parameters = this.as_parameters("batch", "UpdateComputeEnvironment", skip=fixed)
    this.without_effect(*fixed)
    this.call("batch", "update_compute_environment", computeEnvironment=created.physical_id, **parameters)
    return created


def _alias(this: Declaration, created: Created) -> Created:
    this.without_effect("ProvisionedConcurrencyConfig")
    this.call(
        "lambda",
        "update_alias",
        FunctionName=this.need("FunctionName"),
        Name=this.need("Name"),
        FunctionVersion=this.need("FunctionVersion"),
        Description=this.take("Description"),
    )
    return created


def _role(this: Declaration, created: Created) -> Created:
    bare_role(this, created.physical_id)
    document = identity.dated(this.need("AssumeRolePolicyDocument"))
    this.call("iam", "update_assume_role_policy", RoleName=created.physical_id, PolicyDocument=document)
    identity.grant(this, created.physical_id)
    this.without_effect("RoleName", "Path", "Description", "MaxSessionDuration", "Tags")
    return created


def _bucket(this: Declaration, created: Created) -> Created:
    this.without_effect("BucketName")
    storage.bucket_settings(this, created.physical_id)
    return created


def _log_group(this: Declaration, created: Created) -> Created:
    storage.log_group_settings(this, created.physical_id)
    this.without_effect("LogGroupName", "Tags")
    return created


def _table(this: Declaration, created: Created) -> Created:
    storage.time_to_live(this, created.physical_id)
    storage.backups(this, created.physical_id)
    this.without_effect(*this.properties)  # a table with other keys would be another table, without its rows
    return created


_UPDATERS: dict[str, Updater] = {
    "AWS::StepFunctions::StateMachine": _state_machine,
    "AWS::Batch::JobDefinition": _job_definition,
    "AWS::Batch::JobQueue": _job_queue,
    "AWS::Batch::ComputeEnvironment": _compute_environment,
    "AWS::Lambda::Function": functions.change,
    "AWS::Lambda::Alias": _alias,
    "AWS::IAM::Role": _role,
    "AWS::S3::Bucket": _bucket,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::DynamoDB::Table": _table,
    "AWS::Lambda::LayerVersion": _layer_version,
}
