"""Create a template's resources in order, those of nested stacks included, and work out its outputs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from localcloud.deploy.dismantling import dismantle
from localcloud.deploy.family import Family
from localcloud.deploy.intrinsics import Scope, condition, resolve
from localcloud.deploy.nested import nested_template
from localcloud.deploy.order import creation_order, included
from localcloud.deploy.registry import UNEMULATED, Declaration, Place, creator
from localcloud.deploy.resources import batch, custom, functions, identity, messages, plumbing, storage, workflows
from localcloud.deploy.stack import Created, Output, Stack, StackResource, Step
from localcloud.deploy.template import Template
from localcloud.deploy.updates import update
from localcloud.deploy.values import text
from localcloud.errors import DeployError, TemplateError

NESTED: Final = "AWS::CloudFormation::Stack"

_REGISTERED = (batch, custom, functions, identity, messages, plumbing, storage, workflows)
_RESOURCE_KEYS = frozenset({"Type", "Properties", "DependsOn", "Condition", "Metadata"}) | frozenset(
    {"DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy"}
)


def deploy(
    template: Template,
    place: Place,
    *,
    stack_arn: str,
    now: Callable[[], datetime],
    before: Stack | None = None,
    note: Callable[[Step], None] = lambda _: None,
) -> Stack:
    """Create everything that the template declares, or make ``before`` into it.

    TemplateError or DeployError names what cannot be; StoppedError, which is one, also has what stands now.
    """
    taken = {(resource["Type"], name) for name, resource in template.resources.items()}
    family = Family(root=place.stack, root_arn=stack_arn, taken=taken)
    deployment = _Deployment(template, place, family, now, before, note)
    try:
        return deployment.run()
    except TemplateError as error:
        raise StoppedError(error, deployment.standing()) from error


class StoppedError(TemplateError):
    """A deployment that did not come to its end; ``standing`` is what there is of it."""

    def __init__(self, error: TemplateError, standing: Stack) -> None:
        super().__init__(error.where, error.problem)
        self.standing = standing


class _Deployment:
    def __init__(
        self,
        template: Template,
        place: Place,
        family: Family,
        now: Callable[[], datetime],
        before: Stack | None,
        note: Callable[[Step], None],
    ) -> None:
        self._template = template
        self._place = replace(place, stack=family.stack)
        self._family = family
        self._now = now
        self._begun = before.created if before else now()
        self._before = {} if before is None else {resource.logical_id: resource for resource in before.resources}
        self._note = note
        self._made: dict[str, StackResource] = {}
        self._created: dict[str, Created] = {}
        self._scope = Scope(
            parameters=dict(template.parameters) | self._pseudo_parameters(),
            mappings=template.mappings,
            conditions=template.conditions,
            ref=self._ref,
            attribute=self._attribute,
        )

    def run(self) -> Stack:
        resources = included(self._template.resources, self._scope)
        self._check_types(resources)
        for name in creation_order(resources, self._scope):
            self._made[name] = self._create(name, resources[name])
        outputs = tuple(self._outputs())
        for name in list(reversed(self._before)):
            if name not in self._made:
                dismantle(self._before.pop(name), self._note)
        return self._stack(tuple(self._made.values()), outputs)

    def standing(self) -> Stack:
        """What there is: made, or from before and not come to yet."""
        return self._stack(tuple((self._before | self._made).values()), ())

    def _stack(self, resources: tuple[StackResource, ...], outputs: tuple[Output, ...]) -> Stack:
        return Stack(
            name=self._place.stack,
            arn=self._family.arn,
            template=self._template,
            resources=resources,
            outputs=outputs,
            created=self._begun,
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
        old = self._before.get(name)
        if old is not None and old.type != declaration.type:
            dismantle(self._before.pop(name), self._note)
            old = None
        if old is not None and declaration.type != NESTED and old.declaration.properties == declaration.properties:
            self._created[name] = old.created
            return old
        verb = "CREATE" if old is None else "UPDATE"
        self._tell(declaration, f"{verb}_IN_PROGRESS", old.created.physical_id if old else "")
        try:
            created = self._made_of(declaration, old)
            declaration.finish()
        except TemplateError as error:
            self._tell(declaration, f"{verb}_FAILED", reason=str(error))
            raise
        self._created[name] = created
        self._tell(declaration, f"{verb}_COMPLETE", created.physical_id)
        return self._resource(declaration, created)

    def _made_of(self, this: Declaration, old: StackResource | None) -> Created:
        if this.type == NESTED:
            return self._nest(this, old)
        if old is not None:
            return update(this, old.declaration, old.created)
        create = creator(this.type)
        assert create is not None, this.type  # every type was checked
        return create(this)

    def _resource(self, this: Declaration, created: Created) -> StackResource:
        return StackResource(
            logical_id=this.logical_id,
            type=this.type,
            created=created,
            emulated=this.type not in UNEMULATED,
            finished=self._now(),
            declaration=this,
        )

    def _tell(self, this: Declaration, status: str, physical_id: str = "", reason: str = "") -> None:
        self._note(
            Step(
                stack_arn=self._family.arn,
                stack_name=self._place.stack,
                logical_id=this.logical_id,
                type=this.type,
                physical_id=physical_id,
                status=status,
                reason=reason,
            )
        )

    def _nest(self, this: Declaration, old: StackResource | None) -> Created:
        """The stack that a resource nests; its outputs are the resource's attributes."""
        location = str(this.need("TemplateURL"))
        given = this.take("Parameters") or {}
        this.without_effect("TimeoutInMinutes", "NotificationARNs", "Tags")
        values = {name: text(value, f"{this.where}.Parameters.{name}") for name, value in given.items()}
        family = self._family.inside(this.logical_id, self._family.arn)
        before = old.created.stack if old else None
        inner = None
        try:
            template = nested_template(this, location, values)
            inner = _Deployment(template, self._place, family, self._now, before, self._note)
            stack = inner.run()
        except TemplateError as error:
            if inner is not None:
                standing = Created(physical_id=family.arn, stack=inner.standing())
                self._made[this.logical_id] = self._resource(this, standing)
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
