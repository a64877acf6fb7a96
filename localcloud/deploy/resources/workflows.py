"""State machines and what starts them."""

import json
import re
from typing import Any
from zoneinfo import available_timezones

from localcloud import asl, cron
from localcloud.deploy.registry import Declaration, creates
from localcloud.deploy.stack import Created
from localcloud.errors import TemplateError

_SUBSTITUTION = re.compile(r"\$\{([^}]*)\}")


@creates("AWS::StepFunctions::StateMachine")
def state_machine(this: Declaration) -> Created:
    name = this.name("StateMachineName", limit=80)
    place, document = definition(this)
    problems = asl.problems(document)
    if problems:
        raise TemplateError(place, "; ".join(problems))
    taken = ("StateMachineName", "StateMachineType", "DefinitionUri", "Tags", "RoleArn")
    definitions = ("Definition", "DefinitionString", "DefinitionS3Location", "DefinitionSubstitutions")
    tags = [{"key": key, "value": value} for key, value in this.tags().items()]
    role = this.need("RoleArn")
    kind = this.take("StateMachineType")
    parameters = this.as_parameters("stepfunctions", "CreateStateMachine", skip=taken + definitions)
    arn = this.call(
        "stepfunctions",
        "create_state_machine",
        name=name,
        definition=json.dumps(document),
        roleArn=role,
        type=kind,
        tags=tags or None,
        **parameters,
    )["stateMachineArn"]
    return Created(physical_id=arn, attributes={"Arn": arn, "Name": name, "StateMachineRevisionId": "INITIAL"})


def definition(this: Declaration) -> tuple[str, dict[str, Any]]:
    """Where the definition stands, and the definition with its substitutions made."""
    place, source = _source(this)
    values = this.take("DefinitionSubstitutions") or {}

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise TemplateError(place, f"${{{match[1]}}} is not among the DefinitionSubstitutions of {this.logical_id}")
        return str(values[match[1]])

    try:
        document = json.loads(_SUBSTITUTION.sub(value, source))
    except ValueError as error:
        raise TemplateError(place, f"is not JSON after substitution: {error}") from error
    if not isinstance(document, dict):
        raise TemplateError(place, "is not a JSON object")
    return place, document


def _source(this: Declaration) -> tuple[str, str]:
    location = this.take("DefinitionS3Location")
    text = this.take("DefinitionString")
    inline = this.take("Definition")
    if location is not None:
        path = this.template.local_path(location["Bucket"], location["Key"])
        if path is None:
            body = this.call("s3", "get_object", Bucket=location["Bucket"], Key=location["Key"])["Body"]
            return f"s3://{location['Bucket']}/{location['Key']}", body.read().decode()
        return str(path.relative_to(this.template.root)), path.read_text()
    if text is not None:
        return f"{this.where}.DefinitionString", str(text)
    if inline is not None:
        return f"{this.where}.Definition", json.dumps(inline)
    raise this.error("needs DefinitionUri, DefinitionString or Definition")


@creates("AWS::Scheduler::Schedule")
def schedule(this: Declaration) -> Created:
    name = this.name("Name", limit=64)
    parameters = this.as_parameters("scheduler", "CreateSchedule", skip=("Name",))
    zone = parameters.get("ScheduleExpressionTimezone") or "UTC"
    if zone not in available_timezones():
        raise this.error(f"Invalid Schedule Timezone: {zone!r}", prop="ScheduleExpressionTimezone")
    try:
        cron.parse(parameters.get("ScheduleExpression", ""), zone)
    except ValueError as error:
        raise this.error(f"Invalid Schedule Expression: {error}", prop="ScheduleExpression") from error
    arn = this.call("scheduler", "create_schedule", Name=name, **parameters)["ScheduleArn"]
    return Created(physical_id=name, attributes={"Arn": arn})


@creates("AWS::Scheduler::ScheduleGroup")
def schedule_group(this: Declaration) -> Created:
    name = this.name("Name", limit=64)
    arn = this.call("scheduler", "create_schedule_group", Name=name)["ScheduleGroupArn"]
    this.without_effect("Tags")
    return Created(physical_id=name, attributes={"Arn": arn})


@creates("AWS::Events::Rule")
def rule(this: Declaration) -> Created:
    name = this.name("Name", limit=64)
    pattern = this.take("EventPattern")
    targets = this.take("Targets", [])
    this.without_effect("RoleArn")
    parameters = this.as_parameters("events", "PutRule", skip=("Name", "EventPattern", "Targets", "RoleArn"))
    arn = this.call(
        "events", "put_rule", Name=name, EventPattern=None if pattern is None else json.dumps(pattern), **parameters
    )["RuleArn"]
    if targets:
        this.call("events", "put_targets", Rule=name, EventBusName=parameters.get("EventBusName"), Targets=targets)
    return Created(physical_id=name, attributes={"Arn": arn})
