"""Topics, queues and configuration parameters."""

import json

from localcloud.deploy.registry import Declaration, creates
from localcloud.deploy.stack import Created


@creates("AWS::SNS::Topic")
def topic(this: Declaration) -> Created:
    name = this.name("TopicName", limit=256)
    display, key = this.take("DisplayName"), this.take("KmsMasterKeyId")
    attributes = {"DisplayName": display, "KmsMasterKeyId": key}
    subscriptions = this.take("Subscription", [])
    arn = this.call(
        "sns",
        "create_topic",
        Name=name,
        Attributes={name: str(value) for name, value in attributes.items() if value is not None},
        Tags=[{"Key": key, "Value": value} for key, value in this.tags().items()],
    )["TopicArn"]
    for entry in subscriptions:
        this.call("sns", "subscribe", TopicArn=arn, Protocol=entry["Protocol"], Endpoint=entry["Endpoint"])
    this.without_effect("TracingConfig", "DeliveryStatusLogging")
    return Created(physical_id=arn, attributes={"TopicArn": arn, "TopicName": name})


@creates("AWS::SNS::Subscription")
def subscription(this: Declaration) -> Created:
    made = this.call(
        "sns",
        "subscribe",
        TopicArn=this.need("TopicArn"),
        Protocol=this.need("Protocol"),
        Endpoint=this.take("Endpoint"),
        ReturnSubscriptionArn=True,
    )
    policy = this.take("FilterPolicy")
    if policy is not None:
        this.call(
            "sns",
            "set_subscription_attributes",
            SubscriptionArn=made["SubscriptionArn"],
            AttributeName="FilterPolicy",
            AttributeValue=json.dumps(policy),
        )
    return Created(physical_id=made["SubscriptionArn"], attributes={"Arn": made["SubscriptionArn"]})


@creates("AWS::SQS::Queue")
def queue(this: Declaration) -> Created:
    name = this.name("QueueName", limit=80)
    attributes = {
        key: json.dumps(value)
        if isinstance(value, dict)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for key in sorted(this.properties)
        if key not in ("QueueName", "Tags") and (value := this.take(key)) is not None
    }
    tags = this.tags()
    url = this.call("sqs", "create_queue", QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"]
    return Created(physical_id=url, attributes={"Arn": this.place.arn("sqs", name), "QueueName": name, "QueueUrl": url})


@creates("AWS::SSM::Parameter")
def parameter(this: Declaration) -> Created:
    name = this.name("Name", limit=1011)
    kind, value = this.need("Type"), this.need("Value")
    this.call(
        "ssm",
        "put_parameter",
        Name=name,
        Type=kind,
        Value=str(value),
        Description=this.take("Description"),
        Tags=[{"Key": key, "Value": tag} for key, tag in this.tags().items()] or None,
    )
    this.without_effect("Tier", "DataType", "AllowedPattern", "Policies")
    return Created(physical_id=name, attributes={"Type": kind, "Value": value})
