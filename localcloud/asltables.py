"""The Amazon States Language that runs here: what the tests run through the interpreter, and nothing else."""

from typing import Final

MAX_NAME = 80  # characters of a state's name

_COMMON = frozenset({"Type", "Comment", "InputPath", "OutputPath", "Next", "End", "QueryLanguage"})
_ERRORS = frozenset({"Retry", "Catch", "ResultPath", "ResultSelector"})
_PAUSES = frozenset({"Seconds", "SecondsPath", "Timestamp", "TimestampPath"})

STATE_FIELDS: Final = {
    "Task": _COMMON
    | _ERRORS
    | {"Resource", "Parameters", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"},
    "Pass": _COMMON | {"Result", "ResultPath", "Parameters"},
    "Choice": frozenset({"Type", "Comment", "InputPath", "OutputPath", "Choices", "Default", "QueryLanguage"}),
    "Wait": _COMMON | _PAUSES,
    "Succeed": frozenset({"Type", "Comment", "InputPath", "OutputPath", "QueryLanguage"}),
    "Fail": frozenset({"Type", "Comment", "Error", "Cause", "ErrorPath", "CausePath", "QueryLanguage"}),
    "Parallel": _COMMON | _ERRORS | {"Branches", "Parameters"},
    "Map": _COMMON
    | _ERRORS
    | {"ItemsPath", "ItemProcessor", "Iterator", "ItemSelector", "Parameters", "MaxConcurrency", "MaxConcurrencyPath"},
}
ENDS: Final = frozenset({"Succeed", "Fail"})
MACHINE_FIELDS: Final = frozenset({"Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage"})
BRANCH_FIELDS: Final = frozenset({"Comment", "StartAt", "States", "ProcessorConfig"})
RETRY_FIELDS: Final = frozenset(
    {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"}
)
CATCH_FIELDS: Final = frozenset({"ErrorEquals", "Next", "ResultPath", "Comment"})
PAUSES: Final = _PAUSES

_ORDERED = ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
COMPARISONS: Final = (
    frozenset(f"{kind}{order}" for kind in ("String", "Numeric", "Timestamp") for order in _ORDERED)
    | frozenset(f"{kind}{order}Path" for kind in ("String", "Numeric", "Timestamp") for order in _ORDERED)
    | {"StringMatches", "BooleanEquals", "BooleanEqualsPath"}
    | {"IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"}
)
COMBINATIONS: Final = frozenset({"And", "Or", "Not"})

_FUNCTIONS = (
    {
        "Format",
        "StringToJson",
        "JsonToString",
        "JsonMerge",
        "StringSplit",
        "Base64Encode",
        "Base64Decode",
        "Hash",
        "UUID",
    }
    | {"Array", "ArrayPartition", "ArrayContains", "ArrayRange", "ArrayGetItem", "ArrayLength", "ArrayUnique"}
    | {"MathRandom", "MathAdd"}
)
INTRINSICS: Final = frozenset(f"States.{name}" for name in _FUNCTIONS)

_CALLBACK = "waitForTaskToken"
# Service and action of an optimised integration → (patterns besides request-response, parameters)
INTEGRATIONS: Final = {
    "lambda:invoke": ({_CALLBACK}, {"FunctionName", "Payload", "Qualifier", "ClientContext", "LogType"}),
    "batch:submitJob": (
        {"sync"},
        {"JobName", "JobDefinition", "JobQueue", "ArrayProperties", "ContainerOverrides", "DependsOn", "Parameters"}
        | {"RetryStrategy", "Timeout", "Tags"},
    ),
    "dynamodb:getItem": (
        set[str](),
        {"Key", "TableName", "AttributesToGet", "ConsistentRead", "ExpressionAttributeNames", "ProjectionExpression"},
    ),
    "dynamodb:putItem": (
        set[str](),
        {"Item", "TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"}
        | {"ReturnValues"},
    ),
    "dynamodb:updateItem": (
        set[str](),
        {"Key", "TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"}
        | {"ReturnValues", "UpdateExpression"},
    ),
    "dynamodb:deleteItem": (
        set[str](),
        {"Key", "TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"}
        | {"ReturnValues"},
    ),
    "sns:publish": (
        {_CALLBACK},
        {"Message", "MessageAttributes", "MessageStructure", "Subject", "TargetArn", "TopicArn"},
    ),
    "sqs:sendMessage": ({_CALLBACK}, {"MessageBody", "QueueUrl", "DelaySeconds", "MessageAttributes"}),
    "states:startExecution": ({"sync", "sync:2"}, {"Input", "Name", "StateMachineArn"}),
}
SDK_SERVICES: Final = frozenset({"batch", "dynamodb", "lambda", "s3", "sfn", "sns", "ssm", "sts"})
