"""Create a template's resources in order, those of nested stacks included, and work out its outputs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from localcloud.deploy.family import Family
from localcloud.deploy.intrinsics import Scope, condition, resolve
from localcloud.deploy.nested import nested_template
from localcloud.deploy.order import creation_order, included
from localcloud.deploy.registry import UNEMULATED, Declaration, Place, creator
from localcloud.deploy.resources import batch, custom, functions, identity, messages, plumbing, storage, workflows
from localcloud.deploy.stack import Created, Output, Stack, StackResource
from localcloud.deploy.template import Template
from localcloud.deploy.values import text
from localcloud.errors import DeployError, TemplateError

NESTED: Final = "AWS::CloudFormation::Stack"

_REGISTERED = (batch, custom, functions, identity, messages, plumbing, storage, workflows)
_RESOURCE_KEYS = frozenset({"Type", "Properties", "DependsOn", "Condition", "Metadata"}) | frozenset(
    {"DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy"}
)


def deploy(template: Template, place: Place, *, stack_arn: str, now: Callable[[], datetime]) -> Stack:
    """Create everything that the template declares; TemplateError or DeployError names what cannot be."""
    taken = {(resource["Type"], name) for name, resource in template.resources.items()}
    return _Deployment(template, place, Family(root=place.stack, root_arn=stack_arn, taken=taken), now).run()


class _Deployment:
    def __init__(self, template: Template, place: Place, family: Family, now: Callable[[], datetime]) -> None:
        self._template = template
        self._place = replace(place, stack=family.stack)
        self._family = family
        self._now = now
        self._created: dict[str, Created] = {}
        self._scope = Scope(
            parameters=dict(template.parameters) | self._pseudo_parameters(),
            mappings=template.mappings,
            conditions=template.conditions,
            ref=self._ref,
            attribute=self._attribute,
        )

    def run(self) -> Stack:
        begun = self._now()
        resources = included(self._template.resources, self._scope)
        self._check_types(resources)
        made = [self._create(name, resources[name]) for name in creation_order(resources, self._scope)]
        return Stack(
            name=self._place.stack,
            arn=self._family.arn,
            template=self._template,
            resources=tuple(made),
            outputs=tuple(self._outputs()),
            created=begun,
            parent=self._family.parent_arn,
            root=self._family.root_arn if self._family.path else None,
        )

    def _pseudo_parameters(self) -> dict[str, Any]:
        return {
            "AWS::AccountId": self._place.account,
            "AWS::Region": self._place.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self._place.stack,
            "AWS::StackId": self._family.arn,
            "AWS::NotificationARNs": [],
        }

    def _check_types(self, resources: dict[str, Any]) -> None:
        """Refuse before anything is created, naming every type that is not known."""
        unknown = [
            f"{name} ({resource['Type']})"
            for name, resource in resources.items()
            if resource["Type"] != NESTED and creator(resource["Type"]) is None
        ]
        if unknown:
            raise TemplateError("Resources", f"types that localcloud does not emulate: {', '.join(unknown)}")
        for name, resource in resources.items():
            for key in resource:
                if key not in _RESOURCE_KEYS:
                    raise DeployError(f"Resources.{name}", "is no attribute of a resource", prop=key)

    def _create(self, name: str, resource: dict[str, Any]) -> StackResource:
        where = f"Resources.{name}.Properties"
        declaration = Declaration(
            logical_id=name,
            type=resource["Type"],
            properties=resolve(resource.get("Properties") or {}, self._scope, where),
            template=self._template,
            place=self._place,
            prefix=self._family.prefix(resource["Type"], name),
            stack_arn=self._family.arn,
        )
        create = self._nest if declaration.type == NESTED else creator(declaration.type)
        assert create is not None, declaration.type  # every type was checked
        created = create(declaration)
        declaration.finish()
        self._created[name] = created
        emulated = resource["Type"] not in UNEMULATED
        return StackResource(
            logical_id=name, type=resource["Type"], created=created, emulated=emulated, finished=self._now()
        )

    def _nest(self, this: Declaration) -> Created:
        """The stack that a resource nests; its outputs are the resource's attributes."""
        location = str(this.need("TemplateURL"))
        given = this.take("Parameters") or {}
        this.without_effect("TimeoutInMinutes", "NotificationARNs", "Tags")
        values = {name: text(value, f"{this.where}.Parameters.{name}") for name, value in given.items()}
        try:
            template = nested_template(this, location, values)
            family = self._family.inside(this.logical_id, self._family.arn)
            stack = _Deployment(template, self._place, family, self._now).run()
        except TemplateError as error:
            raise this.error(f"{location.rpartition('/')[2]}: {error}") from error
        attributes = {f"Outputs.{output.key}": output.value for output in stack.outputs}
        return Created(physical_id=stack.arn, attributes=attributes, stack=stack)

    def _outputs(self) -> list[Output]:
        outputs = []
        for key, declared in self._template.outputs.items():
            where = f"Outputs.{key}"
            if "Condition" in declared and not condition(declared["Condition"], self._scope, f"{where}.Condition"):
                continue
            export = resolve(declared.get("Export") or {}, self._scope, f"{where}.Export").get("Name")
            value = resolve(declared["Value"], self._scope, f"{where}.Value")
            description = str(declared.get("Description", ""))
            outputs.append(Output(key=key, value=str(value), description=description, export=export))
        return outputs

    def _ref(self, name: str) -> str:
        return self._known(name).physical_id

    def _attribute(self, name: str, attribute: str) -> Any:
        attributes = self._known(name).attributes
        if attribute not in attributes:
            kind = self._template.resources[name]["Type"]
            known = ", ".join(sorted(attributes)) or "none"
            raise LookupError(f"{name} ({kind}) has no attribute {attribute!r} here; known are {known}")
        return attributes[attribute]

    def _known(self, name: str) -> Created:
        if name not in self._created and name in self._template.resources:
            raise LookupError(f"the resource {name} does not exist: its condition does not hold")
        return self._created[name]
