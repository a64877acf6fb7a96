"""IAM: roles and what they may do."""

import json
from typing import Any

from localcloud.deploy.registry import Declaration, creates
from localcloud.deploy.stack import Created


@creates("AWS::IAM::Role")
def role(this: Declaration) -> Created:
    name = this.name("RoleName", limit=64)
    made = this.call(
        "iam",
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=dated(this.need("AssumeRolePolicyDocument")),
        Path=this.take("Path"),
        Description=this.take("Description"),
        MaxSessionDuration=_number(this.take("MaxSessionDuration")),
        PermissionsBoundary=this.take("PermissionsBoundary"),
        Tags=[{"Key": key, "Value": value} for key, value in this.tags().items()],
    )["Role"]
    grant(this, name)
    return Created(physical_id=name, attributes={"Arn": made["Arn"], "RoleId": made["RoleId"]})


def grant(this: Declaration, name: str) -> None:
    """Give a role the policies that it declares."""
    for arn in this.take("ManagedPolicyArns", []):
        this.call("iam", "attach_role_policy", RoleName=name, PolicyArn=arn)
    for policy in this.take("Policies", []):
        _inline(this, name, policy["PolicyName"], policy["PolicyDocument"])


@creates("AWS::IAM::Policy")
def policy(this: Declaration) -> Created:
    name = this.need("PolicyName")
    document = this.need("PolicyDocument")
    for role_name in this.take("Roles", []):
        _inline(this, role_name, name, document)
    return Created(physical_id=name)


@creates("AWS::IAM::RolePolicy")
def role_policy(this: Declaration) -> Created:
    name = this.need("PolicyName")
    _inline(this, this.need("RoleName"), name, this.need("PolicyDocument"))
    return Created(physical_id=name)


@creates("AWS::IAM::ManagedPolicy")
def managed_policy(this: Declaration) -> Created:
    made = this.call(
        "iam",
        "create_policy",
        PolicyName=this.name("ManagedPolicyName", limit=128),
        PolicyDocument=dated(this.need("PolicyDocument")),
        Path=this.take("Path"),
        Description=this.take("Description"),
    )["Policy"]
    for role_name in this.take("Roles", []):
        this.call("iam", "attach_role_policy", RoleName=role_name, PolicyArn=made["Arn"])
    return Created(physical_id=made["Arn"], attributes={"PolicyArn": made["Arn"], "PolicyId": made["PolicyId"]})


@creates("AWS::IAM::InstanceProfile")
def instance_profile(this: Declaration) -> Created:
    name = this.name("InstanceProfileName", limit=128)
    made = this.call("iam", "create_instance_profile", InstanceProfileName=name, Path=this.take("Path"))
    for role_name in this.need("Roles"):
        this.call("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=role_name)
    return Created(physical_id=name, attributes={"Arn": made["InstanceProfile"]["Arn"]})


def _inline(this: Declaration, role_name: str, name: str, document: Any) -> None:
    this.call("iam", "put_role_policy", RoleName=role_name, PolicyName=name, PolicyDocument=dated(document))


def dated(document: dict[str, Any]) -> str:
    """AWS takes a document without Version, which the serverless transform writes; moto does not."""
    return json.dumps({"Version": "2012-10-17"} | document)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
