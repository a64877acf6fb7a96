"""The contracts hold; and each of them would notice if it did not."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.conventions import contracts, deployment, permissions
from tests.unit.conventions.system import System, states
from tests.unit.conventions.template import TEMPLATES

CHECKS: list[Callable[[System], list[str]]] = [
    contracts.commands_and_parameters_agree,
    contracts.children_are_retried_by_the_same_rules,
    contracts.jobs_can_be_told_apart_in_costs,
    contracts.queues_prefer_spot_and_never_wait_for_what_cannot_come,
    contracts.environments_are_as_batch_wants_them,
    contracts.single_last_jobs_run_on_demand,
    contracts.machines_may_do_what_their_states_do,
    contracts.substitutions_are_given_and_used,
    contracts.every_next_lands,
    deployment.subnets_have_routes,
    deployment.logs_are_kept_for_a_while,
    deployment.custom_resources_cannot_hang,
    deployment.deletion_goes_in_order,
    deployment.names_change_with_what_cannot_change_in_place,
    deployment.no_partition_is_written_out,
    deployment.nested_stacks_get_what_they_declare,
    deployment.the_stack_deploys_without_an_argument,
    deployment.alarms_add_up_what_may_be_missing,
    contracts.runs_outlive_a_deployment,
    contracts.functions_that_slept_are_waited_for,
    permissions.every_action_exists,
    permissions.every_resource_is_named,
]


@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
def test_a_contract_holds(check: Callable[[System], list[str]]) -> None:
    assert check(System()) == []


def jobs(system: System, name: str) -> Any:
    return system.templates["stacks/jobs.yaml"]["Resources"][name]["Properties"]


def root(system: System, name: str) -> Any:
    return system.templates["template.yaml"]["Resources"][name]


def statement(system: System, template: str, owner: str, sid: str) -> Any:
    properties = system.templates[template]["Resources"][owner]["Properties"]
    document = properties.get("PolicyDocument") or properties["Policies"][0]
    document = document.get("PolicyDocument", document)
    [found] = [each for each in document["Statement"] if each["Sid"] == sid]
    return found


def shared(system: System, sid: str) -> Any:
    return statement(system, "template.yaml", "RunPipelinesPolicy", sid)


def submits(system: System) -> Any:
    return statement(system, "template.yaml", "NtonStateMachineRole", "SubmitJobs")["Resource"]


DAMAGES: list[tuple[Callable[[System], list[str]], Callable[[System], Any], str]] = [
    (
        contracts.commands_and_parameters_agree,
        lambda s: jobs(s, "PricerJobDefinition")["Parameters"].pop("planHash"),
        "Ref::planHash has no parameter",
    ),
    (
        contracts.commands_and_parameters_agree,
        lambda s: jobs(s, "StitchJobDefinition")["Parameters"].update(more=""),
        "parameter more is not used",
    ),
    (
        contracts.commands_and_parameters_agree,
        lambda s: jobs(s, "PricerJobDefinition")["Parameters"].update(planHash=""),
        "planHash is empty, and B",
    ),
    (
        contracts.children_are_retried_by_the_same_rules,
        lambda s: jobs(s, "PricerJobDefinition")["RetryStrategy"]["EvaluateOnExit"].reverse(),
        "PricerJob",
    ),
    (
        contracts.jobs_can_be_told_apart_in_costs,
        lambda s: jobs(s, "PricerJobDefinition")["Tags"].clear(),
        "PricerJobDefinition",
    ),
    (
        contracts.queues_prefer_spot_and_never_wait_for_what_cannot_come,
        lambda s: s.resources["JobQueue"]["Properties"]["ComputeEnvironmentOrder"].pop(),
        "JobQueue: runs on",
    ),
    (
        contracts.queues_prefer_spot_and_never_wait_for_what_cannot_come,
        lambda s: s.resources["OnDemandQueue"]["Properties"].pop("JobStateTimeLimitActions"),
        "blocks it for",
    ),
    (
        contracts.environments_are_as_batch_wants_them,
        lambda s: s.resources["SpotEnvironment"]["Properties"].update(ServiceRole="r"),
        "SpotEnvironment",
    ),
    (
        contracts.single_last_jobs_run_on_demand,
        lambda s: dict(states(s.machines["statemachine/rendering.asl.json"]))["Stitch the film"]["Parameters"].update(
            JobQueue="${JobQueueArn}"
        ),
        "Stitch the film runs on ${JobQueueArn}",
    ),
    (
        contracts.machines_may_do_what_their_states_do,
        lambda s: shared(s, "HearOfJobs")["Action"].remove("events:PutRule"),
        "waits for jobs",
    ),
    (
        contracts.machines_may_do_what_their_states_do,
        lambda s: shared(s, "DeliverLogs")["Action"].pop(),
        "may not logs:DescribeLogGroups",
    ),
    (
        contracts.machines_may_do_what_their_states_do,
        lambda s: submits(s).remove({"Fn::GetAtt": "Compute.Outputs.DeliveryQueueArn"}),
        "DeliveryQueueArn",
    ),
    (
        contracts.substitutions_are_given_and_used,
        lambda s: root(s, "NtonStateMachine")["Properties"]["DefinitionSubstitutions"].update(Odd="1"),
        "in vain",
    ),
    (
        contracts.every_next_lands,
        lambda s: s.machines["statemachine/nton.asl.json"].update(StartAt="Nowhere"),
        "'Nowhere' is no state",
    ),
    (
        deployment.subnets_have_routes,
        lambda s: s.templates["stacks/network.yaml"]["Resources"].pop("SubnetBRoute"),
        "SubnetB: has no way out",
    ),
    (
        deployment.subnets_have_routes,
        lambda s: s.resources["S3Endpoint"]["Properties"].update(RouteTableIds=[]),
        "S3Endpoint: is not reached",
    ),
    (
        deployment.logs_are_kept_for_a_while,
        lambda s: s.resources["JobLogs"]["Properties"].pop("RetentionInDays"),
        "JobLogs: keeps logs for ever",
    ),
    (
        deployment.logs_are_kept_for_a_while,
        lambda s: root(s, "CountItemsFunction")["Properties"].pop("LoggingConfig"),
        "CountItemsFunction: has no",
    ),
    (
        deployment.custom_resources_cannot_hang,
        lambda s: root(s, "PricerImage")["Properties"].pop("ServiceTimeout"),
        "PricerImage: has no ServiceT",
    ),
    (
        deployment.custom_resources_cannot_hang,
        lambda s: root(s, "EmptyBucketsFunction")["Properties"].pop("EventInvokeConfig"),
        "nobody answers when",
    ),
    (
        deployment.custom_resources_cannot_hang,
        lambda s: root(s, "PricerImage").pop("DependsOn"),
        "PricerImage: may run before",
    ),
    (deployment.deletion_goes_in_order, lambda s: root(s, "Compute").pop("DependsOn"), "Compute: is deleted after"),
    (
        deployment.deletion_goes_in_order,
        lambda s: root(s, "EmptiedBuckets")["Properties"]["Buckets"].pop(),
        "SourcesBucket: is not emptied",
    ),
    (
        deployment.deletion_goes_in_order,
        lambda s: s.resources["PricerRepository"]["Properties"].pop("EmptyOnDelete"),
        "PricerRepository: is not",
    ),
    (
        deployment.no_partition_is_written_out,
        lambda s: shared(s, "StopJobs").update(Resource="arn:aws:batch:x"),
        "arn:aws:batch:x",
    ),
    (
        deployment.names_change_with_what_cannot_change_in_place,
        lambda s: s.resources["PricerRepository"]["Properties"].update(RepositoryName="pricer"),
        "PricerRepository: keeps its name",
    ),
    (
        deployment.nested_stacks_get_what_they_declare,
        lambda s: root(s, "Jobs")["Properties"]["Parameters"].pop("DataBucketArn"),
        "DataBucketArn is not given",
    ),
    (
        deployment.nested_stacks_get_what_they_declare,
        lambda s: s.templates["stacks/network.yaml"]["Outputs"].pop("SubnetAId"),
        "Network: has no output Sub",
    ),
    (
        deployment.the_stack_deploys_without_an_argument,
        lambda s: s.templates["template.yaml"]["Parameters"]["VpcCidr"].pop("Default"),
        "VpcCidr: has no def",
    ),
    (
        deployment.the_stack_deploys_without_an_argument,
        lambda s: s.templates["template.yaml"]["Parameters"]["Alarms"].update(Default="yes"),
        "Alarms: costs",
    ),
    (
        deployment.alarms_add_up_what_may_be_missing,
        lambda s: s.resources["NtonAlarm"]["Properties"]["Metrics"][0].update(Expression="failed + timedOut"),
        "NtonAlarm: timedOut is missing",
    ),
    (
        contracts.runs_outlive_a_deployment,
        lambda s: jobs(s, "StitchJobDefinition").pop("ResourceRetentionPolicy"),
        "StitchJobDefinition: its old",
    ),
    (
        contracts.runs_outlive_a_deployment,
        lambda s: submits(s).append({"Fn::GetAtt": "Jobs.Outputs.DeliveryJobDefinitionArn"}),
        "NtonStateMachine: may submit Jobs.Outputs.Del",
    ),
    (
        contracts.functions_that_slept_are_waited_for,
        lambda s: s.machines["statemachine/nton.asl.json"]["States"]["Prepare nodes"]["Retry"].pop(0),
        "Prepare nodes does not wait for EFSMountTimeoutException",
    ),
    (
        permissions.every_action_exists,
        lambda s: shared(s, "StopJobs").update(Action="batch:StopJob"),
        "StopJobs: there is no batch:StopJob",
    ),
    (
        permissions.every_resource_is_named,
        lambda s: shared(s, "StopJobs").update(Resource="*"),
        "batch:TerminateJob can name its resources",
    ),
    (
        permissions.every_resource_is_named,
        lambda s: shared(s, "StopJobs").update(Resource=[]),
        "RunPipelinesPolicy.StopJobs job/*: an exception",
    ),
    (
        permissions.every_resource_is_named,
        lambda s: statement(s, "template.yaml", "NightlyRunsRole", "StartExecutions").update(
            Resource={"Fn::Sub": "arn:${AWS::Partition}:states:r:a:stateMachine:*"}
        ),
        "NightlyRunsRole.StartExecutions stateMachine:*: a wildcard without a reason",
    ),
]


@pytest.mark.parametrize(("check", "damage", "found"), DAMAGES, ids=[found for *_, found in DAMAGES])
def test_a_damage_is_noticed(check: Callable[[System], list[str]], damage: Callable[[System], Any], found: str) -> None:
    system = System()
    damage(system)
    assert [problem for problem in check(system) if found in problem]


def test_every_check_is_shown_to_notice_something() -> None:
    assert {check for check, *_ in DAMAGES} == set(CHECKS)


def test_the_dashboard_is_json_when_its_names_are_filled_in() -> None:
    body = TEMPLATES["stacks/operations.yaml"]["Resources"]["PipelineDashboard"]["Properties"]["DashboardBody"]
    board = json.loads(re.sub(r"\$\{[\w:]+\}", "x", body["Fn::Sub"]))
    assert len(board["widgets"]) == 5
    assert max(widget["x"] + widget["width"] for widget in board["widgets"]) == 24
