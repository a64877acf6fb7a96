"""What must hold between the templates, the state machines and the functions, as checks that tell what does not.

Every check takes a :class:`System` and gives a list of problems, so that tests can hand it damaged copies too.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.unit.conventions.system import Statement, System, role_statements, states

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


def runs_outlive_a_deployment(system: System) -> list[str]:
    """An execution goes on with the revisions that it began with: they stay active, and its role may submit them."""
    definitions = system.of_type("AWS::Batch::JobDefinition")
    kept = {"SkipDeregisterOnUpdate": True}
    problems = [
        f"{n}: its old revision goes" for n, e in definitions.items() if e.get("ResourceRetentionPolicy") != kept
    ]
    for name in system.of_type("AWS::Serverless::StateMachine"):
        held = [each for each in role_statements(system, name) if "batch:SubmitJob" in each.actions]
        latest = re.findall(r"Jobs\.Outputs\.\w+", json.dumps([each.targets for each in held]))
        problems += [f"{name}: may submit {each} in its latest revision only" for each in latest]
    return problems


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


def functions_that_slept_are_waited_for(system: System) -> list[str]:
    """What nobody called for weeks is inactive: the first call fails, and calls fail until it is ready again."""
    functions = system.of_type("AWS::Serverless::Function")
    problems = []
    for path, machine in system.machines.items():
        for name, state in states(machine):
            if not state.get("Resource", "").endswith("lambda:invoke"):
                continue
            function = str(state["Parameters"]["FunctionName"]).removeprefix("${").removesuffix("Arn}")
            wanted = {"ResourceNotReadyException", "CodeArtifactUserPendingException"}
            if "VpcConfig" in functions[function]:
                wanted |= {"ENINotReadyException", "EFSMountTimeoutException", "EFSMountConnectivityException"}
            waits = {e.removeprefix("Lambda."): _patience(rule) for rule in state["Retry"] for e in rule["ErrorEquals"]}
            problems += [f"{path}: {name} does not wait for {e}" for e in sorted(wanted) if waits.get(e, 0) < 300]
    return problems


def _patience(rule: dict[str, Any]) -> float:
    """Seconds that a retrier waits in all, at least: full jitter may not wait at all."""
    pauses = [rule["IntervalSeconds"] * rule["BackoffRate"] ** attempt for attempt in range(rule["MaxAttempts"])]
    return 0.0 if rule.get("JitterStrategy") == "FULL" else sum(pauses)


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
