"""What must hold between the templates, the state machines and the functions, as checks that tell what does not.

Every check takes a :class:`System` and gives a list of problems, so that tests can hand it damaged copies too.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.unit.conventions.system import Statement, System, listed, role_statements, states

EVENT_RULE = "rule/StepFunctionsGetEventsForBatchJobsRule"
SYNC_EVENTS = {"events:PutTargets", "events:PutRule", "events:DescribeRule"}
LOG_DELIVERY = {
    f"logs:{action}"
    for action in (
        *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
        *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
    )
}
RETRY_RULES = [
    {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
    {"OnExitCode": "2", "Action": "EXIT"},
    {"OnReason": "OutOfMemoryError*", "Action": "EXIT"},
    {"OnExitCode": "*", "Action": "RETRY"},
    {"OnReason": "*", "Action": "EXIT"},
]
ONCE = ("StitchJobDefinitionArn", "CleanupAndNotificationJobDefinitionArn")  # jobs that a reclaim would only delay


# ---------------------------------------------------------------- jobs


def commands_and_parameters_agree(system: System) -> list[str]:
    problems = []
    for name, definition in system.of_type("AWS::Batch::JobDefinition").items():
        words = definition["ContainerProperties"]["Command"]
        used = {word.removeprefix("Ref::") for word in words if word.startswith("Ref::")}
        given = set(definition["Parameters"])
        problems += [f"{name}: Ref::{each} has no parameter" for each in sorted(used - given)]
        problems += [f"{name}: the parameter {each} is not used" for each in sorted(given - used)]
        empty = [each for each, value in definition["Parameters"].items() if value == ""]
        problems += [f"{name}: {each} is empty, and Batch takes no command with an empty word" for each in empty]
    return problems


def children_are_retried_by_the_same_rules(system: System) -> list[str]:
    definitions = system.of_type("AWS::Batch::JobDefinition")
    return [n for n, each in definitions.items() if each["RetryStrategy"].get("EvaluateOnExit") != RETRY_RULES]


def jobs_can_be_told_apart_in_costs(system: System) -> list[str]:
    wanted = {"stepbatch:stack", "stepbatch:pipeline"}
    definitions = system.of_type("AWS::Batch::JobDefinition")
    untagged = [n for n, e in definitions.items() if not (e.get("PropagateTags") and wanted <= set(e.get("Tags", {})))]
    environments = system.of_type("AWS::Batch::ComputeEnvironment")
    return untagged + [n for n, e in environments.items() if "stepbatch:stack" not in e["ComputeResources"]["Tags"]]


def queues_prefer_spot_and_never_wait_for_what_cannot_come(system: System) -> list[str]:
    problems = []
    for name, queue in system.of_type("AWS::Batch::JobQueue").items():
        order = [entry["ComputeEnvironment"]["Ref"] for entry in sorted(queue["ComputeEnvironmentOrder"], key=_order)]
        kinds = [system.resources[each]["Properties"]["ComputeResources"]["Type"] for each in order]
        if kinds != (["EC2"] if name == "OnDemandQueue" else ["SPOT", "EC2"]):
            problems.append(f"{name}: runs on {kinds}")
        limits = {each["Reason"]: each for each in queue.get("JobStateTimeLimitActions", [])}
        for reason in ("JOB_RESOURCE_REQUIREMENT", "COMPUTE_ENVIRONMENT_MAX_RESOURCE"):
            limit = limits.get(f"MISCONFIGURATION:{reason}")
            if limit is None or limit["Action"] != "CANCEL" or limit["MaxTimeSeconds"] < 600:
                problems.append(
                    f"{name}: {reason} blocks it for ever, or the limit is below the 600 s that Batch takes"
                )
    return problems


def _order(entry: dict[str, Any]) -> int:
    return int(entry["Order"])


def environments_are_as_batch_wants_them(system: System) -> list[str]:
    strategies = {"SPOT": "SPOT_PRICE_CAPACITY_OPTIMIZED", "EC2": "BEST_FIT_PROGRESSIVE"}
    problems = []
    for name, environment in system.of_type("AWS::Batch::ComputeEnvironment").items():
        resources = environment["ComputeResources"]
        good = (
            resources["AllocationStrategy"] == strategies[resources["Type"]]
            and resources["MinvCpus"] == 0
            and resources["InstanceTypes"] == ["default_x86_64"]
            and resources["Ec2Configuration"] == [{"ImageType": "ECS_AL2023"}]
            and environment["ReplaceComputeEnvironment"] is False
            and not {"ServiceRole", "ComputeEnvironmentName"} & set(environment)
        )
        problems += [] if good else [f"{name}: is not as design says"]
    return problems


def single_last_jobs_run_on_demand(system: System) -> list[str]:
    problems = []
    for path, machine in system.machines.items():
        for name, state in states(machine):
            job = state.get("Parameters", {})
            last = any(f"${{{each}}}" == job.get("JobDefinition") for each in ONCE)
            if last or job.get("Parameters", {}).get("action") == "clean":
                queue = job.get("JobQueue")
                problems += [] if queue == "${OnDemandQueueArn}" else [f"{path}: {name} runs on {queue}"]
    return problems


# ---------------------------------------------------------------- state machines


def machines_may_do_what_their_states_do(system: System) -> list[str]:
    """The role may start every function and job that the definition is given, hear of jobs, and deliver logs."""
    problems = []
    for name, properties in system.of_type("AWS::Serverless::StateMachine").items():
        held = role_statements(system, name)
        allowed = {action for each in held for action in each.actions}
        problems += [f"{name}: may not {action}" for action in sorted(LOG_DELIVERY - allowed)]
        if "Logging" not in properties:
            problems.append(f"{name}: its executions are not logged")
        machine = system.machine_of(properties)
        synced = [state for _, state in states(machine) if state.get("Resource", "").endswith("submitJob.sync")]
        hears = [each for each in held if set(each.actions) >= SYNC_EVENTS and EVENT_RULE in json.dumps(each.targets)]
        if synced and not hears:
            problems.append(f"{name}: waits for jobs (.sync) and may not make {EVENT_RULE}")
        for substitution, value in properties["DefinitionSubstitutions"].items():
            problems += _not_allowed(name, substitution, value, held)
    return problems


def _not_allowed(name: str, substitution: str, value: Any, held: list[Statement]) -> list[str]:
    action = {"FunctionArn": "lambda:InvokeFunction", "QueueArn": "batch:SubmitJob", "DefinitionArn": "batch:SubmitJob"}
    kind = next((suffix for suffix in action if substitution.endswith(suffix)), None)
    if kind is None:
        return []
    targets = [target for each in held if action[kind] in each.actions for target in each.targets]
    any_definition = kind == "DefinitionArn" and any("job-definition/" in json.dumps(target) for target in targets)
    return [] if value in targets or any_definition else [f"{name}: may not {action[kind]} on {substitution}"]


def substitutions_are_given_and_used(system: System) -> list[str]:
    problems = []
    for name, properties in system.of_type("AWS::Serverless::StateMachine").items():
        used = set(re.findall(r"\$\{(\w+)\}", json.dumps(system.machine_of(properties))))
        given = set(properties["DefinitionSubstitutions"])
        problems += [f"{name}: ${{{each}}} is not given" for each in sorted(used - given)]
        problems += [f"{name}: {each} is given in vain" for each in sorted(given - used)]
    return problems


def every_next_lands(system: System) -> list[str]:
    return [problem for path, machine in system.machines.items() for problem in _lands(path, machine)]


def _lands(path: str, machine: dict[str, Any]) -> Iterator[str]:
    own = machine["States"]
    named = {machine["StartAt"]}
    for state in own.values():
        named |= {state[key] for key in ("Next", "Default") if key in state}
        named |= {rule["Next"] for rule in [*state.get("Choices", []), *state.get("Catch", [])]}
        for inner in [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]:
            if inner:
                yield from _lands(path, inner)
    yield from (f"{path}: {name!r} is no state" for name in sorted(named - set(own)))
    yield from (f"{path}: nothing leads to {name!r}" for name in sorted(set(own) - named))


# ---------------------------------------------------------------- deployment


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
