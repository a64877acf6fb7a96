"""What every state machine keeps to."""

import json
import re
from collections.abc import Iterator
from inspect import getmembers, isclass
from typing import Any

import pytest
from botocore.session import get_session

from fanout import errors
from tests.unit.conventions.template import ROOT, of_type

MACHINES = {path.name.removesuffix(".asl.json"): path for path in sorted((ROOT / "statemachine").glob("*.asl.json"))}
OUR_ERRORS = {name for name, _ in getmembers(errors, isclass)}
SERVICE_ERRORS = re.compile(r"(States|Lambda|Batch)\.\w+")
SUBSTITUTION = re.compile(r"\$\{(\w+)\}")


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def states(machine: str) -> dict[str, dict[str, Any]]:
    """Every state of a machine, those inside maps and branches included."""

    def nested(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, state in definition["States"].items():
            yield name, state
            for inner in [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]:
                if inner:
                    yield from nested(inner)

    return dict(nested(json.loads(MACHINES[machine].read_text())))


def test_a_definition_is_json_before_anything_is_substituted(machine: str) -> None:
    assert json.loads(MACHINES[machine].read_text())["StartAt"]


def test_every_substitution_is_given_by_the_template_and_none_is_given_in_vain(machine: str) -> None:
    used = set(SUBSTITUTION.findall(MACHINES[machine].read_text()))
    uri = f"statemachine/{machine}.asl.json"
    [given] = [p for p in of_type("AWS::Serverless::StateMachine").values() if p["DefinitionUri"] == uri]
    assert used == set(given["DefinitionSubstitutions"])


def test_every_state_that_is_named_exists_and_every_state_is_reached(machine: str) -> None:
    everything = states(machine)
    named = {json.loads(MACHINES[machine].read_text())["StartAt"]}
    for state in everything.values():
        named |= {state[key] for key in ("Next", "Default") if key in state}
        named |= {rule["Next"] for rule in [*state.get("Choices", []), *state.get("Catch", [])]}
        for inner in [state.get("ItemProcessor"), *state.get("Branches", [])]:
            named |= {inner["StartAt"]} if inner else set()
    assert named == set(everything)


def test_every_task_has_a_timeout(machine: str) -> None:
    tasks = {name: state for name, state in states(machine).items() if state["Type"] == "Task"}
    assert [name for name, state in tasks.items() if not {"TimeoutSeconds", "TimeoutSecondsPath"} & set(state)] == []


def test_every_error_that_is_matched_exists(machine: str) -> None:
    for state in states(machine).values():
        for rule in [*state.get("Catch", []), *state.get("Retry", [])]:
            assert [e for e in rule["ErrorEquals"] if e not in OUR_ERRORS and not SERVICE_ERRORS.fullmatch(e)] == []


def test_every_error_of_lambda_that_is_matched_is_one_that_an_invocation_has(machine: str) -> None:
    """Or one that Step Functions' SDK has of itself."""
    model = get_session().get_service_model("lambda").operation_model("Invoke")
    known = {f"Lambda.{error.name}" for error in model.error_shapes}
    known |= {f"Lambda.{e}" for e in ("AWSLambdaException", "SdkClientException", "ClientExecutionTimeoutException")}
    rules = [rule for state in states(machine).values() for rule in state.get("Retry", [])]
    assert {e for rule in rules for e in rule["ErrorEquals"] if e.startswith("Lambda.")} <= known


def test_every_function_is_called_again_after_an_error_that_is_not_its_own(machine: str) -> None:
    names = ("ClientExecutionTimeoutException", "ServiceException", "AWSLambdaException", "SdkClientException")
    wanted = {f"Lambda.{name}" for name in names}
    for name, state in states(machine).items():
        if state.get("Resource", "").endswith("lambda:invoke"):
            matched = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
            assert matched >= wanted or "States.TaskFailed" in matched, name


def test_a_job_that_is_waited_for_is_never_submitted_again(machine: str) -> None:
    for state in states(machine).values():
        if state.get("Resource", "").endswith("submitJob.sync"):
            assert "Retry" not in state
            assert {"States.TaskFailed", "States.Timeout"} <= {e for r in state["Catch"] for e in r["ErrorEquals"]}


def alike(job: dict[str, Any]) -> dict[str, Any]:
    """What an array and a lone job have in common: all but the size, and that children wait for their likes."""
    waits = [{key: value for key, value in on.items() if key != "Type"} for on in job.get("DependsOn", [])]
    return {key: value for key, value in job.items() if key != "ArrayProperties"} | {
        "DependsOn": list(filter(None, waits))
    }


def test_the_two_ways_to_submit_a_slice_differ_only_in_the_array(machine: str) -> None:
    jobs = [
        state["Parameters"] for state in states(machine).values() if ":batch:submitJob" in state.get("Resource", "")
    ]
    alone = [alike(job) for job in jobs if "ArrayProperties" not in job]
    assert [job["JobName.$"] for job in jobs if "ArrayProperties" in job and alike(job) not in alone] == []
