"""Parameters of a template."""

from typing import Any

import pytest

from localcloud.deploy.parameters import parameter_values
from localcloud.errors import TemplateError


@pytest.mark.parametrize(
    ("declaration", "given", "expected"),
    [
        ({"Type": "String", "Default": "a"}, None, "a"),
        ({"Type": "String", "Default": "a"}, "b", "b"),
        ({"Type": "String", "Default": ""}, None, ""),
        ({"Type": "String", "Default": True}, None, "true"),
        ({"Type": "Number", "Default": 256, "MinValue": 2}, None, "256"),
        ({"Type": "Number", "AllowedValues": [1, 3]}, "3", "3"),
        ({"Type": "CommaDelimitedList"}, "a, b,c", ["a", "b", "c"]),
        ({"Type": "CommaDelimitedList", "Default": ""}, None, []),
        ({"Type": "List<Number>"}, "1,2", ["1", "2"]),
        ({"Type": "List<AWS::EC2::Subnet::Id>"}, "subnet-1,subnet-2", ["subnet-1", "subnet-2"]),
        ({"Type": "AWS::EC2::VPC::Id"}, "vpc-1", "vpc-1"),
    ],
)
def test_a_parameter_takes_the_given_value_or_its_default(
    declaration: dict[str, Any], given: str | None, expected: Any
) -> None:
    assert parameter_values({"It": declaration}, {} if given is None else {"It": given}) == {"It": expected}


@pytest.mark.parametrize(
    ("declaration", "given", "problem"),
    [
        ({"Type": "String"}, None, "has no default and no value was given"),
        ({"Type": "Number"}, "x", "'x' is not a number"),
        ({"Type": "Number", "MaxValue": 5}, "6", "outside MinValue and MaxValue"),
        ({"Type": "String", "AllowedValues": ["a"]}, "b", r"'b' is not one of \['a'\]"),
        ({"Type": "String", "AllowedPattern": r"\d+"}, "1x", "does not match"),
        ({"Type": "String", "MinLength": 2}, "a", "breaks MinLength 2"),
        ({"Type": "String", "MaxLength": "2"}, "abc", "breaks MaxLength 2"),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>"},
            "/a",
            "type 'AWS::SSM::Parameter::Value<String>' is not supported",
        ),
        ({"Type": "Strung"}, "a", "type 'Strung' is not supported"),
        ({"Type": "List<Number>"}, "1,x", "'x' is not a number"),
        (
            {"Type": "String", "AllowedValues": ["a"], "ConstraintDescription": "only a"},
            "b",
            r"\(only a\)",
        ),
    ],
)
def test_a_value_that_breaks_its_declaration_is_refused_by_name(
    declaration: dict[str, Any], given: str | None, problem: str
) -> None:
    with pytest.raises(TemplateError, match=rf"Parameters\.It: .*{problem}"):
        parameter_values({"It": declaration}, {} if given is None else {"It": given})


def test_a_value_for_no_parameter_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"Parameters\.Other: is given but the template does not declare it"):
        parameter_values({}, {"Other": "x"})
