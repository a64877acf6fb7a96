"""The states language that localcloud accepts, run by moto's interpreter, repaired."""

import re
from datetime import datetime
from typing import Any

import pytest

from tests.local.cloud.machines import Execute, one
from tests.local.cloud_process import Cloud


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"States.Format('{} has {} of {}\'s', $.name, $.n, 'it')", "book has 3 of it's"),
        ("States.Format('{}-{}', $.name, $.n)", "book-3"),
        (r"States.Format('\{{}\} {}', $.name, '\{}')", "{book} {}"),
        (r"States.Array('\{\}', '\\', 'é😀\/')", ["{}", "\\", "é😀/"]),
        ("States.StringToJson($.text)", {"a": 1}),
        ("States.JsonToString($.object)", '{"a":1,"b":[2]}'),
        ("States.JsonMerge($.object, $.override, false)", {"a": 9, "b": [2], "c": 3}),
        ("States.Array($.n, 'x', $.name)", [3, "x", "book"]),
        ("States.ArrayPartition($.list, 2)", [[1, 2], [2, 5]]),
        ("States.ArrayContains($.list, 5)", True),
        ("States.ArrayContains($.list, 7)", False),
        ("States.ArrayRange(1, 9, 4)", [1, 5, 9]),
        ("States.ArrayGetItem($.list, 1)", 2),
        ("States.ArrayLength($.list)", 4),
        ("States.MathAdd($.n, -5)", -2),
        ("States.StringSplit('a,b;c', ',;')", ["a", "b", "c"]),
        ("States.Base64Encode('data')", "ZGF0YQ=="),
        ("States.Base64Decode('ZGF0YQ==')", "data"),
        ("States.Hash('data', 'SHA-256')", "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"),
        ("States.ArrayGetItem(States.StringSplit($.name, 'o'), 0)", "b"),
        ("$.list[1:]", [2, 2, 5]),
        ("$.list[-1]", 5),
        ("$['object']['b'][0]", 2),
        ("$.rows[0].name", "x"),
        ("$.rows[*].name", ["x", "y"]),
        ("$.rows[?(@.n > 1)].name", ["y"]),
        ("$.rows[?(@.n > 9)].name", []),
        ("$$.Execution.Input.name", "book"),
    ],
)
def test_intrinsic_functions_and_paths(execute: Execute, expression: str, expected: Any) -> None:
    payload = {
        "name": "book",
        "n": 3,
        "text": '{"a": 1}',
        "object": {"a": 1, "b": [2]},
        "override": {"a": 9, "c": 3},
        "list": [1, 2, 2, 5],
        "rows": [{"name": "x", "n": 1}, {"name": "y", "n": 2}],
    }
    done = execute(one({"Type": "Pass", "Parameters": {"it.$": expression}}), payload)
    assert done["status"] == "SUCCEEDED", done
    assert done["output"]["it"] == expected


def test_unique_items_random_numbers_and_uuids(execute: Execute) -> None:
    parameters = {
        "unique.$": "States.ArrayUnique($.list)",
        "random.$": "States.MathRandom(1, 10)",
        "uuid.$": "States.UUID()",
    }
    output = execute(one({"Type": "Pass", "Parameters": parameters}), {"list": [1, 2, 2, 5]})["output"]
    assert sorted(output["unique"]) == [1, 2, 5]
    assert 1 <= output["random"] <= 10
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", output["uuid"])


def test_the_context_tells_name_and_start(little: Cloud, execute: Execute) -> None:
    context = {"name.$": "$$.Execution.Name", "start.$": "$$.Execution.StartTime", "state.$": "$$.State.Name"}
    done = execute(one({"Type": "Pass", "Parameters": context}))
    assert done["output"]["name"] == done["name"]
    assert done["output"]["state"] == "It"
    started = datetime.fromisoformat(done["output"]["start"])
    assert done["output"]["start"].endswith("Z")
    assert abs((started - done["startDate"]).total_seconds()) < 1


def test_defaults_are_filled_from_the_execution_s_input(execute: Execute) -> None:
    machine = {
        "StartAt": "Set defaults",
        "States": {
            "Set defaults": {"Type": "Pass", "Parameters": {"a": 1, "b": "two"}, "Next": "Fill defaults"},
            "Fill defaults": {
                "Type": "Pass",
                "Parameters": {"request.$": "States.JsonMerge($, $$.Execution.Input, false)"},
                "OutputPath": "$.request",
                "End": True,
            },
        },
    }
    assert execute(machine, {"b": 2, "c": None})["output"] == {"a": 1, "b": 2, "c": None}


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ({"Variable": "$.n", "NumericEquals": 1}, True),
        ({"Variable": "$.n", "NumericGreaterThan": 1}, False),
        ({"Variable": "$.n", "NumericGreaterThanEquals": 1}, True),
        ({"Variable": "$.n", "NumericLessThanEqualsPath": "$.limit"}, True),
        ({"Variable": "$.yes", "BooleanEquals": True}, True),
        ({"Variable": "$.text", "StringEquals": "a"}, True),
        ({"Variable": "$.text", "StringMatches": "a*"}, True),
        ({"Variable": "$.text", "NumericEquals": 1}, False),
        ({"Variable": "$.absent", "IsPresent": True}, False),
        ({"Variable": "$.absent", "IsPresent": False}, True),
        ({"Variable": "$.none", "IsNull": True}, True),
        ({"Variable": "$.none", "IsPresent": True}, True),
        ({"Variable": "$.text", "IsString": True}, True),
        ({"Variable": "$.n", "IsNumeric": True}, True),
        ({"Variable": "$.when", "IsTimestamp": True}, True),
        ({"Variable": "$.when", "TimestampLessThan": "2030-01-01T00:00:00Z"}, True),
        ({"And": [{"Variable": "$.absent", "IsPresent": True}, {"Variable": "$.absent", "NumericEquals": 1}]}, False),
        ({"Or": [{"Variable": "$.n", "NumericEquals": 2}, {"Variable": "$.yes", "BooleanEquals": True}]}, True),
        ({"Not": {"Variable": "$.yes", "BooleanEquals": True}}, False),
    ],
)
def test_choice_rules(execute: Execute, rule: dict[str, Any], taken: bool) -> None:
    payload = {"n": 1, "limit": 1.5, "yes": True, "text": "a", "none": None, "when": "2026-01-01T00:00:00Z"}
    ends = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("Taken", "Passed")}
    machine = one({"Type": "Choice", "Choices": [rule | {"Next": "Taken"}], "Default": "Passed"}, **ends)
    assert execute(machine, payload)["output"] == ("Taken" if taken else "Passed")


def test_names_and_texts_may_hold_any_character(execute: Execute) -> None:
    first, second = 'Say "é😀"', "C:\\path"
    machine = {
        "StartAt": first,
        "States": {
            first: {"Type": "Pass", "Result": {"é": second}, "Next": second},
            second: {"Type": "Pass", "Parameters": {"it.$": "$['é']", "name.$": "$$.State.Name"}, "End": True},
        },
    }
    assert execute(machine)["output"] == {"it": second, "name": second}


def test_no_rule_and_no_default_fail_the_execution(execute: Execute) -> None:
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "Taken"}
    done = execute(one({"Type": "Choice", "Choices": [rule]}, Taken={"Type": "Succeed"}), {"n": 2})
    assert (done["status"], done["error"]) == ("FAILED", "States.Runtime")


def test_fail_states_take_error_and_cause_from_the_state(execute: Execute) -> None:
    done = execute(one({"Type": "Fail", "ErrorPath": "$.name", "CausePath": "$.why"}), {"name": "Odd", "why": "so"})
    assert (done["status"], done["error"], done["cause"]) == ("FAILED", "Odd", "so")


def test_a_map_keeps_the_order_of_its_items(execute: Execute) -> None:
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"index.$": "$$.Map.Item.Index", "value.$": "$$.Map.Item.Value", "all.$": "$.name"},
        "MaxConcurrency": 2,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Each",
            "States": {
                "Each": {"Type": "Pass", "Parameters": {"is.$": "States.Format('{}{}', $.all, $.value)"}, "End": True}
            },
        },
        "ResultPath": "$.results",
    }
    output = execute(one(state), {"name": "x", "items": [3, 1, 2]})["output"]
    assert [item["is"] for item in output["results"]] == ["x3", "x1", "x2"]
    assert output["items"] == [3, 1, 2]


def test_parallel_branches_return_in_order_and_one_failure_fails_the_state(execute: Execute) -> None:
    branches = [
        {
            "StartAt": "A",
            "States": {
                "A": {"Type": "Wait", "Seconds": 1, "Next": "B"},
                "B": {"Type": "Pass", "Result": 1, "End": True},
            },
        },
        {"StartAt": "C", "States": {"C": {"Type": "Pass", "Result": 2, "End": True}}},
    ]
    assert execute(one({"Type": "Parallel", "Branches": branches}))["output"] == [1, 2]
    failing = [branches[1], {"StartAt": "D", "States": {"D": {"Type": "Fail", "Error": "Odd", "Cause": "so"}}}]
    caught = {"Type": "Parallel", "Branches": failing, "Catch": [{"ErrorEquals": ["Odd"], "Next": "Caught"}]}
    assert execute(one(caught, Caught={"Type": "Pass", "End": True}))["output"] == {"Error": "Odd", "Cause": "so"}


@pytest.mark.parametrize(
    "pause", [{"SecondsPath": "$.seconds"}, {"TimestampPath": "$.past"}, {"Timestamp": "2020-01-01T00:00:00Z"}]
)
def test_a_wait_takes_its_time_from_the_state(execute: Execute, pause: dict[str, str]) -> None:
    done = execute(one({"Type": "Wait"} | pause), {"seconds": 1, "past": "2020-01-01T00:00:00Z"})
    assert done["status"] == "SUCCEEDED"
    took = (done["stopDate"] - done["startDate"]).total_seconds()
    assert took >= 1 if "SecondsPath" in pause else took < 30


def test_paths_shape_what_a_state_sees_and_leaves(execute: Execute) -> None:
    state = {
        "Type": "Pass",
        "InputPath": "$.in",
        "Parameters": {"got.$": "$.a"},
        "ResultPath": "$.out",
        "OutputPath": "$.out",
    }
    assert execute(one(state), {"in": {"a": 1}})["output"] == {"got": 1}
    assert execute(one({"Type": "Pass", "Result": 5, "ResultPath": None}), {"a": 1})["output"] == {"a": 1}
    assert execute(one({"Type": "Pass", "Result": 5, "ResultPath": "$.x.y"}), {"a": 1})["output"] == {
        "a": 1,
        "x": {"y": 5},
    }


def test_a_format_with_too_few_values_fails_the_execution(execute: Execute) -> None:
    done = execute(one({"Type": "Pass", "Parameters": {"it.$": "States.Format('{} {}', $.a)"}}), {"a": 1})
    assert (done["status"], done["error"]) == ("FAILED", "States.IntrinsicFailure")
