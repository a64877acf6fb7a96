"""What must hold of networks, logs, custom resources and nested stacks, for a deployment to succeed and to be undone.

Every check takes a :class:`System` and gives a list of problems, so that tests can hand it damaged copies too.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.unit.conventions.system import System, listed


def subnets_have_routes(system: System) -> list[str]:
    """Every subnet that something uses has a table with a way out, and the gateway endpoints are in that table."""
    tables = {each["SubnetId"]["Ref"]: each["RouteTableId"]["Ref"] for each in _associations(system)}
    ways = {each["RouteTableId"]["Ref"] for each in system.of_type("AWS::EC2::Route").values() if "GatewayId" in each}
    subnets = system.of_type("AWS::EC2::Subnet")
    problems = [f"{name}: has no way out" for name in subnets if tables.get(name) not in ways]
    for name, endpoint in system.of_type("AWS::EC2::VPCEndpoint").items():
        reached = {each["Ref"] for each in endpoint["RouteTableIds"]}
        problems += [
            f"{name}: is not reached from {subnet}" for subnet, table in tables.items() if table not in reached
        ]
    used = set(re.findall(r"Subnet[A-Z](?=Id)", json.dumps([*_placed(system)])))
    return problems + [f"{each}: is used and is no subnet" for each in sorted(used - set(tables))]


def _associations(system: System) -> Iterator[dict[str, Any]]:
    yield from system.of_type("AWS::EC2::SubnetRouteTableAssociation").values()


def _placed(system: System) -> Iterator[Any]:
    for each in system.of_type("AWS::Serverless::Function").values():
        yield each.get("VpcConfig")
    for each in system.of_type("AWS::Batch::ComputeEnvironment").values():
        yield each["ComputeResources"]["Subnets"]


def alarms_add_up_what_may_be_missing(system: System) -> list[str]:
    """In CloudWatch's arithmetic a sum is missing where one of its parts is."""
    problems = []
    for name, alarm in system.of_type("AWS::CloudWatch::Alarm").items():
        metrics = alarm["Metrics"]
        [total] = [each["Expression"] for each in metrics if "Expression" in each]
        parts = {each["Id"] for each in metrics if "MetricStat" in each}
        filled = set(re.findall(r"FILL\((\w+), 0\)", total))
        problems += [f"{name}: {each} is missing where nothing was counted" for each in sorted(parts - filled)]
    return problems


def logs_are_kept_for_a_while(system: System) -> list[str]:
    groups = system.of_type("AWS::Logs::LogGroup")
    problems = [f"{name}: keeps logs for ever" for name, each in groups.items() if "RetentionInDays" not in each]
    for name, each in system.of_type("AWS::Serverless::Function").items():
        group = each.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
        problems += [] if group in groups else [f"{name}: has no log group of the stack"]
    return problems


def custom_resources_cannot_hang(system: System) -> list[str]:
    """Each has a limit of its own, and a function whose death is answered by another."""
    problems = []
    for name, body in system.resources.items():
        if not body["Type"].startswith("Custom::"):
            continue
        if not 0 < int(body["Properties"].get("ServiceTimeout", 0)) <= 3600:
            problems.append(f"{name}: has no ServiceTimeout")
        function = str(body["Properties"]["ServiceToken"].get("Ref", "")).removesuffix(".Alias")
        config = system.resources.get(function, {}).get("Properties", {}).get("EventInvokeConfig", {})
        target = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", {})
        if f"{function}EventInvokeConfig" not in listed(body.get("DependsOn", [])):
            problems.append(f"{name}: may run before somebody answers when {function} dies")
        if config.get("MaximumRetryAttempts") != 0 or target != {"Fn::GetAtt": "AnswerCrashFunction.Arn"}:
            problems.append(f"{name}: nobody answers when {function or 'its function'} dies")
    return problems


def deletion_goes_in_order(system: System) -> list[str]:
    """Jobs end before buckets are emptied, which happens before they are deleted; repositories go with their images."""
    root = system.templates["template.yaml"]["Resources"]
    problems = []
    if "EmptiedBuckets" not in listed(root["Compute"].get("DependsOn", [])):
        problems.append("Compute: is deleted after the buckets were emptied")
    emptied = json.dumps(root["EmptiedBuckets"]["Properties"]["Buckets"])
    for name in system.of_type("AWS::S3::Bucket"):
        problems += [] if f"{name}Name" in emptied else [f"{name}: is not emptied"]
    repositories = system.of_type("AWS::ECR::Repository")
    return problems + [
        f"{name}: is not emptied" for name, each in repositories.items() if not each.get("EmptyOnDelete")
    ]


def names_change_with_what_cannot_change_in_place(system: System) -> list[str]:
    """CloudFormation does not replace a resource of a given name: a repository's key is for good."""
    problems = []
    for name, repository in system.of_type("AWS::ECR::Repository").items():
        condition = repository["EncryptionConfiguration"]["EncryptionType"]["Fn::If"][0]
        if condition not in _text(repository.get("RepositoryName", condition)):
            problems.append(f"{name}: keeps its name with another key")
    return problems


def no_partition_is_written_out(system: System) -> list[str]:
    everything = {**system.templates, **system.machines}
    return [
        f"{path}: {arn}" for path, each in everything.items() for arn in re.findall(r"arn:aws[\w-]*:\S+", _text(each))
    ]


def _text(document: Any) -> str:
    return json.dumps(document, default=str)


def nested_stacks_get_what_they_declare(system: System) -> list[str]:
    problems = []
    for name, properties in system.of_type("AWS::CloudFormation::Stack").items():
        nested = system.templates[properties["TemplateURL"]]
        given, declared = set(properties["Parameters"]), set(nested["Parameters"])
        problems += [f"{name}: {each} is not given" for each in sorted(declared - given)]
        problems += [f"{name}: {each} is not declared" for each in sorted(given - declared)]
        asked = set(re.findall(rf"\b{name}\.Outputs\.(\w+)", _text(system.templates["template.yaml"])))
        problems += [f"{name}: has no output {each}" for each in sorted(asked - set(nested["Outputs"]))]
        problems += [f"{name}: nobody asks for {each}" for each in sorted(set(nested["Outputs"]) - asked)]
    return problems


def the_stack_deploys_without_an_argument(system: System) -> list[str]:
    parameters = system.templates["template.yaml"]["Parameters"]
    switches = [name for name, each in parameters.items() if each.get("AllowedValues") == ["yes", "no"]]
    problems = [f"{name}: has no default" for name, each in parameters.items() if "Default" not in each]
    return problems + [
        f"{name}: costs money, and is on" for name in switches if parameters[name].get("Default") != "no"
    ]
