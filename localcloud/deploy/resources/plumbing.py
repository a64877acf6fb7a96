"""Types that are accepted so that a template deploys whole, with nothing behind them here.

Nothing runs in a VPC on this machine, no image is pulled and no key encrypts: these resources only need an identity
that others can refer to. Identifiers are digests of stack and logical id, the same in every run.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from localcloud.deploy.registry import CREATORS, UNEMULATED, Declaration
from localcloud.deploy.stack import Created, physical_name

Attributes = Callable[[Declaration, str], dict[str, Any]]


def _identifier(this: Declaration, prefix: str) -> str:
    digest = hashlib.sha256(f"{this.prefix}/{this.logical_id}".encode()).hexdigest()
    return f"{prefix}-{digest[:17]}"


def _properties(*names: str) -> Attributes:
    return lambda this, _: {name: this.properties[name] for name in names if name in this.properties}


def _vpc(this: Declaration, _: str) -> dict[str, Any]:
    return {
        "CidrBlock": this.properties.get("CidrBlock", "10.0.0.0/16"),
        "DefaultSecurityGroup": _identifier(this, "sg"),
        "DefaultNetworkAcl": _identifier(this, "acl"),
    }


def _repository(this: Declaration, name: str) -> dict[str, Any]:
    place = this.place
    uri = f"{place.account}.dkr.ecr.{place.region}.amazonaws.com/{name}"
    return {"Arn": place.arn("ecr", f"repository/{name}"), "RepositoryUri": uri}


def _arn(service: str, resource: str) -> Attributes:
    return lambda this, identity: {"Arn": this.place.arn(service, f"{resource}{identity}")}


_file_system = _properties("FileSystemId")


def _template_versions(_: Declaration, __: str) -> dict[str, Any]:
    return {"LatestVersionNumber": "1", "DefaultVersionNumber": "1"}


def _address(_: Declaration, __: str) -> dict[str, Any]:
    return {"IpAddress": "127.0.0.1"}


def _access_point(this: Declaration, identity: str) -> dict[str, Any]:
    return {"Arn": this.place.arn("elasticfilesystem", f"access-point/{identity}"), **_file_system(this, identity)}


# Type → (prefix of its identifier, the attribute that repeats it, further attributes)
_IDENTIFIED: Final[Mapping[str, tuple[str, str, Attributes | None]]] = {
    "AWS::EC2::VPC": ("vpc", "VpcId", _vpc),
    "AWS::EC2::Subnet": ("subnet", "SubnetId", _properties("AvailabilityZone", "CidrBlock", "VpcId")),
    "AWS::EC2::InternetGateway": ("igw", "InternetGatewayId", None),
    "AWS::EC2::EgressOnlyInternetGateway": ("eigw", "Id", None),
    "AWS::EC2::NatGateway": ("nat", "NatGatewayId", None),
    "AWS::EC2::EIP": ("eipalloc", "AllocationId", None),
    "AWS::EC2::VPCGatewayAttachment": ("attach", "AttachmentType", None),
    "AWS::EC2::RouteTable": ("rtb", "RouteTableId", None),
    "AWS::EC2::Route": ("route", "Id", _properties("DestinationCidrBlock")),
    "AWS::EC2::SubnetRouteTableAssociation": ("rtbassoc", "Id", None),
    "AWS::EC2::NetworkAcl": ("acl", "Id", None),
    "AWS::EC2::NetworkAclEntry": ("aclentry", "Id", None),
    "AWS::EC2::SecurityGroup": ("sg", "GroupId", _properties("VpcId")),
    "AWS::EC2::SecurityGroupIngress": ("sgr", "Id", None),
    "AWS::EC2::SecurityGroupEgress": ("sgr", "Id", None),
    "AWS::EC2::VPCEndpoint": ("vpce", "Id", None),
    "AWS::EC2::FlowLog": ("fl", "Id", None),
    "AWS::EC2::LaunchTemplate": ("lt", "LaunchTemplateId", _template_versions),
    "AWS::EFS::FileSystem": ("fs", "FileSystemId", _arn("elasticfilesystem", "file-system/")),
    "AWS::EFS::AccessPoint": ("fsap", "AccessPointId", _access_point),
    "AWS::EFS::MountTarget": ("fsmt", "Id", _address),
    "AWS::KMS::Key": ("key", "KeyId", _arn("kms", "key/")),
    "AWS::FIS::ExperimentTemplate": ("EXT", "Id", None),
}

# Type → (property that names it, further attributes)
_NAMED: Final[Mapping[str, tuple[str, Attributes | None]]] = {
    "AWS::ECR::Repository": ("RepositoryName", _repository),
    "AWS::CodeBuild::Project": ("Name", _arn("codebuild", "project/")),
    "AWS::CloudWatch::Alarm": ("AlarmName", _arn("cloudwatch", "alarm:")),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName", _arn("cloudwatch", "alarm:")),
    "AWS::CloudWatch::Dashboard": ("DashboardName", None),
    "AWS::KMS::Alias": ("AliasName", None),
    "AWS::Logs::ResourcePolicy": ("PolicyName", None),
    "AWS::Logs::MetricFilter": ("FilterName", None),
    "AWS::SNS::TopicPolicy": ("Id", None),
    "AWS::SQS::QueuePolicy": ("Id", None),
    "AWS::Lambda::EventInvokeConfig": ("Id", None),
    "AWS::IAM::ServiceLinkedRole": ("RoleName", None),
    "AWS::Budgets::Budget": ("BudgetName", None),
    "AWS::CloudFormation::WaitConditionHandle": ("Id", None),
}


def _identified(prefix: str, attribute: str, further: Attributes | None) -> Callable[[Declaration], Created]:
    def create(this: Declaration) -> Created:
        identity = _identifier(this, prefix)
        attributes = {attribute: identity, "Id": identity, **(further(this, identity) if further else {})}
        this.without_effect(*this.properties)
        return Created(physical_id=identity, attributes=attributes)

    return create


def _named(prop: str, further: Attributes | None) -> Callable[[Declaration], Created]:
    def create(this: Declaration) -> Created:
        name = str(this.take(prop) or physical_name(this.prefix, this.logical_id, limit=128).lower())
        this.without_effect(*this.properties)
        return Created(physical_id=name, attributes=further(this, name) if further else {})

    return create


for _type, _entry in _IDENTIFIED.items():
    CREATORS[_type] = _identified(*_entry)
for _type, _other in _NAMED.items():
    CREATORS[_type] = _named(*_other)
UNEMULATED.update(_IDENTIFIED, _NAMED)
