"""The CloudFormation calls that describe what was deployed."""

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from localcloud.calls import Call, Reply
from localcloud.deploy.stack import Stack, StackResource
from localcloud.errors import ApiError

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
STATUS = "CREATE_COMPLETE"


class CloudFormation:
    """Stacks by name. :meth:`add` is the seam where change sets will enter."""

    def __init__(self) -> None:
        self._stacks: dict[str, Stack] = {}
        self._lock = threading.Lock()
        self._actions: dict[str, Callable[[dict[str, str]], Any]] = {
            "DescribeStacks": self._describe_stacks,
            "ListStacks": self._list_stacks,
            "DescribeStackResource": self._describe_resource,
            "DescribeStackResources": self._describe_resources,
            "ListStackResources": self._list_resources,
            "DescribeStackEvents": self._describe_events,
            "GetTemplate": self._get_template,
            "ListExports": self._list_exports,
        }

    def add(self, stack: Stack) -> None:
        """Take a stack in, with those that are nested in it."""
        with self._lock:
            for each in (stack, *stack.nested()):
                self._stacks[each.name] = each

    def access_points(self) -> dict[str, str]:
        """Id of each EFS access point → id of its file system."""
        points = (each for stack in self._all() for each in stack.resources if each.type == "AWS::EFS::AccessPoint")
        return {each.created.physical_id: each.created.attributes["FileSystemId"] for each in points}

    def __call__(self, call: Call) -> Reply | None:
        form = call.form()
        action = self._actions.get(form.get("Action", ""))
        if action is None:
            raise ApiError(400, "InvalidAction", f"localcloud does not answer CloudFormation's {form.get('Action')!r}")
        return _reply(form["Action"], action(form))

    def _all(self) -> list[Stack]:
        with self._lock:
            return list(self._stacks.values())

    def _stack(self, form: dict[str, str]) -> Stack:
        name = form.get("StackName", "")
        for stack in self._all():
            if name in (stack.name, stack.arn):
                return stack
        raise ApiError(400, "ValidationError", f"Stack with id {name} does not exist")

    def _resource(self, form: dict[str, str]) -> tuple[Stack, StackResource]:
        stack = self._stack(form)
        try:
            return stack, stack.resource(form["LogicalResourceId"])
        except KeyError:
            name = form.get("LogicalResourceId")
            problem = f"Resource {name} does not exist for stack {stack.name}"
            raise ApiError(400, "ValidationError", problem) from None

    def _describe_stacks(self, form: dict[str, str]) -> Any:
        stacks = [self._stack(form)] if form.get("StackName") else self._all()
        return {"Stacks": [_stack_document(stack) for stack in stacks]}

    def _list_stacks(self, _: dict[str, str]) -> Any:
        keys = ("StackId", "StackName", "CreationTime", "StackStatus", "TemplateDescription")
        documents = [_stack_document(stack) for stack in self._all()]
        return {"StackSummaries": [{key: document.get(key) for key in keys} for document in documents]}

    def _describe_resource(self, form: dict[str, str]) -> Any:
        stack, resource = self._resource(form)
        document = _resource_document(stack, resource)
        document["LastUpdatedTimestamp"] = document.pop("Timestamp")
        return {"StackResourceDetail": document}

    def _describe_resources(self, form: dict[str, str]) -> Any:
        stack = self._stack(form)
        wanted = form.get("LogicalResourceId")
        resources = [self._resource(form)[1]] if wanted else stack.resources
        return {"StackResources": [_resource_document(stack, resource) for resource in resources]}

    def _list_resources(self, form: dict[str, str]) -> Any:
        stack = self._stack(form)
        summaries = []
        for resource in stack.resources:
            document = _resource_document(stack, resource)
            document["LastUpdatedTimestamp"] = document.pop("Timestamp")
            del document["StackName"], document["StackId"]
            summaries.append(document)
        return {"StackResourceSummaries": summaries}

    def _describe_events(self, form: dict[str, str]) -> Any:
        stack = self._stack(form)
        events = []
        for resource in reversed(stack.resources):
            name = f"{resource.logical_id}-{STATUS}"
            event_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{stack.arn}/{name}"))
            events.append({"EventId": event_id, **_resource_document(stack, resource)})
        return {"StackEvents": events}

    def _get_template(self, form: dict[str, str]) -> Any:
        template = self._stack(form).template
        body = template.text
        if form.get("TemplateStage") == "Processed":
            document = {"Resources": template.resources, "Outputs": template.outputs}
            body = json.dumps(document, default=str)
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def _list_exports(self, _: dict[str, str]) -> Any:
        exports = [
            {"ExportingStackId": stack.arn, "Name": output.export, "Value": output.value}
            for stack in self._all()
            for output in stack.outputs
            if output.export
        ]
        return {"Exports": exports}


def _stack_document(stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.arn,
        "StackName": stack.name,
        "ParentId": stack.parent,
        "RootId": stack.root,
        "Description": stack.template.description or None,
        "TemplateDescription": stack.template.description or None,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": ",".join(value) if isinstance(value, list) else value}
            for key, value in stack.template.parameters.items()
        ],
        "CreationTime": stack.created,
        "RollbackConfiguration": {},
        "StackStatus": STATUS,
        "DisableRollback": False,
        "NotificationARNs": [],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Outputs": [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description or None,
                "ExportName": output.export,
            }
            for output in stack.outputs
        ],
        "Tags": [],
        "EnableTerminationProtection": False,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def _resource_document(stack: Stack, resource: StackResource) -> dict[str, Any]:
    document = {
        "StackName": stack.name,
        "StackId": stack.arn,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.created.physical_id,
        "ResourceType": resource.type,
        "Timestamp": resource.finished,
        "ResourceStatus": STATUS,
    }
    if not resource.emulated:
        document["ResourceStatusReason"] = "Accepted by localcloud; nothing stands behind it"
    return document


def _reply(action: str, document: dict[str, Any]) -> Reply:
    root = Element(f"{action}Response", xmlns=NAMESPACE)
    _write(SubElement(root, f"{action}Result"), document)
    metadata = SubElement(root, "ResponseMetadata")
    SubElement(metadata, "RequestId").text = str(uuid.uuid4())
    return Reply(body=tostring(root, encoding="utf-8", xml_declaration=True), content_type="text/xml")


def _write(parent: Element, document: dict[str, Any]) -> None:
    """The Query protocol's XML: lists as <member> elements, absent values left out."""
    for key, value in document.items():
        if value is not None:
            _write_value(SubElement(parent, key), value)


def _write_value(element: Element, value: Any) -> None:
    if isinstance(value, dict):
        _write(element, value)
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for item in value:
            _write_value(SubElement(element, "member"), item)
    elif isinstance(value, bool):
        element.text = str(value).lower()
    elif isinstance(value, datetime):
        element.text = value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    else:
        element.text = str(value)
