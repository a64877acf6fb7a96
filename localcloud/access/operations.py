"""Requests to services other than S3 as IAM sees them: operation → action and resources. Pure.

Sources: each service's page in the Service Authorization Reference. What is not in these tables is denied to roles by
name, never let through.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import unquote

from localcloud.access.policies import Ask
from localcloud.calls import Call

type Body = Mapping[str, Any]
type Resources = Callable[[Body, Where], Iterable[str]]


class Names(Protocol):
    """Full names of what a Batch request may name shortly."""

    def job_definition(self, name_or_arn: str) -> Mapping[str, Any] | None: ...

    def queue(self, name_or_arn: str) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    account: str
    region: str
    batch: Names

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def asks(call: Call, where: Where) -> list[Ask] | None:
    """What the request needs leave for; None if it is no operation that these tables know."""
    match call.service:
        case "batch":
            return _batch(call, where)
        case "lambda":
            return _lambda(call, where)
        case "sns" | "sts":
            form = call.form()
            return _listed(call.service, form.get("Action", ""), form, where)
        case _:
            return _listed(call.service, call.target, call.json(), where)


def operation(call: Call) -> str:
    """What the request calls itself, for messages."""
    if call.service in ("sns", "sts", "iam", "cloudformation", "sqs"):
        return call.form().get("Action") or call.target or call.path
    return call.target or f"{call.method} {call.path}"


def _listed(service: str, name: str, body: Body, where: Where) -> list[Ask] | None:
    if service == "dynamodb" and name == "TransactWriteItems":
        return _transaction(body, where)
    found = _OPERATIONS.get(service, {}).get(name)
    if found is None:
        return None
    return [
        Ask(action=f"{service}:{_ACTIONS.get((service, name), name)}", resource=each) for each in found(body, where)
    ]


def _any(_: Body, __: Where) -> Iterable[str]:
    """The action knows no resources."""
    return ("*",)


def _field(name: str) -> Resources:
    """A member that holds an ARN."""
    return lambda body, _: (str(body.get(name, "*")),)


def _table(body: Body, where: Where) -> Iterable[str]:
    table = _table_arn(str(body.get("TableName", "")), where)
    return (f"{table}/index/{body['IndexName']}" if body.get("IndexName") else table,)


def _tables(body: Body, where: Where) -> Iterable[str]:
    return [_table_arn(name, where) for name in body.get("RequestItems", {})]


def _table_arn(name: str, where: Where) -> str:
    return name if name.startswith("arn:") else where.arn("dynamodb", f"table/{name}")


def _transaction(body: Body, where: Where) -> list[Ask]:
    actions = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
    return [
        Ask(action=f"dynamodb:{actions[kind]}", resource=_table_arn(part["TableName"], where))
        for item in body.get("TransactItems", [])
        for kind, part in item.items()
    ]


def log_group(name: str, where: Where) -> str:
    return name.removesuffix(":*") + ":*" if name.startswith("arn:") else where.arn("logs", f"log-group:{name}:*")


def _group(body: Body, where: Where) -> Iterable[str]:
    return (log_group(str(body.get("logGroupIdentifier") or body.get("logGroupName") or "*"), where),)


def _stream(body: Body, where: Where) -> Iterable[str]:
    (group,) = _group(body, where)
    return (f"{group.removesuffix('*')}log-stream:{body.get('logStreamName', '*')}",)


def _parameter(body: Body, where: Where) -> Iterable[str]:
    names = body.get("Names") or [body.get("Name") or body.get("Path") or "*"]
    return [name if name.startswith("arn:") else where.arn("ssm", f"parameter/{name.lstrip('/')}") for name in names]


def _rule(body: Body, where: Where) -> Iterable[str]:
    return (where.arn("events", f"rule/{body.get('Name') or body.get('Rule') or '*'}"),)


def _buses(body: Body, where: Where) -> Iterable[str]:
    buses = {str(entry.get("EventBusName") or "default") for entry in body.get("Entries", [])}
    return [bus if bus.startswith("arn:") else where.arn("events", f"event-bus/{bus}") for bus in sorted(buses)]


def _topic(body: Body, _: Where) -> Iterable[str]:
    return (str(body.get("TopicArn") or body.get("TargetArn") or "*"),)


def _repository(body: Body, where: Where) -> Iterable[str]:
    return (where.arn("ecr", f"repository/{body.get('repositoryName', '*')}"),)


def _project(body: Body, where: Where) -> Iterable[str]:
    return (where.arn("codebuild", f"project/{body.get('projectName', '*')}"),)


def _builds(body: Body, where: Where) -> Iterable[str]:
    """A build, named by its id or its ARN, belongs to the project before the last colon."""
    projects = sorted(
        {str(build).rpartition(":")[0].rpartition("/")[2] for build in body.get("ids") or [body.get("id")]}
    )
    return [where.arn("codebuild", f"project/{project}") for project in projects]


_EXECUTION = _field("executionArn")
_MACHINE = _field("stateMachineArn")
_ACTIONS: Final = {("sns", "PublishBatch"): "Publish"}
_OPERATIONS: Final[Mapping[str, Mapping[str, Resources]]] = {
    "states": {
        "StartExecution": _MACHINE,
        "StartSyncExecution": _MACHINE,
        "ListExecutions": _MACHINE,
        "DescribeStateMachine": _MACHINE,
        "DescribeExecution": _EXECUTION,
        "GetExecutionHistory": _EXECUTION,
        "StopExecution": _EXECUTION,
        "RedriveExecution": _EXECUTION,
        "ListStateMachines": _any,
        "SendTaskSuccess": _any,
        "SendTaskFailure": _any,
        "SendTaskHeartbeat": _any,
    },
    "dynamodb": {
        **dict.fromkeys(("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable"), _table),
        **dict.fromkeys(("BatchGetItem", "BatchWriteItem"), _tables),
        "ListTables": _any,
    },
    "logs": {
        **dict.fromkeys(("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "FilterLogEvents"), _group),
        **dict.fromkeys(("GetLogEvents", "PutLogEvents"), _stream),
        "DescribeLogGroups": _any,
    },
    "sns": {"Publish": _topic, "PublishBatch": _topic},
    "ssm": dict.fromkeys(("GetParameter", "GetParameters", "GetParametersByPath", "PutParameter"), _parameter),
    "events": {
        "PutEvents": _buses,
        **dict.fromkeys(("PutRule", "PutTargets", "DescribeRule", "DeleteRule", "RemoveTargets"), _rule),
    },
    "ecr": dict.fromkeys(("DescribeImages", "BatchGetImage", "ListImages", "BatchDeleteImage"), _repository),
    "codebuild": {"StartBuild": _project, "StopBuild": _builds, "BatchGetBuilds": _builds},
    "sts": {"GetCallerIdentity": lambda _, __: ()},  # needs no leave, and no policy can take it away
}

_BATCH_UNNAMED: Final = {
    "describejobs": "DescribeJobs",
    "listjobs": "ListJobs",
    "describejobdefinitions": "DescribeJobDefinitions",
    "describejobqueues": "DescribeJobQueues",
    "describecomputeenvironments": "DescribeComputeEnvironments",
}


def _batch(call: Call, where: Where) -> list[Ask] | None:
    name = call.path.removeprefix("/v1/")
    if name in _BATCH_UNNAMED:
        return [Ask(action=f"batch:{_BATCH_UNNAMED[name]}")]
    if name.removesuffix("s") in ("canceljob", "terminatejob"):  # those for many jobs have no actions of their own
        action = "CancelJob" if name.startswith("cancel") else "TerminateJob"
        body = call.json()
        jobs = body.get("jobs") or [] if name.endswith("s") else [body.get("jobId", "")]
        return [Ask(action=f"batch:{action}", resource=where.arn("batch", f"job/{job}")) for job in jobs]
    if name != "submitjob":
        return None
    body = call.json()
    queue, definition = str(body.get("jobQueue", "")), str(body.get("jobDefinition", ""))
    found, described = where.batch.queue(queue), where.batch.job_definition(definition)
    resources = [
        found["jobQueueArn"] if found else where.arn("batch", f"job-queue/{queue.rpartition('/')[2]}"),
        described["jobDefinitionArn"]
        if described
        else where.arn("batch", f"job-definition/{definition.rpartition('/')[2]}"),
        where.arn("batch", "job/*"),  # the job that comes of it has no id yet
    ]
    submitted = [Ask(action="batch:SubmitJob", resource=each) for each in resources]
    if body.get("tags"):
        submitted += [Ask(action="batch:TagResource", resource=each) for each in resources]
    return submitted


_FUNCTIONS = "/2015-03-31/functions/"


def _lambda(call: Call, where: Where) -> list[Ask] | None:
    name, _, rest = call.path.removeprefix(_FUNCTIONS).partition("/")
    if not call.path.startswith(_FUNCTIONS) or (call.method, rest) not in _LAMBDA:
        return None
    short = unquote(name).rpartition(":function:")[2]
    qualifier = call.query.get("Qualifier", [""])[0]
    if qualifier and ":" not in short:
        short = f"{short}:{qualifier}"
    return [Ask(action=_LAMBDA[call.method, rest], resource=where.arn("lambda", f"function:{short}"))]


_LAMBDA: Final = {
    ("POST", "invocations"): "lambda:InvokeFunction",
    ("GET", ""): "lambda:GetFunction",
    ("GET", "configuration"): "lambda:GetFunctionConfiguration",
}
