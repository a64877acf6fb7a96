"""The deployer: order, conditions, outputs, and what it refuses."""

import io
import json
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localcloud.deploy.deployer import deploy
from localcloud.deploy.intrinsics import Scope
from localcloud.deploy.order import creation_order
from localcloud.deploy.registry import Place
from localcloud.deploy.stack import Stack, bucket_name, physical_name
from localcloud.deploy.template import expand
from localcloud.errors import TemplateError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClients:
    """Records calls; answers as a service without surprises would."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def client(self, service: str, role_arn: str | None = None, *, session_name: str = "") -> Any:
        return _FakeClient(service, self.calls)


class _FakeClient:
    def __init__(self, service: str, calls: list[tuple[str, str, dict[str, Any]]]) -> None:
        self._service = service
        self._calls = calls

    def __getattr__(self, operation: str) -> Any:
        def method(**parameters: Any) -> Any:
            self._calls.append((self._service, operation, parameters))
            return {
                "create_topic": {"TopicArn": f"arn:topic:{parameters.get('Name')}"},
                "create_job_queue": {"jobQueueArn": f"arn:queue/{parameters.get('jobQueueName')}"},
                "create_state_machine": {"stateMachineArn": f"arn:machine:{parameters.get('name')}"},
                "get_object": {"Body": io.BytesIO(CHILD.encode())},
                "create_role": {"Role": {"Arn": f"arn:role/{parameters.get('RoleName')}", "RoleId": "R"}},
            }.get(operation, {})

        return method


def deployed(resources: dict[str, Any], *, root: Path, **sections: Any) -> tuple[Stack, FakeClients]:
    clients = FakeClients()
    template = expand(json.dumps({"Resources": resources, **sections}), root=root, region="eu-west-1", parameters={})
    place = Place(
        stack="s",
        account="1" * 12,
        region="eu-west-1",
        clients=clients,
        use_code=lambda *_: None,
        use_mounts=lambda *_: None,
    )
    return deploy(template, place, stack_arn="arn:stack", now=lambda: NOW), clients


def test_resources_are_made_after_what_they_refer_to(tmp_path: Path) -> None:
    resources = {
        "C": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::Sub": "${B.TopicName}"}}},
        "B": {"Type": "AWS::SNS::Topic", "DependsOn": ["A"]},
        "A": {"Type": "AWS::SNS::Topic"},
    }
    stack, clients = deployed(resources, root=tmp_path)
    assert [resource.logical_id for resource in stack.resources] == ["A", "B", "C"]
    assert clients.calls[-1][2]["Attributes"] == {"DisplayName": "s-B"}


def test_a_circle_is_named() -> None:
    scope = Scope(parameters={}, ref=str, attribute=lambda *_: None)
    resources = {"A": {"Properties": {"x": {"Ref": "B"}}}, "B": {"Properties": {"y": {"Fn::GetAtt": "A.Arn"}}}}
    with pytest.raises(TemplateError, match=r"circular dependency: (A → B → A|B → A → B)"):
        creation_order(resources, scope)


def test_a_resource_whose_condition_does_not_hold_is_not_made(tmp_path: Path) -> None:
    resources = {
        "A": {"Type": "AWS::SNS::Topic", "Condition": "Never"},
        "B": {"Type": "AWS::SNS::Topic", "Condition": "Always"},
    }
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}, "Always": {"Fn::Not": [{"Condition": "Never"}]}}
    outputs = {
        "Made": {"Value": {"Ref": "B"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-b"}}},
        "Left": {"Value": {"Ref": "A"}, "Condition": "Never"},
    }
    stack, _ = deployed(resources, root=tmp_path, Conditions=conditions, Outputs=outputs)
    assert [resource.logical_id for resource in stack.resources] == ["B"]
    assert [(output.key, output.value, output.export) for output in stack.outputs] == [("Made", "arn:topic:s-B", "s-b")]
    with pytest.raises(TemplateError, match=r"Outputs\.It\.Value\.Ref: the resource A does not exist: its condition"):
        deployed(resources, root=tmp_path, Conditions=conditions, Outputs={"It": {"Value": {"Ref": "A"}}})


def test_plumbing_is_accepted_and_said_to_be_empty(tmp_path: Path) -> None:
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Image": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "a/b"}},
    }
    outputs = {
        "Block": {"Value": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}},
        "Uri": {"Value": {"Fn::GetAtt": ["Image", "RepositoryUri"]}},
    }
    stack, clients = deployed(resources, root=tmp_path, Outputs=outputs)
    assert clients.calls == []
    assert [resource.emulated for resource in stack.resources] == [False, False]
    assert stack.resource("Vpc").created.physical_id.startswith("vpc-")
    assert [output.value for output in stack.outputs] == [
        "10.0.0.0/16",
        "111111111111.dkr.ecr.eu-west-1.amazonaws.com/a/b",
    ]
    again, _ = deployed(resources, root=tmp_path)
    assert again.resource("Vpc").created == stack.resource("Vpc").created


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        (
            {"Type": "AWS::Redshift::Cluster"},
            r"Resources: types that localcloud does not emulate: It \(AWS::Redshift::Cluster\)",
        ),
        ({"Type": "AWS::SNS::Topic", "Colour": "red"}, r"Resources\.It\.Colour: is no attribute of a resource"),
        (
            {"Type": "AWS::SNS::Topic", "Properties": {"Colour": "red"}},
            r"Resources\.It\.Properties\.Colour: of AWS::SNS::Topic is not emulated here",
        ),
        (
            {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "No"}}},
            r"Resources\.It\.Properties\.TopicName\.Ref: there is no parameter or resource 'No'",
        ),
        ({"Type": "AWS::SNS::Topic", "DependsOn": "No"}, r"Resources\.It\.DependsOn: there is no resource 'No'"),
        (
            {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::GetAtt": "Other.Colour"}}},
            r"Other \(AWS::EC2::VPC\) has no attribute 'Colour' here; known are CidrBlock, ",
        ),
        ({"Type": "AWS::SSM::Parameter"}, r"Resources\.It\.Properties\.Type: is required"),
        (
            {"Type": "AWS::Batch::JobQueue", "Properties": {"Priority": "high"}},
            r"Resources\.It\.Properties\.Priority: expected a integer, not 'high'",
        ),
        (
            {"Type": "AWS::Batch::JobQueue", "Properties": {"Priority": 1, "Colour": 1}},
            r"Resources\.It\.Properties\.Colour: is not known to the service; known are computeEnvironmentOrder,",
        ),
        (
            {"Type": "AWS::Batch::JobQueue", "Properties": {"ComputeEnvironmentOrder": [{"Order": 1, "Odd": "x"}]}},
            r"Resources\.It\.Properties\.ComputeEnvironmentOrder\[0\]\.Odd: is not known",
        ),
        (
            {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": "r", "DefinitionString": "{"}},
            r"Resources\.It\.Properties\.DefinitionString: is not JSON after substitution",
        ),
        (
            {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": "r", "DefinitionString": '{"a": "${B}"}'},
            },
            r"DefinitionString: \$\{B\} is not among the DefinitionSubstitutions of It",
        ),
    ],
)
def test_what_cannot_be_made_is_named_by_resource_and_property(
    tmp_path: Path, resource: dict[str, Any], problem: str
) -> None:
    with pytest.raises(TemplateError, match=problem):
        deployed({"It": resource, "Other": {"Type": "AWS::EC2::VPC"}}, root=tmp_path)


def test_properties_become_parameters_in_the_api_s_case_and_types(tmp_path: Path) -> None:
    properties = {
        "Priority": "5",
        "State": "ENABLED",
        "ComputeEnvironmentOrder": [{"Order": "1", "ComputeEnvironment": "e"}],
        "Tags": {"a": "b"},
    }
    _, clients = deployed({"Queue": {"Type": "AWS::Batch::JobQueue", "Properties": properties}}, root=tmp_path)
    assert clients.calls == [
        (
            "batch",
            "create_job_queue",
            {
                "jobQueueName": "s-Queue",
                "priority": 5,
                "state": "ENABLED",
                "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "e"}],
                "tags": {"a": "b"},
            },
        )
    ]


def test_a_definition_s_substitutions_are_made(tmp_path: Path) -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Topic}", "End": True}}}
    (tmp_path / "it.asl.json").write_text(json.dumps(definition))
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Machine": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "DefinitionUri": "it.asl.json",
                "DefinitionSubstitutions": {"Topic": {"Ref": "Topic"}},
                "Role": "arn:role",
            },
        },
    }
    _, clients = deployed(resources, root=tmp_path, Transform="AWS::Serverless-2016-10-31")
    [made] = [parameters for _, operation, parameters in clients.calls if operation == "create_state_machine"]
    assert json.loads(made["definition"])["States"]["A"]["Result"] == "arn:topic:s-Topic"
    assert made["name"] == "s-Machine"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: [", "the template is not YAML"),
        ("Outputs: {}", "Resources: the template declares no resources"),
        ("Resources: {A: {}}", r"Resources\.A: has no Type"),
        ("Resources: {}\nResource: {}", "Resource: is no section of a template"),
        ("Transform: Odd\nResources: {}", "Transform: 'Odd' is not supported here"),
        (
            "Transform: AWS::Serverless-2016-10-31\n"
            "Resources: {A: {Type: AWS::Serverless::Function, Properties: {CodeUri: gone}}}",
            r"Resources\.A\.Properties\.CodeUri: 'gone' does not exist in",
        ),
        (
            "Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::Serverless::Function}}",
            r"the serverless transform refuses the template: .*\[A\]",
        ),
    ],
)
def test_a_template_that_cannot_be_read_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        expand(content, root=tmp_path, region="us-east-1", parameters={})


def test_names_are_the_same_in_every_run_and_fit_their_service() -> None:
    assert physical_name("stack", "Resource", limit=64) == "stack-Resource"
    long = physical_name("stack", "R" * 80, limit=64)
    assert len(long) == 64
    assert long == physical_name("stack", "R" * 80, limit=64) != physical_name("stack", "R" * 81, limit=64)
    assert bucket_name("Stack", "DataBucket", "123456789012") == "stack-databucket-123456789012"
    assert len(bucket_name("s" * 40, "B" * 40, "123456789012")) == 63


CHILD = """
Parameters:
  Title: {Type: String, Default: none}
Resources:
  A: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub "${Title} of ${AWS::StackName}"}}
  B: {Type: AWS::SNS::Topic}
Outputs:
  Topic: {Value: !Ref A}
"""


def parent(root: Path, child: str = CHILD, **properties: Any) -> dict[str, Any]:
    (root / "stacks").mkdir()
    (root / "stacks" / "child.yaml").write_text(child)
    nested = {"TemplateURL": "stacks/child.yaml", **properties}
    shown = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": "Child.Outputs.Topic"}}}
    return {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": nested}, "B": shown}


def test_a_nested_stack_is_made_from_its_own_template_and_gives_its_outputs(tmp_path: Path) -> None:
    stack, clients = deployed(parent(tmp_path, Parameters={"Title": {"Ref": "AWS::Region"}}), root=tmp_path)
    [child] = stack.nested()
    assert child.name.startswith("s-Child-")
    assert (child.parent, child.root) == (stack.arn, stack.arn)
    assert stack.resource("Child").created.physical_id == child.arn
    attributes = {call[2]["Name"]: call[2]["Attributes"] for call in clients.calls}
    assert attributes["s-A"] == {"DisplayName": f"eu-west-1 of {child.name}"}


def test_resources_of_one_name_in_two_stacks_are_told_apart(tmp_path: Path) -> None:
    _, clients = deployed(parent(tmp_path), root=tmp_path)
    names = [call[2]["Name"] for call in clients.calls]
    assert len(set(names)) == len(names) == 3
    assert {"s-A", "s-B"} < set(names)


@pytest.mark.parametrize(
    ("properties", "child", "problem"),
    [
        (
            {"Parameters": {"Odd": "1"}},
            CHILD,
            r"Child: child.yaml: Parameters\.Odd: is given but the template does not",
        ),
        ({"Parameters": {"Title": ["a"]}}, CHILD, r"Child\.Properties\.Parameters\.Title: expected text, not"),
        ({}, CHILD.replace("!Ref A", "!Ref C"), r"Child: child.yaml: Outputs\.Topic\.Value\.Ref: there is no .* 'C'"),
        (
            {},
            CHILD.replace("Topic:", "Tropic:"),
            r"Child \(AWS::CloudFormation::Stack\) has no attribute 'Outputs.Topic'",
        ),
        (
            {"TemplateURL": "stacks/gone.yaml"},
            CHILD,
            r"Child\.Properties\.TemplateURL: 'stacks/gone.yaml' does not exist",
        ),
        (
            {"TemplateURL": "https://s3.amazonaws.com/"},
            CHILD,
            r"TemplateURL: 'https://s3.amazonaws.com/' names no templ",
        ),
        ({"Colour": "red"}, CHILD, r"Child\.Properties\.Colour: of AWS::CloudFormation::Stack is not emulated"),
    ],
)
def test_what_is_wrong_with_a_nested_stack_is_named(
    tmp_path: Path, properties: dict[str, Any], child: str, problem: str
) -> None:
    with pytest.raises(TemplateError, match=problem):
        deployed(parent(tmp_path, child, **properties), root=tmp_path)


@pytest.mark.parametrize(
    "location",
    [
        "https://s3.eu-west-1.amazonaws.com/sources/a%20b.template",
        "https://sources.s3.eu-west-1.amazonaws.com/a%20b.template",
        "http://127.0.0.1:4566/sources/a%20b.template",
        "s3://sources/a b.template",
    ],
)
def test_a_nested_template_may_lie_in_a_bucket(tmp_path: Path, location: str) -> None:
    stack, clients = deployed(parent(tmp_path, TemplateURL=location), root=tmp_path)
    assert ("s3", "get_object", {"Bucket": "sources", "Key": "a b.template"}) in clients.calls
    assert len(list(stack.nested())) == 1


def answering(**answer: Any) -> Any:
    """What a Lambda client's invoke does when the function behind it answers CloudFormation."""

    def invoke(**parameters: Any) -> dict[str, Any]:
        request = json.loads(parameters["Payload"])
        document = {"Status": "SUCCESS", "PhysicalResourceId": "p"} | {
            key: request[key] for key in ("StackId", "RequestId", "LogicalResourceId")
        }
        body = json.dumps(document | {"Data": {"Seen": json.dumps(request["ResourceProperties"])}} | answer)
        sent = urllib.request.Request(request["ResponseURL"], data=body.encode(), method="PUT")
        with urllib.request.urlopen(sent, timeout=10):
            return {}

    return invoke


CUSTOM_RESOURCE = {"Type": "Custom::It", "Properties": {"ServiceToken": "arn:f", "Count": 2, "Deep": [{"On": True}]}}


def test_a_custom_resource_is_what_its_function_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_FakeClient, "invoke", lambda _, **given: answering()(**given), raising=False)
    outputs = {"Seen": {"Value": {"Fn::GetAtt": "It.Seen"}}, "Id": {"Value": {"Ref": "It"}}}
    stack, _ = deployed({"It": CUSTOM_RESOURCE}, root=tmp_path, Outputs=outputs)
    seen, identity = (output.value for output in stack.outputs)
    assert json.loads(seen) == {"ServiceToken": "arn:f", "Count": "2", "Deep": [{"On": "true"}]}
    assert identity == "p"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"Status": "FAILED", "Reason": "no room"}, r"Resources\.It: its function answered: no room"),
        ({"Status": "FINE"}, "the answer has no Status SUCCESS or FAILED"),
        ({"RequestId": "another"}, "the answer's RequestId is 'another', not the request's"),
        ({"PhysicalResourceId": ""}, "the answer names no PhysicalResourceId"),
        ({"Data": {"a": "b" * 5000}}, r"the answer has 5,\d+ bytes; CloudFormation takes 4,096"),
    ],
)
def test_an_answer_that_cloudformation_would_not_take_fails_the_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], problem: str
) -> None:
    monkeypatch.setattr(_FakeClient, "invoke", lambda _, **given: answering(**answer)(**given), raising=False)
    with pytest.raises(TemplateError, match=problem):
        deployed({"It": CUSTOM_RESOURCE}, root=tmp_path)


def test_a_function_that_dies_or_is_silent_fails_the_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorType": "E", "errorMessage": "m"}')}
    monkeypatch.setattr(_FakeClient, "invoke", lambda *_, **__: died, raising=False)
    with pytest.raises(TemplateError, match="its function died: E: m"):
        deployed({"It": CUSTOM_RESOURCE}, root=tmp_path)
    monkeypatch.setattr(_FakeClient, "invoke", lambda *_, **__: {}, raising=False)
    silent = {"Type": "Custom::It", "Properties": {"ServiceToken": "arn:f", "ServiceTimeout": 0.01}}
    with pytest.raises(TemplateError, match=r"no answer came within 0\.01 s"):
        deployed({"It": silent}, root=tmp_path)
