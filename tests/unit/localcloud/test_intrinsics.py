"""CloudFormation's intrinsic functions, each against what its documentation says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.deploy.intrinsics import NO_VALUE, Scope, condition, references, resolve
from localcloud.errors import TemplateError

RESOURCES = {"Bucket": ("the-bucket", {"Arn": "arn:aws:s3:::the-bucket"}), "Vpc": ("vpc-1", {"Cidr": "10.0.0.0/16"})}


def ref(name: str) -> str:
    return RESOURCES[name][0]


def attribute(name: str, key: str) -> Any:
    attributes = RESOURCES[name][1]
    if key not in attributes:
        raise LookupError(f"{name} has no attribute {key!r}")
    return attributes[key]


SCOPE = Scope(
    parameters={
        "Stage": "test",
        "Subnets": ["a", "b"],
        "Count": "3",
        "AWS::Region": "eu-west-1",
        "AWS::StackName": "s",
    },
    mappings={"Sizes": {"test": {"Memory": 128, "Zones": ["x", "y"]}}},
    conditions={
        "IsTest": {"Fn::Equals": [{"Ref": "Stage"}, "test"]},
        "IsLive": {"Fn::Not": [{"Condition": "IsTest"}]},
        "Either": {"Fn::Or": [{"Condition": "IsTest"}, {"Condition": "IsLive"}]},
        "Both": {"Fn::And": [{"Condition": "IsTest"}, {"Condition": "IsLive"}]},
        "Circle": {"Condition": "Circle"},
        "Three": {"Fn::Equals": [{"Ref": "Count"}, 3]},
    },
    ref=ref,
    attribute=attribute,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Stage"}, "test"),
        ({"Ref": "Subnets"}, ["a", "b"]),
        ({"Ref": "Bucket"}, "the-bucket"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::the-bucket"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "arn:aws:s3:::the-bucket"),
        (
            {"Fn::Sub": "${Stage}-${AWS::Region}-${Bucket.Arn}-${!literal}"},
            "test-eu-west-1-arn:aws:s3:::the-bucket-${literal}",
        ),
        ({"Fn::Sub": ["${Own} ${Stage}", {"Own": {"Ref": "Bucket"}}]}, "the-bucket test"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 1, True]]}, "a-test-1-true"),
        ({"Fn::Join": ["|", {"Ref": "Subnets"}]}, "a|b"),
        ({"Fn::Join": [",", ["a", {"Ref": "AWS::NoValue"}]]}, "a"),
        ({"Fn::Select": ["1", {"Ref": "Subnets"}]}, "b"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "eu-west-1a"),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Split": ["/", "a/b//c"]}, ["a", "b", "", "c"]),
        ({"Fn::Select": [2, {"Fn::Split": [":", {"Fn::GetAtt": ["Bucket", "Arn"]}]}]}, "s3"),
        ({"Fn::If": ["IsTest", "yes", "no"]}, "yes"),
        ({"Fn::If": ["IsLive", {"Ref": "Nowhere"}, "no"]}, "no"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Memory"]}, 128),
        ({"Fn::FindInMap": ["Sizes", "live", "Memory", {"DefaultValue": {"Ref": "Stage"}}]}, "test"),
        ({"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "Cidr"]}, 3, 8]}, ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]),
        ({"Fn::Cidr": ["10.42.0.0/16", "2", "12"]}, ["10.42.0.0/20", "10.42.16.0/20"]),
        ({"Fn::Base64": {"Fn::Sub": "#!${Stage}"}}, "IyF0ZXN0"),
        ({"Fn::Length": {"Ref": "Subnets"}}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a":"test"}'),
        ({"a": [{"Ref": "Stage"}, {"Ref": "AWS::NoValue"}], "b": {"Ref": "AWS::NoValue"}}, {"a": ["test"]}),
        ({"Fn::If": ["IsLive", 1, {"Ref": "AWS::NoValue"}]}, NO_VALUE),
        ({"Ref": "Stage", "beside": 1}, {"Ref": "Stage", "beside": 1}),
    ],
)
def test_an_intrinsic_function_gives_its_value(value: Any, expected: Any) -> None:
    assert resolve(value, SCOPE, "It") == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"Ref": "Nowhere"}, r"It\.Ref: there is no parameter or resource 'Nowhere'"),
        ({"a": [{"Fn::GetAtt": ["Bucket", "Colour"]}]}, r"It\.a\[0\]\.Fn::GetAtt: Bucket has no attribute 'Colour'"),
        ({"Fn::GetAtt": "Bucket"}, "takes a resource and an attribute"),
        ({"Fn::Sub": "${Nowhere.Arn}"}, "no parameter or resource 'Nowhere.Arn'"),
        ({"Fn::Sub": "${Subnets}"}, r"expected text, not \['a', 'b'\]"),
        ({"Fn::Select": [2, {"Ref": "Subnets"}]}, "no item 2 in a list of 2"),
        ({"Fn::Select": ["x", ["a"]]}, "expected a whole number"),
        ({"Fn::Join": ["-"]}, "takes 2 arguments, not 1"),
        ({"Fn::Split": ["", "a"]}, "delimiter that is not empty"),
        ({"Fn::If": ["Nowhere", 1, 2]}, "there is no condition 'Nowhere'"),
        ({"Fn::If": ["Circle", 1, 2]}, "go in a circle"),
        ({"Fn::FindInMap": ["Sizes", "live", "Memory"]}, "Mappings has no Sizes.live.Memory"),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 8]}, "does not hold 2 blocks"),
        ({"Fn::Cidr": ["10.0.0/24", 1, 8]}, "does not appear to be an IPv4"),
        ({"Fn::ImportValue": "x"}, "Fn::ImportValue is not supported"),
        ({"Fn::Transform": {}}, "Fn::Transform is not supported"),
        ({"Fn::Nothing": 1}, "there is no intrinsic function Fn::Nothing"),
    ],
)
def test_what_cannot_be_resolved_is_named_with_its_place(value: Any, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        resolve(value, SCOPE, "It")


@pytest.mark.parametrize(
    ("name", "holds"), [("IsTest", True), ("IsLive", False), ("Either", True), ("Both", False), ("Three", True)]
)
def test_a_condition_is_worked_out_from_others(name: str, holds: bool) -> None:
    assert condition(name, SCOPE, "It") is holds


def test_only_the_branch_that_is_taken_refers_to_anything() -> None:
    value = {
        "a": {"Fn::If": ["IsTest", {"Fn::GetAtt": ["Bucket", "Arn"]}, {"Ref": "Vpc"}]},
        "b": {"Fn::Sub": "${X.Y} ${!Z}"},
    }
    assert set(references(value, SCOPE, "It")) == {"Bucket", "X"}


def test_names_given_to_sub_are_no_references() -> None:
    value = {"Fn::Sub": ["${Own} ${Stage}", {"Own": {"Ref": "Bucket"}}]}
    assert set(references(value, SCOPE, "It")) == {"Stage", "Bucket"}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "Ref" and key[:4] != "Fn::"), inner)
    ),
)


@given(plain)
def test_a_value_without_functions_stays_as_it_is(value: Any) -> None:
    assert resolve(value, SCOPE, "It") == value
    assert list(references(value, SCOPE, "It")) == []


@given(st.lists(st.text(alphabet="abc"), min_size=1), st.text(alphabet="-/", min_size=1))
def test_split_undoes_join(parts: list[str], delimiter: str) -> None:
    joined = {"Fn::Join": [delimiter, parts]}
    assert resolve({"Fn::Split": [delimiter, joined]}, SCOPE, "It") == parts
