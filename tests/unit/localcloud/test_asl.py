"""Checks of state machine definitions."""

from typing import Any

import pytest

from localcloud.asl import convention_problems, problems

PASS: dict[str, Any] = {"Type": "Pass", "End": True}
INVOKE = "arn:aws:states:::lambda:invoke"
SUBMIT = "arn:aws:states:::batch:submitJob.sync"


def machine(state: Any, **others: Any) -> dict[str, Any]:
    return {"StartAt": "It", "States": {"It": state, **others}}


def task(resource: str = INVOKE, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True, **more}


@pytest.mark.parametrize(
    "definition",
    [
        machine(PASS),
        machine({"Type": "Succeed"}),
        machine({"Type": "Fail", "Error": "Odd"}),
        machine({"Type": "Pass", "Next": "Then"}, Then=PASS),
        machine(task(Parameters={"FunctionName": "f", "Payload.$": "$"}, TimeoutSeconds=5)),
        machine(task("arn:aws:lambda:us-east-1:123456789012:function:f")),
        machine(task(SUBMIT, Parameters={"JobName.$": "$.n", "JobDefinition": "d", "JobQueue": "q"})),
        machine(task("arn:aws:states:::aws-sdk:s3:listObjectsV2", Parameters={"Bucket": "b"})),
        machine({"Type": "Wait", "Seconds": 1, "End": True}),
        machine({"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "Then"}]}, Then=PASS),
        machine({"Type": "Parallel", "Branches": [{"StartAt": "B", "States": {"B": PASS}}], "End": True}),
        machine({"Type": "Map", "ItemProcessor": {"StartAt": "B", "States": {"B": PASS}}, "End": True}),
        machine(
            {
                "Type": "Pass",
                "Parameters": {"a.$": "States.Format('(}{', $.b)", "c": [{"d.$": "$$.Execution.Name"}]},
                "End": True,
            }
        ),
    ],
)
def test_a_machine_that_runs_here_has_no_problems(definition: dict[str, Any]) -> None:
    assert problems(definition) == []


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ([], "the definition is not a JSON object"),
        ({"StartAt": "A", "States": {}}, "States is missing or empty"),
        ({"StartAt": "A", "States": {"B": PASS}}, "StartAt: there is no state 'A'"),
        (machine(PASS) | {"Odd": 1}, "Odd is no field of a state machine here"),
        (machine(PASS) | {"QueryLanguage": "JSONata"}, "QueryLanguage: only JSONPath runs here"),
        (machine({"Type": "Pass", "Next": "Gone"}), "States.'It'.Next: there is no state 'Gone'"),
        (machine(PASS, Lost=PASS), "States.'Lost': cannot be reached from 'It'"),
        (machine({"Type": "Pass", "Next": "It"}), "States: no state that ends the execution can be reached"),
        (machine({"Type": "Pass"}), "States.'It': needs either Next or End"),
        (machine({"Type": "Pass", "End": True, "Next": "It"}), "States.'It': needs either Next or End"),
        (machine({"Type": "Odd"}), "States.'It'.Type: 'Odd' is no type of state"),
        (machine(PASS | {"Retry": []}), "States.'It'.Retry: a Pass state has no such field here"),
        (machine(PASS | {"Assign": {}}), "States.'It'.Assign: a Pass state has no such field here"),
        (machine(task("arn:aws:states:::glue:startJobRun")), "'arn:aws:states:::glue:startJobRun' does not run here"),
        (machine(task(f"{INVOKE}.sync")), "lambda:invoke does not run as .sync here"),
        (machine(task("arn:aws:states:::aws-sdk:ec2:runInstances")), "aws-sdk:ec2 does not run here"),
        (
            machine(task(SUBMIT, Parameters={"ShareIdentifier": "x"})),
            "Parameters.ShareIdentifier: batch:submitJob takes no",
        ),
        (machine(task(Catch=[{"ErrorEquals": ["A"], "Next": "Gone"}])), "Catch[0].Next: there is no state 'Gone'"),
        (machine(task(Catch=[{"ErrorEquals": [], "Next": "It"}])), "Catch[0].ErrorEquals: is missing or empty"),
        (machine(task(Catch=[{"ErrorEquals": ["A"]}])), "Catch[0].Next: is missing"),
        (
            machine(task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}])),
            "Retry[0].ErrorEquals: States.ALL must stand alone and last",
        ),
        (machine(task(Retry=[{"ErrorEquals": ["A"], "Times": 1}])), "Retry[0].Times: no such field here"),
        (machine({"Type": "Wait", "End": True}), "needs exactly one of Seconds, SecondsPath, Timestamp, TimestampPath"),
        (machine({"Type": "Wait", "Seconds": 1, "Timestamp": "x", "End": True}), "needs exactly one of"),
        (machine({"Type": "Fail", "Error": "a", "ErrorPath": "$.a"}), "has both Error and ErrorPath"),
        (machine({"Type": "Choice", "Choices": []}), "Choices: is missing or empty"),
        (
            machine({"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericOdd": 1, "Next": "It"}]}),
            "Choices[0]: needs Variable and one comparison",
        ),
        (
            machine({"Type": "Choice", "Choices": [{"And": [{"Variable": "$.a"}], "Next": "It"}]}),
            "Choices[0].And[0]: needs Variable and one comparison",
        ),
        (machine({"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True}]}), "Choices[0].Next: is missing"),
        (
            machine(
                {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "It"}], "Default": "Gone"}
            ),
            "Default: there is no state 'Gone'",
        ),
        (machine({"Type": "Parallel", "Branches": [], "End": True}), "Branches: is missing or empty"),
        (
            machine(
                {
                    "Type": "Parallel",
                    "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Pass", "Next": "It"}}}],
                    "End": True,
                }
            ),
            "States.'It'.Branches[0].States.'B'.Next: there is no state 'It'",
        ),
        (
            machine({"Type": "Parallel", "Branches": [{"StartAt": "It", "States": {"It": PASS}}], "End": True}),
            "the name is taken by States.'It'",
        ),
        (
            machine(
                {
                    "Type": "Map",
                    "End": True,
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "DISTRIBUTED"},
                        "StartAt": "B",
                        "States": {"B": PASS},
                    },
                }
            ),
            "only INLINE runs here, not 'DISTRIBUTED'",
        ),
        (machine({"Type": "Map", "End": True}), "needs either ItemProcessor or Iterator"),
        (
            machine({"Type": "Pass", "Parameters": {"a.$": "b"}, "End": True}),
            "'b' is neither a path nor an intrinsic function",
        ),
        (
            machine({"Type": "Pass", "Parameters": {"a.$": 5}, "End": True}),
            "must be a path or an intrinsic function, not 5",
        ),
        (
            machine({"Type": "Pass", "Parameters": {"a.$": "States.Odd($.a)"}, "End": True}),
            "no intrinsic function States.Odd",
        ),
        (
            machine({"Type": "Pass", "Parameters": {"a.$": "States.Format('{}', States.Odd($.a))"}, "End": True}),
            "no intrinsic function States.Odd",
        ),
        (
            machine({"Type": "Pass", "Parameters": {"a.$": "States.UUID("}, "End": True}),
            "the parentheses of 'States.UUID(' do not match",
        ),
        (machine({"Type": "Pass", "Parameters": {"a": 1, "a.$": "$.a"}, "End": True}), "stands beside the same key"),
        (machine(PASS | {"Type": "Pass"}, **{"x" * 81: PASS}), "the name has 81 characters; 80 are allowed"),
    ],
)
def test_what_does_not_run_here_is_named_with_its_place(definition: Any, problem: str) -> None:
    assert any(problem in found for found in problems(definition)), problems(definition)


def test_a_task_without_a_timeout_breaks_the_convention_and_nothing_else() -> None:
    nested = {"Type": "Map", "ItemProcessor": {"StartAt": "B", "States": {"B": task()}}, "End": True}
    definition = machine(nested)
    assert problems(definition) == []
    assert convention_problems(definition) == ["States.'It'.ItemProcessor.States.'B': a task without TimeoutSeconds"]
    assert convention_problems(machine(task(TimeoutSecondsPath="$.t"))) == []
