"""CloudFormation's answers: stacks, resources, events and change sets as documents, and as the Query protocol's XML."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from localcloud.calls import Reply
from localcloud.deploy.stack import Stack, StackResource
from localcloud.stackrecords import ChangeSet, Event, Record

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


def stack_document(record: Record) -> dict[str, Any]:
    stack = record.stack
    return {
        "StackId": record.arn,
        "StackName": record.name,
        "Description": (stack and stack.template.description) or None,
        "TemplateDescription": (stack and stack.template.description) or None,
        "Parameters": _parameters(stack),
        "CreationTime": record.created,
        "LastUpdatedTime": record.updated,
        "DeletionTime": record.deleted,
        "RollbackConfiguration": {},
        "StackStatus": record.status,
        "StackStatusReason": record.reason or None,
        "DisableRollback": False,
        "NotificationARNs": [],
        "Capabilities": list(record.capabilities),
        "Outputs": _outputs(stack),
        "Tags": [{"Key": key, "Value": value} for key, value in record.tags.items()],
        "ParentId": stack and stack.parent,
        "RootId": stack and stack.root,
        "EnableTerminationProtection": False,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def _parameters(stack: Stack | None) -> list[dict[str, Any]]:
    values = stack.template.parameters.items() if stack is not None else ()
    return [{"ParameterKey": key, "ParameterValue": plain(value)} for key, value in values]


def plain(value: Any) -> str:
    """A parameter's value as it was given."""
    return ",".join(value) if isinstance(value, list) else str(value)


def _outputs(stack: Stack | None) -> list[dict[str, Any]]:
    return [
        {
            "OutputKey": output.key,
            "OutputValue": output.value,
            "Description": output.description or None,
            "ExportName": output.export,
        }
        for output in (stack.outputs if stack is not None else ())
    ]


def template_summary(template: Mapping[str, Any]) -> dict[str, Any]:
    """What a template declares, before anything is resolved."""
    declared = template.get("Parameters") or {}
    return {
        "Description": template.get("Description"),
        "Parameters": [
            {
                "ParameterKey": key,
                "DefaultValue": None if "Default" not in each else plain(each["Default"]),
                "ParameterType": each.get("Type"),
                "NoEcho": str(each.get("NoEcho", False)).lower() == "true",
                "Description": each.get("Description"),
            }
            for key, each in declared.items()
        ],
        "ResourceTypes": sorted({resource["Type"] for resource in template["Resources"].values()}),
    }


def resource_document(record: Record, resource: StackResource) -> dict[str, Any]:
    latest = next((each for each in record.events_of(record.arn) if each.step.logical_id == resource.logical_id), None)
    document = {
        "StackName": record.name,
        "StackId": record.arn,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.created.physical_id,
        "ResourceType": resource.type,
        "Timestamp": resource.finished,
        "ResourceStatus": latest.step.status if latest is not None else "CREATE_COMPLETE",
    }
    if not resource.emulated:
        document["ResourceStatusReason"] = "Accepted by localcloud; nothing stands behind it"
    return document


def event_document(event: Event) -> dict[str, Any]:
    step = event.step
    return {
        "EventId": event.id,
        "StackId": step.stack_arn,
        "StackName": step.stack_name,
        "LogicalResourceId": step.logical_id,
        "PhysicalResourceId": step.physical_id,
        "ResourceType": step.type,
        "Timestamp": event.at,
        "ResourceStatus": step.status,
        "ResourceStatusReason": step.reason or None,
    }


def change_set_document(record: Record, change_set: ChangeSet) -> dict[str, Any]:
    """As ListChangeSets has it."""
    return {
        "StackId": record.arn,
        "StackName": record.name,
        "ChangeSetId": change_set.arn,
        "ChangeSetName": change_set.name,
        "ExecutionStatus": change_set.execution,
        "Status": change_set.status,
        "StatusReason": change_set.reason or None,
        "CreationTime": change_set.created,
        "Description": change_set.description or None,
        "IncludeNestedStacks": False,
    }


def whole_change_set(record: Record, change_set: ChangeSet) -> dict[str, Any]:
    """As DescribeChangeSet has it."""
    found = {resource.logical_id: resource for resource in (record.stack.resources if record.stack else ())}
    changes = []
    for change in change_set.changes:
        old = found.get(change.logical_id)
        detail = {
            "Action": change.action,
            "LogicalResourceId": change.logical_id,
            "PhysicalResourceId": old.created.physical_id if old is not None else None,
            "ResourceType": change.type,
            "Replacement": "False" if change.action == "Modify" else None,
            "Scope": ["Properties"] if change.action == "Modify" else [],
        }
        changes.append({"Type": "Resource", "ResourceChange": detail})
    return {
        **change_set_document(record, change_set),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": plain(value)}
            for key, value in change_set.template.parameters.items()
        ],
        "Capabilities": list(change_set.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in change_set.tags.items()],
        "Changes": changes,
    }


def reply(action: str, document: dict[str, Any]) -> Reply:
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
