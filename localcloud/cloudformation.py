"""CloudFormation at the gateway: stacks are described, deployed, changed and deleted as the SAM CLI asks for it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from localcloud.calls import Call, Reply
from localcloud.deploy.stack import Stack, StackResource
from localcloud.deploy.template import Template, parse
from localcloud.errors import ApiError, TemplateError
from localcloud.stackdocuments import (
    change_set_document,
    event_document,
    reply,
    resource_document,
    stack_document,
    template_summary,
    whole_change_set,
)
from localcloud.stackforms import Form, check_capabilities, check_name, members, object_of, parameters, tags
from localcloud.stackrecords import ChangeSet, Record
from localcloud.stacks import Engine, Stacks, change_set_arn


class Sources(Protocol):
    """Where templates come from."""

    def fetch(self, bucket: str, key: str) -> str:
        """The text of an object; ApiError when there is none."""
        ...

    def read(self, text: str, parameters: Mapping[str, str]) -> Template: ...


class CloudFormation:
    """Answers the Query calls; whatever changes a stack is over when it is answered."""

    def __init__(self, engine: Engine, sources: Sources, now: Callable[[], datetime]) -> None:
        self._stacks = Stacks(engine, now)
        self._sources = sources
        self._now = now
        self._actions: dict[str, Callable[[Form], dict[str, Any]]] = {
            "DescribeStacks": self._describe_stacks,
            "ListStacks": self._list_stacks,
            "DescribeStackResource": self._describe_resource,
            "DescribeStackResources": self._describe_resources,
            "ListStackResources": self._list_resources,
            "DescribeStackEvents": self._describe_events,
            "GetTemplate": self._get_template,
            "GetTemplateSummary": self._summarise,
            "ValidateTemplate": self._summarise,
            "ListExports": self._list_exports,
            "CreateChangeSet": self._create_change_set,
            "DescribeChangeSet": self._describe_change_set,
            "ListChangeSets": self._list_change_sets,
            "ExecuteChangeSet": self._execute_change_set,
            "DeleteChangeSet": self._delete_change_set,
            "CreateStack": self._create_stack,
            "UpdateStack": self._update_stack,
            "DeleteStack": self._delete_stack,
        }

    def add(self, stack: Stack) -> None:
        """Take a stack in that was deployed without a call, with those that are nested in it."""
        self._stacks.add(stack)

    def access_points(self) -> dict[str, str]:
        """Id of each EFS access point → id of its file system."""
        stacks = [record.stack for record in self._stacks.all() if record.stack is not None]
        points = (each for stack in stacks for each in stack.resources if each.type == "AWS::EFS::AccessPoint")
        return {each.created.physical_id: each.created.attributes["FileSystemId"] for each in points}

    def __call__(self, call: Call) -> Reply | None:
        form = call.form()
        action = self._actions.get(form.get("Action", ""))
        if action is None:
            raise ApiError(400, "InvalidAction", f"localcloud does not answer CloudFormation's {form.get('Action')!r}")
        try:
            return reply(form["Action"], action(form))
        except TemplateError as error:
            raise ApiError(400, "ValidationError", f"Template error: {error}") from error

    # What there is.

    def _resource(self, form: Form) -> tuple[Record, StackResource]:
        record = self._stacks.find(form.get("StackName", ""))
        name = form.get("LogicalResourceId", "")
        for resource in record.stack.resources if record.stack else ():
            if resource.logical_id == name:
                return record, resource
        raise ApiError(400, "ValidationError", f"Resource {name} does not exist for stack {record.name}")

    def _describe_stacks(self, form: Form) -> dict[str, Any]:
        name = form.get("StackName")
        found = [self._stacks.find(name)] if name else self._stacks.all()
        return {"Stacks": [stack_document(record) for record in found]}

    def _list_stacks(self, form: Form) -> dict[str, Any]:
        keys = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus", "ParentId")
        wanted = {value for key, value in form.items() if key.startswith("StackStatusFilter.member.")}
        found = [each for each in self._stacks.all(gone=True) if not wanted or each.status in wanted]
        documents = [stack_document(record) for record in found]
        return {"StackSummaries": [{key: document.get(key) for key in keys} for document in documents]}

    def _describe_resource(self, form: Form) -> dict[str, Any]:
        return {"StackResourceDetail": _updated(resource_document(*self._resource(form)))}

    def _describe_resources(self, form: Form) -> dict[str, Any]:
        if form.get("LogicalResourceId"):
            return {"StackResources": [resource_document(*self._resource(form))]}
        physical = form.get("PhysicalResourceId")
        if physical is None:
            return {"StackResources": self._resource_documents(self._stacks.find(form.get("StackName", "")))}
        for record in self._stacks.all():
            documents = self._resource_documents(record)
            if any(document["PhysicalResourceId"] == physical for document in documents):
                return {"StackResources": documents}
        raise ApiError(400, "ValidationError", f"Stack for {physical} does not exist")

    def _resource_documents(self, record: Record) -> list[dict[str, Any]]:
        return [resource_document(record, resource) for resource in (record.stack.resources if record.stack else ())]

    def _list_resources(self, form: Form) -> dict[str, Any]:
        summaries = [_updated(each) for each in self._resource_documents(self._stacks.find(form.get("StackName", "")))]
        for summary in summaries:
            del summary["StackName"], summary["StackId"]
        return {"StackResourceSummaries": summaries}

    def _describe_events(self, form: Form) -> dict[str, Any]:
        record = self._stacks.find(form.get("StackName", ""))
        return {"StackEvents": [event_document(event) for event in record.events_of(record.arn)]}

    def _get_template(self, form: Form) -> dict[str, Any]:
        record, change_set = self._stacks.find(form.get("StackName", "")), form.get("ChangeSetName")
        template = _change_set(record, change_set).template if change_set else record.stack and record.stack.template
        body = template.text if template else ""
        if template and form.get("TemplateStage") == "Processed":
            body = json.dumps({"Resources": template.resources, "Outputs": template.outputs}, default=str)
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def _summarise(self, form: Form) -> dict[str, Any]:
        """GetTemplateSummary and ValidateTemplate."""
        return template_summary(parse(self._text(form)))

    def _list_exports(self, _: Form) -> dict[str, Any]:
        exports = [
            {"ExportingStackId": record.arn, "Name": output.export, "Value": output.value}
            for record in self._stacks.all()
            for output in (record.stack.outputs if record.stack else ())
            if output.export
        ]
        return {"Exports": exports}

    # What is to be.

    def _create_change_set(self, form: Form) -> dict[str, Any]:
        name, stack = form["ChangeSetName"], form["StackName"]
        kind = form.get("ChangeSetType", "UPDATE")
        if kind not in ("CREATE", "UPDATE"):
            raise ApiError(
                400, "ValidationError", f"localcloud makes change sets of type CREATE and UPDATE, not {kind}"
            )
        if kind == "CREATE":
            check_name(stack)
        change_set = ChangeSet(
            name=name,
            arn="",
            kind=kind,
            template=self._template(form),
            tags=tags(form),
            capabilities=members(form, "Capabilities"),
            description=form.get("Description", ""),
            created=self._now(),
        )
        check_capabilities(change_set.template, change_set.capabilities)
        record = self._stacks.propose(stack, change_set)
        change_set.arn = change_set_arn(record.arn, name)
        return {"Id": change_set.arn, "StackId": record.arn}

    def _found(self, form: Form) -> tuple[Record, ChangeSet]:
        name = form.get("ChangeSetName", "")
        if "StackName" in form:
            record = self._stacks.find(form["StackName"])
            return record, _change_set(record, name)
        for record in self._stacks.all():
            if any(each.arn == name for each in record.change_sets.values()):
                return record, _change_set(record, name)
        raise ApiError(404, "ChangeSetNotFound", f"ChangeSet [{name}] does not exist")

    def _describe_change_set(self, form: Form) -> dict[str, Any]:
        return whole_change_set(*self._found(form))

    def _list_change_sets(self, form: Form) -> dict[str, Any]:
        record = self._stacks.find(form.get("StackName", ""))
        return {"Summaries": [change_set_document(record, each) for each in record.change_sets.values()]}

    def _execute_change_set(self, form: Form) -> dict[str, Any]:
        self._stacks.execute(*self._found(form))
        return {}

    def _delete_change_set(self, form: Form) -> dict[str, Any]:
        record, change_set = self._found(form)
        del record.change_sets[change_set.name]
        return {}

    def _create_stack(self, form: Form) -> dict[str, Any]:
        check_name(form["StackName"])
        template, capabilities = self._template(form), members(form, "Capabilities")
        check_capabilities(template, capabilities)
        return {"StackId": self._stacks.create(form["StackName"], template, tags(form), capabilities).arn}

    def _update_stack(self, form: Form) -> dict[str, Any]:
        record = self._stacks.find(form.get("StackName", ""))
        template, capabilities = self._template(form), members(form, "Capabilities")
        check_capabilities(template, capabilities)
        self._stacks.update(record, template, tags(form) or record.tags, capabilities)
        return {"StackId": record.arn}

    def _delete_stack(self, form: Form) -> dict[str, Any]:
        record = self._stacks.known(form.get("StackName", ""))
        if record is not None:  # CloudFormation deletes what is not there without a word
            self._stacks.delete(record)
        return {}

    def _template(self, form: Form) -> Template:
        """The template that a call names, with its parameters' values."""
        known = self._stacks.known(form["StackName"])
        before = known.stack.template.parameters if known is not None and known.stack is not None else {}
        return self._sources.read(self._text(form), parameters(form, before))

    def _text(self, form: Form) -> str:
        if "TemplateBody" in form:
            return form["TemplateBody"]
        if "TemplateURL" in form:
            return self._sources.fetch(*object_of(form["TemplateURL"]))
        record = self._stacks.find(form.get("StackName", ""))
        if record.stack is None:
            raise ApiError(400, "ValidationError", f"Stack {record.name} has no template yet")
        return record.stack.template.text


def _updated(document: dict[str, Any]) -> dict[str, Any]:
    document["LastUpdatedTimestamp"] = document.pop("Timestamp")
    return document


def _change_set(record: Record, name: str) -> ChangeSet:
    for change_set in record.change_sets.values():
        if name in (change_set.name, change_set.arn):
            return change_set
    raise ApiError(404, "ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
