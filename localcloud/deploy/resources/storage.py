"""Buckets, tables and log groups."""

import json
from typing import Any

from localcloud.clients import input_shape
from localcloud.deploy.registry import Declaration, creates
from localcloud.deploy.shapes import api_parameters
from localcloud.deploy.stack import Created, bucket_name

# Property of the bucket → (operation, parameter); their contents have the API's own names.
_BUCKET_SETTINGS = {
    "VersioningConfiguration": ("put_bucket_versioning", "VersioningConfiguration"),
    "PublicAccessBlockConfiguration": ("put_public_access_block", "PublicAccessBlockConfiguration"),
    "OwnershipControls": ("put_bucket_ownership_controls", "OwnershipControls"),
}


@creates("AWS::S3::Bucket")
def bucket(this: Declaration) -> Created:
    place = this.place
    name = str(this.take("BucketName") or bucket_name(this.prefix, this.logical_id, place.account))
    elsewhere = {"LocationConstraint": place.region} if place.region != "us-east-1" else None
    this.call("s3", "create_bucket", Bucket=name, CreateBucketConfiguration=elsewhere)
    bucket_settings(this, name)
    domain = f"{name}.s3.amazonaws.com"
    return Created(
        physical_id=name,
        attributes={
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": domain,
            "RegionalDomainName": f"{name}.s3.{place.region}.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{place.region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{place.region}.amazonaws.com",
        },
    )


def bucket_settings(this: Declaration, name: str) -> None:
    """Everything that a bucket declares but its name."""
    for prop, (operation, parameter) in _BUCKET_SETTINGS.items():
        value = this.take(prop)
        if value is not None:
            shape = input_shape("s3", operation).members[parameter]
            where = f"{this.where}.{prop}"
            this.call("s3", operation, Bucket=name, **{parameter: api_parameters(value, shape, where)})
    _encryption(this, name)
    _bucket_tags(this, name)
    # objects do not age here; CORS and metrics have no one to serve
    this.without_effect("LifecycleConfiguration", "CorsConfiguration", "MetricsConfigurations", "LoggingConfiguration")


def _encryption(this: Declaration, name: str) -> None:
    rules = (this.take("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration")
    if not rules:
        return
    configuration = {
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
                "BucketKeyEnabled": str(rule.get("BucketKeyEnabled", False)).lower() == "true",
            }
            for rule in rules
        ]
    }
    this.call("s3", "put_bucket_encryption", Bucket=name, ServerSideEncryptionConfiguration=configuration)


def _bucket_tags(this: Declaration, name: str) -> None:
    tags = this.tags()
    if tags:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        this.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": pairs})


@creates("AWS::S3::BucketPolicy")
def bucket_policy(this: Declaration) -> Created:
    name = str(this.need("Bucket"))
    this.call("s3", "put_bucket_policy", Bucket=name, Policy=json.dumps(this.need("PolicyDocument")))
    return Created(physical_id=name)


@creates("AWS::DynamoDB::Table")
def table(this: Declaration) -> Created:
    name = this.name("TableName", limit=255)
    this.without_effect("ContributorInsightsSpecification", "ResourcePolicy")
    own = {"StreamSpecification": _stream(this), "SSESpecification": _table_encryption(this)}
    skip = ("TableName", "TimeToLiveSpecification", "PointInTimeRecoverySpecification", "ResourcePolicy")
    parameters = this.as_parameters("dynamodb", "CreateTable", skip=(*skip, *own, "ContributorInsightsSpecification"))
    made = this.call("dynamodb", "create_table", TableName=name, **own, **parameters)
    time_to_live(this, name)
    backups(this, name)
    description = made["TableDescription"]
    attributes = {"Arn": description["TableArn"], "TableId": description.get("TableId", "")}
    if "LatestStreamArn" in description:
        attributes["StreamArn"] = description["LatestStreamArn"]
    return Created(physical_id=name, attributes=attributes)


def time_to_live(this: Declaration, name: str) -> None:
    ttl = this.take("TimeToLiveSpecification")
    if ttl:
        enabled = str(ttl["Enabled"]).lower() == "true"
        specification = {"AttributeName": ttl["AttributeName"], "Enabled": enabled}
        this.call("dynamodb", "update_time_to_live", TableName=name, TimeToLiveSpecification=specification)


def backups(this: Declaration, name: str) -> None:
    specification = this.take("PointInTimeRecoverySpecification")
    if specification:
        enabled = str(specification.get("PointInTimeRecoveryEnabled")).lower() == "true"
        wanted = {"PointInTimeRecoveryEnabled": enabled}
        this.call("dynamodb", "update_continuous_backups", TableName=name, PointInTimeRecoverySpecification=wanted)


def _table_encryption(this: Declaration) -> dict[str, Any] | None:
    """CloudFormation calls it ``SSEEnabled``, the service ``Enabled``."""
    declared = this.take("SSESpecification")
    if declared is None:
        return None
    enabled = str(declared["SSEEnabled"]).lower() == "true"
    return {"Enabled": enabled} | {key: value for key, value in declared.items() if key != "SSEEnabled"}


def _stream(this: Declaration) -> dict[str, Any] | None:
    declared = this.take("StreamSpecification")
    return None if declared is None else {"StreamEnabled": True, "StreamViewType": declared["StreamViewType"]}


@creates("AWS::Logs::LogGroup")
def log_group(this: Declaration) -> Created:
    name = this.name("LogGroupName", limit=512)
    this.call("logs", "create_log_group", logGroupName=name, tags=this.tags() or None)
    log_group_settings(this, name)
    return Created(physical_id=name, attributes={"Arn": this.place.arn("logs", f"log-group:{name}:*")})


def log_group_settings(this: Declaration, name: str) -> None:
    """Everything that a log group declares but its name and tags."""
    days = this.take("RetentionInDays")
    if days is not None:
        this.call("logs", "put_retention_policy", logGroupName=name, retentionInDays=int(days))
    this.without_effect("KmsKeyId", "DataProtectionPolicy", "LogGroupClass", "FieldIndexPolicies")
